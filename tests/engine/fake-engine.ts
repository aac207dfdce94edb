/** A server that listens where an engine would and behaves as badly as a test needs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';

/** A running fake and an engine that talks to it. */
export interface FakeEngine {
  readonly engine: DockerEngine;
  readonly socket_path: string;
  /** Resolves once a request has come. */
  readonly asked: Promise<void>;
  /** Resolves once `count` connections were made and every connection is closed. */
  readonly closed: (count: number) => Promise<void>;
  /** `METHOD /path` of every request so far. */
  readonly requests: readonly string[];
  readonly stop: () => Promise<void>;
}

/** Starts a fake whose every request is given to `answer`; with `upgrades`, connections of commands are upgraded and then silent. */
export async function startFakeEngine(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  upgrades = false,
): Promise<FakeEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'filare-fake-'));
  const socket_path = join(folder, 'docker.sock');
  const open = new Set<Socket>();
  let connections = 0;
  let noticeAsked: () => void = () => undefined;
  let noticeClosed: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    noticeAsked = resolve;
  });
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    answer(request, response);
    noticeAsked();
  });
  if (upgrades) {
    server.on('upgrade', (request, socket) => {
      requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
      // An upgraded connection stays half open until its server ends it too.
      socket.resume().on('end', () => socket.end());
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    });
  }
  server.on('connection', (socket) => {
    connections += 1;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      open.delete(socket);
      noticeClosed();
    });
  });
  await new Promise<void>((resolve) => server.listen(socket_path, resolve));
  return {
    engine: await DockerEngine.connect({ DOCKER_HOST: `unix://${socket_path}` }),
    socket_path,
    requests,
    asked,
    closed: (count) =>
      new Promise((resolve) => {
        noticeClosed = () => {
          if (connections >= count && open.size === 0) resolve();
        };
        noticeClosed();
      }),
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
