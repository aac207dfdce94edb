import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import type { Header, Pack } from 'tar-stream';
import { DOCKERFILE, EMPTY_FILES, INPUT_FILES, LINKS, placeOf } from './layout.js';
import { PACKAGE_NAMES } from './versions.js';
import type { PackageName } from './versions.js';

const ROOTFS = 'rootfs';
// One time for every file, so that the same inputs give the same bytes.
const MTIME = new Date(499_162_500_000);

/**
 * The build context as a tar stream, written while it is read; nothing is unpacked to disk. `archives` are paths of the packages' verified
 * archives. `written` settles when the last byte was taken; a failure also destroys the stream.
 */
export function contextTar(
  inputsDir: string,
  archives: Readonly<Record<PackageName, string>>,
  signal?: AbortSignal,
): { readonly stream: NodeJS.ReadableStream; readonly written: Promise<void> } {
  const tar = pack();
  const stream = new PassThrough();
  const write = writeEntries(new Writer(tar), inputsDir, archives, signal).then(
    () => tar.finalize(),
    (error: unknown) => {
      tar.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    },
  );
  const pump = pipeline(tar, stream, { ...(signal === undefined ? {} : { signal }) });
  // The first failure is the cause; the other promise fails of it.
  return { stream, written: Promise.all([write, pump]).then(() => undefined) };
}

async function writeEntries(
  writer: Writer,
  inputsDir: string,
  archives: Readonly<Record<PackageName, string>>,
  signal: AbortSignal | undefined,
): Promise<void> {
  await writer.file(DOCKERFILE, 0o644, await readFile(join(inputsDir, DOCKERFILE)));
  for (const { input, path, mode } of INPUT_FILES) {
    await writer.file(`${ROOTFS}/${path}`, mode, await readFile(join(inputsDir, input)));
  }
  for (const path of EMPTY_FILES) await writer.file(`${ROOTFS}/${path}`, 0o644, Buffer.alloc(0));
  for (const { path, target } of LINKS) await writer.link(`${ROOTFS}/${path}`, target);
  for (const name of PACKAGE_NAMES) await writePackage(writer, name, archives[name], signal);
}

async function writePackage(
  writer: Writer,
  name: PackageName,
  archive: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const entries = extract();
  const feed = pipeline(createReadStream(archive), createGunzip(), entries, {
    ...(signal === undefined ? {} : { signal }),
  });
  const copy = async (): Promise<void> => {
    for await (const entry of entries) {
      const { type, size, mode } = entry.header;
      const place = type === 'file' ? placeOf(name, entry.header.name, mode) : undefined;
      if (place === undefined) entry.resume();
      else await writer.stream(`${ROOTFS}/${place.path}`, place.mode, size, entry);
    }
  };
  await Promise.all([feed, copy()]);
}

// Puts entries one after another, each parent folder once before what is in it.
class Writer {
  readonly #tar: Pack;
  readonly #folders = new Set<string>(['.']);

  constructor(tar: Pack) {
    this.#tar = tar;
  }

  async file(path: string, mode: number, content: Buffer): Promise<void> {
    await this.#put({ name: path, mode, type: 'file', size: content.length }, content);
  }

  async link(path: string, target: string): Promise<void> {
    await this.#put({ name: path, mode: 0o777, type: 'symlink', linkname: target, size: 0 });
  }

  async stream(path: string, mode: number, size: number, content: AsyncIterable<unknown>): Promise<void> {
    await this.#parents(path);
    await pipeline(content, this.#tar.entry({ name: path, mode, type: 'file', size, mtime: MTIME, uid: 0, gid: 0 }));
  }

  async #put(header: Partial<Header> & Pick<Header, 'name'>, content?: Buffer): Promise<void> {
    await this.#parents(header.name);
    await new Promise<void>((resolve, reject) => {
      this.#tar.entry({ ...header, mtime: MTIME, uid: 0, gid: 0 }, content ?? Buffer.alloc(0), (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  async #parents(path: string): Promise<void> {
    const parent = dirname(path);
    if (this.#folders.has(parent)) return;
    await this.#parents(parent);
    this.#folders.add(parent);
    await this.#put({ name: parent, mode: 0o755, type: 'directory', size: 0 });
  }
}
