import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, type FileHandle } from 'node:fs/promises';

/** The bytes of one entry's name: file names need not be UTF-8. */
export type EntryName = string | Buffer;

const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** NONBLOCK: a FIFO that somebody put in the file's place must not hold us. */
const FILE_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * A folder held by its descriptor, for walking where an agent can write. Every step goes from a descriptor to one name and follows no
 * symbolic link, so whoever swaps a folder for a link meanwhile gains nothing: a path is never resolved twice.
 * (Linux: `/proc/self/fd/N/name` is what `openat` would do with descriptor N.)
 */
export class OpenFolder implements AsyncDisposable {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Opens a folder by its path. The last component may not be a symbolic link (ENOTDIR or ELOOP); those before it are the operator's. */
  static async open(path: string): Promise<OpenFolder> {
    return new OpenFolder(await open(path, FOLDER_FLAGS));
  }

  /** Opens a folder in this one; a symbolic link is refused by the system (ENOTDIR or ELOOP). */
  async folder(name: EntryName): Promise<OpenFolder> {
    return new OpenFolder(await open(this.entry(name), FOLDER_FLAGS));
  }

  /** Opens a regular file in this folder for reading; undefined when the entry is anything else. ENOENT and ELOOP are thrown. */
  async file(name: EntryName): Promise<FileHandle | undefined> {
    const handle = await open(this.entry(name), FILE_FLAGS);
    try {
      if ((await handle.stat()).isFile()) return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return undefined;
  }

  /** The path of an entry, for calls that do not follow its last component: lstat, unlink, rmdir, rename, lchown, readlink, mkdir, `O_EXCL`. */
  entry(name: EntryName): Buffer {
    const bytes = typeof name === 'string' ? Buffer.from(name) : name;
    if (bytes.length === 0 || bytes.includes(0x2f) || bytes.includes(0) || bytes.equals(DOT) || bytes.equals(DOT_DOT)) {
      throw new Error(`not the name of an entry: ${JSON.stringify(bytes.toString())}`);
    }
    return Buffer.concat([Buffer.from(`${this.self()}/`), bytes]);
  }

  /** A path to the folder itself, whatever its name is by now. */
  self(): string {
    return `/proc/self/fd/${this.#handle.fd}`;
  }

  /** What is in it, in the system's order. */
  names(): Promise<Buffer[]> {
    return readdir(this.self(), { encoding: 'buffer' });
  }

  /** What an entry is, links not followed. */
  look(name: EntryName): Promise<Stats> {
    return lstat(this.entry(name));
  }

  /** What this folder is. */
  stat(): Promise<Stats> {
    return this.#handle.stat();
  }

  /** Sets the mode of this very folder. */
  chmod(mode: number): Promise<void> {
    return this.#handle.chmod(mode);
  }

  /** Lets the descriptor go. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

const DOT = Buffer.from('.');
const DOT_DOT = Buffer.from('..');

/**
 * Up to `maxBytes` of a file in an open folder, as text. `too_big` when it holds more, `not_a_file` for a link, FIFO, folder or device,
 * `missing` when there is none.
 */
export async function readSmallFile(
  folder: OpenFolder,
  name: EntryName,
  maxBytes: number,
): Promise<{ readonly text: string } | 'missing' | 'not_a_file' | 'too_big'> {
  let handle: FileHandle | undefined;
  try {
    handle = await folder.file(name);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return 'missing';
    if (code === 'ELOOP' || code === 'ENXIO' || code === 'ENOTDIR') return 'not_a_file';
    throw error;
  }
  if (handle === undefined) return 'not_a_file';
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) return 'too_big';
    const bytes = Buffer.alloc(size + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) return { text: bytes.toString('utf8', 0, length) };
      length += bytesRead;
    }
    // It grew while it was read: nobody's file but a writer's who plays with us.
    return 'too_big';
  } finally {
    await handle.close();
  }
}
