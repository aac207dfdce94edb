import { constants } from 'node:fs';
import { copyFile, lchown, mkdir, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import { OpenFolder } from '../workspace/open-folder.js';
import { systemCode, unlessMissing } from '../workspace/system-error.js';
import type { ContainerUser } from './attempt-folder.js';

/** As Codex names the record of a thread, which lies in a folder of its day. */
const RECORD = /^rollout-(\d{4})-(\d\d)-(\d\d)T[0-9-]+-[0-9a-f-]{36}\.jsonl$/;

/**
 * Puts the records of threads in the folder `from` where Codex looks for them in a home. They stay there: what Codex forks from them is kept as what comes
 * on top. The home may be an agent's from before: no link in it is followed. Safe to repeat.
 */
export async function giveThreads(
  from: string,
  codex_home: string,
  owner: { readonly user: ContainerUser; readonly caller_uid: number },
): Promise<void> {
  const own = async (path: Buffer): Promise<void> => {
    if (owner.caller_uid === 0) await lchown(path, owner.user.uid, owner.user.gid);
  };
  const names = (await unlessMissing(readdir(from))) ?? [];
  for (const name of names) {
    const day = RECORD.exec(name)?.slice(1);
    if (day === undefined) continue;
    try {
      await using home = await OpenFolder.open(codex_home);
      await give({ path: join(from, name), name }, home, ['sessions', ...day], own);
    } catch (cause) {
      if (systemCode(cause) === undefined) throw cause;
      throw new FilareError({
        code: 'bad_state',
        message: `the thread cannot be put into the Codex home ${codex_home} (${systemCode(cause) ?? ''})`,
        hint: 'an earlier session of this agent left something in the way: move that folder away',
        cause,
      });
    }
  }
}

async function give(
  record: { readonly path: string; readonly name: string },
  folder: OpenFolder,
  way: readonly string[],
  own: (path: Buffer) => Promise<void>,
): Promise<void> {
  const [step, ...rest] = way;
  if (step === undefined) {
    const target = folder.entry(record.name);
    await unlessMissing(unlink(target));
    await copyFile(record.path, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await own(target);
    return;
  }
  if (await made(folder.entry(step))) await own(folder.entry(step));
  await using next = await folder.folder(step);
  await give(record, next, rest, own);
}

/** Makes a folder; false when there is something of that name. */
async function made(path: Buffer): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (failure) {
    if (systemCode(failure) === 'EEXIST') return false;
    throw failure;
  }
}
