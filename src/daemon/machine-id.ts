import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** Which machine this is: a hash of its machine-id, which itself is not to be passed on (machine-id(5)); null where there is none. */
export async function machineId(): Promise<string | null> {
  for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    const id = (await readFile(path, 'utf8').catch(() => '')).trim();
    if (/^[0-9a-f]{32}$/.test(id)) return createHash('sha256').update(`filare-agents:${id}`).digest('hex').slice(0, 16);
  }
  return null;
}
