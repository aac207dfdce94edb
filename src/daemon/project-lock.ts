import { connect, createServer, type Server } from 'node:net';
import { z } from 'zod';
import { FilareError } from '../contract/errors.js';
import { lockName } from '../contract/project-lock-name.js';

/** How long the holder of a lock may take to say who it is, in milliseconds. */
const HOLDER_MS = 500;
const MAX_ANSWER_CHARACTERS = 1024;

const holderSchema = z.object({ pid: z.number().int(), since: z.string() });

/** Who holds a lock, as it says itself. */
export type LockHolder = z.infer<typeof holderSchema>;

/**
 * One daemon per project, by a lock that dies with its holder: the name of an abstract unix socket (Linux), which the kernel gives to one process
 * and takes back when that process ends, however it ends. No file stays behind. Whoever connects is told who holds it and since when. Rejects with
 * `conflict` when another daemon holds it, with what that one says in `details.holder`.
 */
export async function lockProject(
  key: string,
  uid: number,
  now: () => Date = () => new Date(),
): Promise<{ release(): Promise<void> }> {
  const own: LockHolder = { pid: process.pid, since: now().toISOString() };
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(JSON.stringify(own), () => socket.destroy());
  });
  const name = `\0${lockName(key, uid)}`;
  try {
    await listen(server, name);
  } catch (failure) {
    if (!(failure instanceof Error && 'code' in failure && failure.code === 'EADDRINUSE')) throw failure;
    throw taken(await lockHolder(key, uid), failure);
  }
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** Who holds the lock of a project now; null when nobody does, or does not say. */
export async function lockHolder(key: string, uid: number): Promise<LockHolder | null> {
  const said = await new Promise<string>((resolve) => {
    let text = '';
    const socket = connect({ path: `\0${lockName(key, uid)}` });
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    const timer = setTimeout(done, HOLDER_MS);
    socket.setEncoding('utf8');
    socket.on('data', (more: string) => {
      text += more;
      if (text.length > MAX_ANSWER_CHARACTERS) done();
    });
    socket.on('error', done);
    socket.on('close', done);
  });
  try {
    return holderSchema.parse(JSON.parse(said));
  } catch {
    return null;
  }
}

function taken(holder: LockHolder | null, cause: unknown): FilareError {
  const who = holder === null ? 'another daemon' : `another daemon (pid ${String(holder.pid)}, since ${holder.since})`;
  return new FilareError({
    code: 'conflict',
    message: `${who} serves this project already`,
    hint: 'filare-agents daemon status; filare-agents daemon stop ends it, agents go on',
    details: { holder },
    cause,
  });
}

function listen(server: Server, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(name, resolve);
    server.unref();
  });
}
