/** An engine that is not there, not allowed, silent, dying or in trouble: each has its code, and nobody waits for ever. */
import { chmod } from 'node:fs/promises';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import type { CallOptions, Engine } from '../../src/engine/engine.js';
import { startFakeEngine } from './fake-engine.js';
import type { FakeEngine } from './fake-engine.js';
import { PROJECT_LABEL, aContainer } from './fixtures.js';

const NOBODY_UID = 65_534;
const LABELS = { [PROJECT_LABEL]: 'fake' };
const BUILD = { tag: 't:1', dockerfile: 'Dockerfile', build_args: {}, labels: LABELS, network: 'none' };

/** Every call of the contract that waits for the engine. */
const CALLS: Readonly<Record<string, (engine: Engine, options: CallOptions) => Promise<unknown>>> = {
  info: (engine, options) => engine.info(options),
  create: (engine, options) => engine.create(aContainer('fake'), options),
  start: (engine, options) => engine.start('c', options),
  stop: (engine, options) => engine.stop('c', 10, options),
  kill: (engine, options) => engine.kill('c', 'TERM', options),
  remove: (engine, options) => engine.remove('c', options),
  inspect: (engine, options) => engine.inspect('c', options),
  list: (engine, options) => engine.list(LABELS, options),
  wait: (engine, options) => engine.wait('c', options),
  logs: (engine, options) => engine.logs('c', 10, options),
  exec: (engine, options) => engine.exec('c', { command: ['true'], stdin: 'x' }, options),
  terminal: (engine, options) => engine.terminal('c', { command: ['true'], columns: 80, rows: 24 }, options),
  pipes: (engine, options) => engine.pipes('c', { command: ['true'] }, options),
  processes: (engine, options) => engine.processes('c', options),
  createNetwork: (engine, options) => engine.createNetwork({ name: 'n', labels: LABELS, internal: true }, options),
  listNetworks: (engine, options) => engine.listNetworks(LABELS, options),
  removeNetwork: (engine, options) => engine.removeNetwork('n', options),
  image: (engine, options) => engine.image('i', options),
  listImages: (engine, options) => engine.listImages(LABELS, options),
  removeImage: (engine, options) => engine.removeImage('i', options),
  pull: (engine, options) => engine.pull('i', () => undefined, options),
  importImage: (engine, options) => engine.importImage(Readable.from(['tar']), 'i', options),
  build: (engine, options) => engine.build(Readable.from(['tar']), BUILD, () => undefined, options),
};

let fake: FakeEngine | undefined;

afterEach(async () => {
  await fake?.stop();
  fake = undefined;
});

/** An engine that answers every request the same way. */
async function answering(status: number, body: string): Promise<FakeEngine> {
  fake = await startFakeEngine((request, response) => {
    request.resume();
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
  });
  return fake;
}

async function silent(): Promise<FakeEngine> {
  fake = await startFakeEngine((request) => request.resume());
  return fake;
}

describe('an engine that is not there', () => {
  it.each(Object.entries(CALLS))('fails %s with the way to get one', async (_name, call) => {
    const engine = await DockerEngine.connect({ DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    await expect(call(engine, {})).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: 'no Docker Engine answers at unix:///nowhere/docker.sock',
      hint: expect.stringContaining('scripts/setup') as string,
    });
  });

  it('is the same over TCP', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    const engine = await DockerEngine.connect({ DOCKER_HOST: `tcp://127.0.0.1:${port}` });
    await expect(engine.info()).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: `no Docker Engine answers at tcp://127.0.0.1:${port}`,
    });
  });

  it('ends the stream of events', async () => {
    const engine = await DockerEngine.connect({ DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    await expect(follow(engine, new AbortController().signal)).rejects.toMatchObject({ code: 'engine_unavailable' });
  });

  it('is not mistaken for the one that this process has in its own environment', async () => {
    const before = process.env['DOCKER_HOST'];
    process.env['DOCKER_HOST'] = 'tcp://127.0.0.1:9';
    try {
      const { engine } = await answering(404, '{"message":"No such container: c"}');
      expect(await engine.inspect('c')).toBeUndefined();
    } finally {
      if (before === undefined) delete process.env['DOCKER_HOST'];
      else process.env['DOCKER_HOST'] = before;
    }
  });
});

describe('an engine that may not be used', () => {
  it('is said to need the group of its socket', async () => {
    const { engine, socket_path } = await silent();
    await chmod(socket_path, 0o000);
    const asRoot = process.geteuid?.() === 0;
    if (asRoot) process.seteuid?.(NOBODY_UID);
    try {
      await expect(engine.info()).rejects.toMatchObject({
        code: 'engine_unavailable',
        message: `no permission to use the Docker Engine at unix://${socket_path}`,
        hint: expect.stringContaining('group') as string,
      });
    } finally {
      if (asRoot) process.seteuid?.(0);
    }
  });
});

