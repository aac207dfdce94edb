import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FilareError } from '../../src/contract/errors.js';
import { jsonApp, VERSION_HEADER } from '../../src/daemon/app.js';
import type { Handlers } from '../../src/daemon/handlers.js';
import { serveStream, type StreamContext } from '../../src/daemon/streams.js';
import type { Fleet } from '../../src/fleet/fleet.js';

/** Nothing here may reach a session or the engine. */
const fleet = {
  find: (ref: string) => {
    throw new FilareError({ code: 'not_found', message: `no session ${ref}` });
  },
} as unknown as Fleet;
const handlers = {
  version: () => Promise.resolve({ running: true }),
  stopDaemon: () => Promise.resolve({ pid: 1 }),
  listSessions: () => Promise.resolve([]),
  startSessions: () => Promise.resolve([]),
} as unknown as Handlers;

describe('a request of a client', () => {
  let server: Server;
  beforeEach(async () => {
    const json = getRequestListener(jsonApp(handlers, pino({ level: 'silent' })).fetch);
    const context = { fleet, ending: new AbortController().signal } as unknown as StreamContext;
    server = createServer((request, response) => {
      if (!serveStream(context, request, response)) void json(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );

  const ask = (
    method: string,
    path: string,
    options: { readonly headers?: Record<string, string>; readonly body?: readonly string[] } = {},
  ): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const sent = httpRequest(
        { host: '127.0.0.1', port, method, path, headers: options.headers ?? {} },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => (text += part));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      sent.on('error', reject);
      // Refused in the middle of its body, it may still be writing.
      sent.on('socket', (socket) => socket.on('error', () => undefined));
      for (const part of options.body ?? []) sent.write(part);
      sent.end();
    });

  it('of another version is refused, but for asking which version this is and having it leave', async () => {
    const headers = { [VERSION_HEADER]: '99', 'content-type': 'application/json' };
    expect(await ask('GET', '/v1/sessions', { headers })).toMatchObject({ status: 426 });
    expect(await ask('GET', '/v1/version', { headers })).toMatchObject({ status: 200 });
    expect(await ask('POST', '/v1/daemon/stop', { headers, body: ['{}'] })).toMatchObject({ status: 200 });
  });

  it('is answered beside a thousand connections that say half a request and no more', async () => {
    const { port } = server.address() as AddressInfo;
    const idle: Socket[] = [];
    for (let n = 0; n < 1_000; n += 1) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      idle.push(socket);
      await once(socket, 'connect');
      socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    }
    const begin = performance.now();
    expect(await ask('GET', '/healthz')).toMatchObject({ status: 200 });
    expect(performance.now() - begin).toBeLessThan(1_000);
    for (const socket of idle) socket.destroy();
  });

  it('for no well-formed address is refused, and the next one is served', async () => {
    expect(await ask('GET', '/v1/sessions/%E0%A4%A/events')).toMatchObject({ status: 400 });
    await ask('GET', '//').catch(() => undefined);
    expect(await ask('GET', '/healthz')).toMatchObject({ status: 200 });
  });

  it('to build an image that is not ours is refused before anything is done', async () => {
    const answer = await ask('POST', '/v1/image/build', { body: ['{"image":"debian:bookworm"}'] });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('"unsupported"');
    expect(await ask('POST', '/v1/image/build', { body: ['{"image":'] })).toMatchObject({ status: 400 });
  });

  it('that never ends is cut off, whatever length it names', async () => {
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    const answer = await ask('POST', '/v1/sessions', {
      headers,
      body: Array.from({ length: 20 }, () => ' '.repeat(1024 * 1024)),
    });
    expect(answer.status).toBe(429);
  });
});
