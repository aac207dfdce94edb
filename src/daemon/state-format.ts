/**
 * Which format a project's state folder has, and whose it is. Contract:
 * - a folder of an older known format is migrated, with a copy of what it held beside it; one of a newer format, or that does not say, is refused;
 * - a folder that was made for another path or on another machine is refused (`bad_state`), for names, labels and locks are derived from the path, and
 *   its containers would be somebody else's; `adopt` makes it this project's own, under a new instance;
 * - nothing is guessed and nothing is deleted.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { FilareError } from '../contract/errors.js';
import type { ProjectPaths } from '../contract/project.js';

/** The format that this version reads and writes. 0 is what had no format.json. */
export const STATE_FORMAT = 1;

const anyFormatSchema = z.object({ format: z.number().int().nonnegative() });
const stateSchema = z.object({
  format: z.literal(STATE_FORMAT),
  /** Which life of the project this is; stands on all that the engine makes for it. */
  instance: z.string(),
  /** Real path of the project that the state was made for. */
  root: z.string(),
  /** Hash of the machine-id; null where the machine has none. */
  machine: z.string().nullable(),
  made_at: z.string(),
});
type StateFile = z.infer<typeof stateSchema>;

/** Where the state folder is opened. */
export interface StateSurroundings {
  readonly machine: string | null;
  /** Make a folder of another path or machine this project's own. */
  readonly adopt: boolean;
  readonly now: () => Date;
}

/** A state folder that may be used. */
export interface OpenedState {
  readonly instance: string;
  /** Where the folder was before it was adopted just now; null when it was here. */
  readonly adopted_from: string | null;
  /** Folder with what was there before a migration or adoption; null when nothing was changed. */
  readonly backup: string | null;
}

/** Opens the state folder of a project, which exists and whose lock is ours; see the top of this file. */
export async function openState(paths: ProjectPaths, around: StateSurroundings): Promise<OpenedState> {
  const found = await readState(paths);
  const fresh = (): StateFile => ({
    format: STATE_FORMAT,
    instance: randomUUID(),
    root: paths.root,
    machine: around.machine,
    made_at: around.now().toISOString(),
  });
  if (found === null) {
    const backup = existsSync(paths.ledger) ? await keepCopy(paths, 0, around) : null;
    const state = fresh();
    await write(paths, state);
    return { instance: state.instance, adopted_from: null, backup };
  }
  const elsewhere = whereElse(found, paths, around);
  if (elsewhere === null) return { instance: found.instance, adopted_from: null, backup: null };
  if (!around.adopt) throw notHere(paths, elsewhere);
  const backup = await keepCopy(paths, found.format, around);
  const state = fresh();
  await write(paths, state);
  return { instance: state.instance, adopted_from: found.root, backup };
}

/** What format.json says; null where there is none, `version_mismatch` for a newer format, `bad_state` for what cannot be read. */
async function readState(paths: ProjectPaths): Promise<StateFile | null> {
  const text = await readFile(paths.format, 'utf8').catch((failure: unknown) => {
    if (failure instanceof Error && 'code' in failure && failure.code === 'ENOENT') return null;
    throw failure;
  });
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unreadable(paths, 'it is not JSON');
  }
  const format = anyFormatSchema.safeParse(value);
  if (!format.success) throw unreadable(paths, 'it names no format');
  if (format.data.format > STATE_FORMAT) {
    throw new FilareError({
      code: 'version_mismatch',
      message: `${paths.state} has format ${String(format.data.format)}; this version of filare-agents reads ${String(STATE_FORMAT)} and older`,
      hint: 'use the newer version of filare-agents that wrote it; nothing was changed',
      details: { found: format.data.format, known: STATE_FORMAT },
    });
  }
  const state = stateSchema.safeParse(value);
  if (!state.success) throw unreadable(paths, 'it is not whole');
  return state.data;
}

function whereElse(found: StateFile, paths: ProjectPaths, around: StateSurroundings): string | null {
  if (found.root !== paths.root) return found.root;
  const other_machine = found.machine !== null && around.machine !== null && found.machine !== around.machine;
  return other_machine ? `${found.root} on another machine` : null;
}

function notHere(paths: ProjectPaths, elsewhere: string): FilareError {
  return new FilareError({
    code: 'bad_state',
    message: `${paths.state} was made for ${elsewhere}: the folder was copied or moved, and its containers, locks and paths are those of the other one`,
    hint: `move it back; or, when nothing runs there any more, make it this project's own: filare-agents daemon run --adopt (or FILARE_ADOPT=1 with any command)`,
    details: { made_for: elsewhere, found_at: paths.root },
  });
}

function unreadable(paths: ProjectPaths, why: string): FilareError {
  return new FilareError({
    code: 'bad_state',
    message: `${paths.format} cannot be read: ${why}`,
    hint: `bring back a good copy of it; or move ${paths.state} aside, then everything begins anew. Nothing was changed`,
  });
}

/** The records of the state folder as they were, beside them. Workspaces and homes are not among them: nothing of theirs is changed. */
async function keepCopy(paths: ProjectPaths, format: number, around: StateSurroundings): Promise<string> {
  const stamp = around.now().toISOString().replace(/[:.]/g, '-');
  const backup = join(paths.state, `backup-format-${String(format)}-${stamp}`);
  await mkdir(backup, { mode: 0o700 });
  for (const entry of await readdir(paths.state, { withFileTypes: true }))
    if (entry.isFile() && /\.jsonl?$/.test(entry.name))
      await cp(join(paths.state, entry.name), join(backup, entry.name), { preserveTimestamps: true });
  return backup;
}

async function write(paths: ProjectPaths, state: StateFile): Promise<void> {
  await writeFileAtomic(paths.format, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}