describe('an engine that accepts and never answers', () => {
  it.each(Object.entries(CALLS))('fails %s at its deadline and leaves no connection', async (_name, call) => {
    const { engine, closed, socket_path } = await silent();
    await expect(call(engine, { deadline_ms: 50 })).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining(`unix://${socket_path} was not done within 50 ms`) as string,
    });
    await closed(1);
  });

  it.each(Object.entries(CALLS))('lets go of %s when the signal ends', async (_name, call) => {
    const { engine, asked, closed } = await silent();
    const controller = new AbortController();
    const waiting = call(engine, { signal: controller.signal });
    const refused = expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
    await asked;
    controller.abort();
    await refused;
    await closed(1);
  });

  it('is let go of also after it began to answer', async () => {
    fake = await startFakeEngine((request, response) => {
      request.resume();
      response.writeHead(200).write('{"StatusCode":');
    });
    await expect(fake.engine.wait('c', { deadline_ms: 50 })).rejects.toMatchObject({ code: 'timeout' });
    await expect(fake.engine.logs('c', 10, { deadline_ms: 50 })).rejects.toMatchObject({ code: 'unexpected' });
    const controller = new AbortController();
    const building = fake.engine.build(Readable.from(['tar']), BUILD, () => undefined, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(building).rejects.toMatchObject({ code: 'interrupted' });
    await fake.closed(3);
  });

  it('is let go of in the middle of a command', async () => {
    fake = await startFakeEngine((request, response) => {
      request.resume();
      response.writeHead(200).end('{"Id":"e"}');
    }, true);
    const { engine, requests, closed } = fake;
    const upgraded = (): number => requests.filter((request) => request === 'POST /exec/e/start').length;
    await expect(engine.exec('c', { command: ['true'] }, { deadline_ms: 300 })).rejects.toMatchObject({
      code: 'timeout',
    });
    expect(upgraded()).toBe(1);
    const controller = new AbortController();
    const waiting = engine.exec('c', { command: ['true'] }, { signal: controller.signal });
    const refused = expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
    await expect.poll(upgraded).toBe(2);
    controller.abort();
    await refused;
    await closed(4);
  });

  it('is asked nothing once the signal has ended', async () => {
    const { engine, requests } = await answering(204, '');
    await expect(engine.start('c', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'interrupted' });
    await engine.start('after');
    expect(requests).toEqual(['POST /containers/after/start']);
  });

  it('ends the stream of events quietly with the signal, before and after the first event', async () => {
    const { engine, asked, closed } = await silent();
    const controller = new AbortController();
    const following = follow(engine, controller.signal);
    await asked;
    controller.abort();
    await following;
    await closed(1);
    await fake?.stop();

    fake = await startFakeEngine((_request, response) => {
      const message = { Action: 'start', Actor: { ID: 'c', Attributes: LABELS }, timeNano: 1 };
      response.writeHead(200).write(`${JSON.stringify(message)}\n`);
    });
    const second = new AbortController();
    const seen: unknown[] = [];
    const watching = follow(fake.engine, second.signal, seen);
    await expect.poll(() => seen.length).toBe(1);
    second.abort();
    await watching;
    await fake.closed(1);
  });
});

describe('an engine that goes away in the middle', () => {
  it('ends a wait without a deadline', async () => {
    fake = await startFakeEngine((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.flushHeaders();
      setImmediate(() => response.socket?.destroy());
    });
    await expect(fake.engine.wait('c')).rejects.toMatchObject({ code: 'engine_unavailable' });
    await expect(fake.engine.inspect('c')).rejects.toMatchObject({ code: 'engine_unavailable' });
  });

  it.each(['whole', 'half'])('ends the stream of events after a %s message', async (how) => {
    const message = JSON.stringify({
      Action: 'die',
      Actor: { ID: 'c', Attributes: { exitCode: '3', image: 'i', ...LABELS } },
      timeNano: 1_700_000_000_000_000_000,
    });
    fake = await startFakeEngine((_request, response) => {
      response.writeHead(200).write(`${message}\n${how === 'half' ? message.slice(0, 10) : ''}`, () => {
        if (how === 'half') response.socket?.destroy();
        else response.end();
      });
    });
    const seen: unknown[] = [];
    await expect(follow(fake.engine, new AbortController().signal, seen)).rejects.toMatchObject({
      code: 'engine_unavailable',
    });
    expect(seen).toEqual([
      { kind: 'die', container_id: 'c', labels: LABELS, exit_code: 3, time_ms: 1_700_000_000_000 },
    ]);
  });

  it('closes its stream of events when nobody listens any more', async () => {
    fake = await startFakeEngine((_request, response) => {
      const message = { Action: 'start', Actor: { ID: 'c', Attributes: LABELS }, timeNano: 1 };
      response.writeHead(200).write(`${JSON.stringify(message)}\n`);
    });
    const { signal } = new AbortController();
    for await (const event of fake.engine.events(LABELS, { signal })) {
      expect(event.kind).toBe('start');
      break;
    }
    await fake.closed(1);
  });
});

