import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGunzip, createGzip } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import { z } from 'zod';
import { promptSchema, sessionRowSchema } from '../../src/contract/session.js';

/** Where the project stood when its folder was packed: paths within it are absolute, and those of no machine. */
export const GOLDEN_ROOT = '/tmp/filare-golden';

/** What was true of the folder when it was packed. Fields that a later version adds to rows and prompts are not in it. */
export const expectationSchema = z.object({
  version: z.string(),
  rows: z.array(z.looseObject(sessionRowSchema.pick({ session_id: true, id: true, role: true, phase: true }).shape)),
  prompts: z.array(z.looseObject(promptSchema.pick({ prompt_id: true, session_id: true }).shape)),
  /** `verify --all --json`. */
  verified: z.array(
    z.looseObject({ session_id: z.string(), lines: z.number(), last_seq: z.number(), link: z.string() }),
  ),
});
/** What was true of the folder when it was packed. */
export type Expectation = z.infer<typeof expectationSchema>;

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** The released versions whose folders are kept. */
export async function goldenVersions(): Promise<readonly string[]> {
  const names = await readdir(FOLDER);
  return names.filter((name) => name.endsWith('.tar.gz')).map((name) => name.slice(0, -'.tar.gz'.length));
}

/** Where the folder of a version, and what was true of it, are kept. */
export function goldenFiles(version: string): { readonly folder: string; readonly expectation: string } {
  return { folder: join(FOLDER, `${version}.tar.gz`), expectation: join(FOLDER, `${version}.json`) };
}

/** What was true of the folder of a version. */
export async function readExpectation(version: string): Promise<Expectation> {
  return expectationSchema.parse(JSON.parse(await readFile(goldenFiles(version).expectation, 'utf8')));
}

/** Packs these files, in order, with nothing of this machine in their headers. Answers how many bytes that made. */
export async function packFiles(to: string, root: string, paths: readonly string[]): Promise<number> {
  const tar = pack();
  const packed = buffer(tar.pipe(createGzip({ level: 9 })));
  for (const path of [...paths].sort())
    tar.entry({ name: relative(root, path), mode: 0o600, mtime: new Date(0), uid: 0, gid: 0 }, await readFile(path));
  tar.finalize();
  await writeFile(to, await packed);
  return (await packed).length;
}

/** Puts a packed folder at `root`. */
export async function unpackFiles(from: string, root: string): Promise<void> {
  const tar = extract();
  const writing = (async () => {
    for await (const entry of tar) {
      const path = join(root, entry.header.name);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, await buffer(entry), { mode: 0o600 });
    }
  })();
  await pipeline(Readable.from([await readFile(from)]), createGunzip(), tar);
  await writing;
}
