import { createServer, type Server } from 'node:net';
import { FilareError } from '../contract/errors.js';

/**
 * One daemon per project, by a lock that dies with its holder: the name of an abstract unix socket (Linux), which the kernel gives to one process
 * and takes back when that process ends, however it ends. No file stays behind. Rejects with `conflict` when another daemon holds it.
 */
export async function lockProject(key: string, uid: number): Promise<{ release(): Promise<void> }> {
  const server = createServer((socket) => socket.destroy());
  await listen(server, `\0filare-agents-${String(uid)}-${key}`);
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}

function listen(server: Server, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (failure: NodeJS.ErrnoException) => {
      reject(
        failure.code === 'EADDRINUSE'
          ? new FilareError({
              code: 'conflict',
              message: 'another daemon serves this project already',
              hint: 'filare-agents daemon status',
              cause: failure,
            })
          : failure,
      );
    });
    server.listen(name, resolve);
    server.unref();
  });
}