describe('an engine in trouble', () => {
  it.each(['create', 'start', 'exec', 'build', 'pull', 'importImage', 'createNetwork'])(
    'says of %s that its disk is full',
    async (name) => {
      const { engine } = await answering(500, '{"message":"write /var/lib/docker/x: no space left on device"}');
      await expect(CALLS[name]?.(engine, {})).rejects.toMatchObject({
        code: 'no_space',
        message: expect.stringContaining('no space left on device') as string,
        hint: expect.any(String) as string,
      });
    },
  );

  it.each(['build', 'pull', 'importImage'])('says so also in the middle of %s', async (name) => {
    const { engine } = await answering(200, '{"status":"going"}\n{"error":"write /x: no space left on device"}\n');
    await expect(CALLS[name]?.(engine, {})).rejects.toMatchObject({ code: 'no_space' });
  });

  it('is quoted where nothing better is known', async () => {
    const { engine } = await answering(500, '{"message":"the moon is in the way"}');
    await expect(engine.start('c')).rejects.toMatchObject({
      code: 'unexpected',
      message: 'start container c: the moon is in the way',
      details: { status: 500 },
    });
  });

  it('is quoted also when it does not speak JSON', async () => {
    const { engine } = await answering(502, 'Bad Gateway\n');
    await expect(engine.start('c')).rejects.toMatchObject({ message: 'start container c: Bad Gateway' });
  });

  it('has no more addresses for networks', async () => {
    const words = 'could not find an available, non-overlapping IPv4 address pool among the defaults';
    const { engine } = await answering(500, JSON.stringify({ message: words }));
    await expect(CALLS['createNetwork']?.(engine, {})).rejects.toMatchObject({ code: 'limit_exceeded' });
  });

  it.each(['{}', 'not json', '[{"Id":5}]', '{"Id":"c","State":{"Status":"dancing"}}'])(
    'is not believed when it answers %s',
    async (body) => {
      const { engine } = await answering(200, body);
      await expect(engine.inspect('c')).rejects.toMatchObject({ code: 'unexpected' });
      await expect(engine.list(LABELS)).rejects.toMatchObject({ code: 'unexpected' });
    },
  );

  it('is said to be too old when it does not upgrade the connection of a command', async () => {
    fake = await startFakeEngine((request, response) => {
      request.resume();
      response.writeHead(200).end(request.url?.includes('/start') === true ? '' : '{"Id":"e"}');
    });
    await expect(fake.engine.exec('c', { command: ['true'] })).rejects.toMatchObject({ code: 'unsupported' });
    await fake.closed(2);
  });
});

describe('names', () => {
  it.each(['../info', 'a/b', '', 'a?force=1', 'a%2e', '.', 'a\nb'])('never reach the engine as %j', async (id) => {
    const { engine, requests } = await answering(204, '');
    await expect(engine.remove(id)).rejects.toMatchObject({ code: 'usage' });
    await expect(engine.removeNetwork(id)).rejects.toMatchObject({ code: 'usage' });
    await engine.removeNetwork('after');
    expect(requests).toEqual(['DELETE /networks/after']);
  });

  it.each(['../info', 'a//b', '', 'a?force=1', 'a b', '/a'])('are no images: %j', async (reference) => {
    const { engine, requests } = await answering(200, '[]');
    await expect(engine.image(reference)).rejects.toMatchObject({ code: 'image_unavailable' });
    await expect(engine.removeImage(reference)).rejects.toMatchObject({ code: 'image_unavailable' });
    await engine.removeImage('after:1');
    expect(requests).toEqual(['DELETE /images/after:1']);
  });
});

describe('what is sent', () => {
  it.each([
    ['name', '/images/create?fromImage=name&tag=latest'],
    ['name:1', '/images/create?fromImage=name&tag=1'],
    ['127.0.0.1:5000/name', '/images/create?fromImage=127.0.0.1%3A5000%2Fname&tag=latest'],
    ['a/name@sha256:00', '/images/create?fromImage=a%2Fname%40sha256%3A00'],
  ])('pulls one image, not all its tags: %s', async (reference, url) => {
    const { engine, requests } = await answering(200, '');
    await engine.pull(reference, () => undefined);
    expect(requests).toEqual([`POST ${url}`]);
  });

  it('tells the engine the grace in whole seconds, never less than asked', async () => {
    const { engine, requests } = await answering(204, '');
    for (const grace_ms of [0, 1, 1000, 1001]) await engine.stop('c', grace_ms);
    expect(requests).toEqual(['0', '1', '1', '2'].map((seconds) => `POST /containers/c/stop?t=${seconds}`));
  });
});

async function follow(engine: Engine, signal: AbortSignal, seen: unknown[] = []): Promise<void> {
  for await (const event of engine.events(LABELS, { signal })) seen.push(event);
}
