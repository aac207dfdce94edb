import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'filare-solo-';
/** Younger ones are left alone: in another process namespace the same number may be somebody else. */
const OLD_MS = 60_000;

/** Makes a private temporary folder for this process (0700), and removes those of processes that were killed before they could. */
export async function runFolder(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)) && (await isOldAndOurs(join(tmpdir(), name))))
      await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
  return mkdtemp(join(tmpdir(), `${PREFIX}${String(process.pid)}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

async function isOldAndOurs(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => null);
  return (
    stats !== null && stats.isDirectory() && stats.uid === process.getuid?.() && Date.now() - stats.mtimeMs > OLD_MS
  );
}
