import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, realpath, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { OpenFolder, readSmallFile } from './open-folder.js';
import { removeTree } from './remove-tree.js';
import { systemCode, unlessMissing } from './system-error.js';

/**
 * Books a folder in the project's ledger before it is made. The answer closes the entry: `kept` when the folder stays for good, `removed`
 * when it is gone again or was never made.
 */
export type IntendFolder = (path: string) => Promise<(outcome: 'kept' | 'removed') => Promise<void>>;

/** Where a workspace is made before it is renamed into place. */
export interface Staging {
  /** The folder beside the workspace, 0700. */
  readonly path: string;
  /** What becomes the workspace; not made yet. */
  readonly tree: string;
  /** For git's own files while it works. */
  readonly scratch: string;
}

const MARKER = 'filare-seed.json';
const MAX_MARKER_BYTES = 4096;
const markerSchema = z.object({ product: z.literal('filare-agents'), mark: z.string(), workspace: z.string() });

/**
 * Runs work with a staging folder for a workspace: booked first, marked as ours at once, removed when the work is over, however it ends.
 * `mark` says whose it is: the key of the project.
 */
export async function withStaging<T>(
  workspace: string,
  mark: string,
  intend: IntendFolder,
  work: (staging: Staging) => Promise<T>,
): Promise<T> {
  const path = `${workspace}.filare-seed-${randomBytes(8).toString('hex')}`;
  const close = await intend(path);
  const staging = { path, tree: join(path, 'tree'), scratch: join(path, 'scratch') };
  let result: T;
  try {
    await mkdir(path, { mode: 0o700 });
    await writeMarker(path, { product: 'filare-agents', mark, workspace });
    await mkdir(staging.scratch, { mode: 0o700 });
    result = await work(staging);
  } catch (failure) {
    // The first cause wins: should the removal fail too, the entry stays open and the next preparation tries again.
    await removeStaging(path).then(
      () => close('removed'),
      () => undefined,
    );
    throw failure;
  }
  await removeStaging(path);
  await close('removed');
  return result;
}

async function writeMarker(path: string, content: z.infer<typeof markerSchema>): Promise<void> {
  const marker = await open(join(path, MARKER), 'wx', 0o600);
  try {
    await marker.writeFile(`${JSON.stringify(content)}\n`);
    await marker.sync();
  } finally {
    await marker.close();
  }
}

async function removeStaging(path: string): Promise<void> {
  await using parent = await OpenFolder.open(dirname(path));
  await removeTree(parent, basename(path), path);
}

/**
 * Removes what preparations of this workspace left when they were killed, and only what is provably ours: named as we name, owned by us,
 * with a marker of the same project and the same workspace in it (or still empty). Answers what was removed, and what looks alike and was
 * left alone. The caller sees to it that no preparation of the same workspace runs meanwhile.
 */
export async function removeSeedLeftovers(
  workspace: string,
  mark: string,
): Promise<{ readonly removed: readonly string[]; readonly strangers: readonly string[] }> {
  const removed: string[] = [];
  const strangers: string[] = [];
  const parent = await unlessMissing(realpath(dirname(workspace)));
  if (parent === undefined) return { removed, strangers };
  const target = join(parent, basename(workspace));
  const start = `${basename(workspace)}.filare-seed-`;
  for (const name of await readdir(parent)) {
    if (!name.startsWith(start) || !/^[0-9a-f]{16}$/.test(name.slice(start.length))) continue;
    const path = join(parent, name);
    const ours = await isOurs(path, target, mark);
    if (ours) await removeStaging(path);
    (ours || (await removeIfEmpty(path)) ? removed : strangers).push(path);
  }
  return { removed, strangers };
}

async function isOurs(path: string, workspace: string, mark: string): Promise<boolean> {
  try {
    await using folder = await OpenFolder.open(path);
    if ((await folder.stat()).uid !== process.geteuid?.()) return false;
    const read = await readSmallFile(folder, MARKER, MAX_MARKER_BYTES);
    if (typeof read === 'string') return false;
    const marker = markerSchema.safeParse(JSON.parse(read.text));
    return marker.success && marker.data.mark === mark && marker.data.workspace === workspace;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) !== undefined) return false;
    throw error;
  }
}

/** Killed between making the folder and marking it: nothing in it can be lost. */
async function removeIfEmpty(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}
