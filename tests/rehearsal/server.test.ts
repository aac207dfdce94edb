import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_PACE, isPlan, type Part, type Plan, type Step } from '../../src/rehearsal/plan.js';
import { MAX_BODY_BYTES } from '../../src/rehearsal/request-body.js';
import { startRehearsalServer, type RehearsalServer, type RequestRecord } from '../../src/rehearsal/server.js';

/** What any HTTP client of the server can rely on, over real sockets. What Codex makes of it is in codex.test.ts. */

const servers: RehearsalServer[] = [];
const log: RequestRecord[] = [];
afterEach(async () => {
  log.length = 0;
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(parts: readonly Part[] = [], strict = false): Promise<string> {
  const plan: Plan = { version: 1, strict, pace: DEFAULT_PACE, parts };
  const server = await startRehearsalServer({ plan, port: 0, log: (record) => log.push(record) });
  servers.push(server);
  return `http://127.0.0.1:${server.port ?? 0}`;
}

const part = (...steps: Step[]): Part => ({ source: 'script.yml:1', cue: {}, steps });
const say = (text: string): Step => ({ kind: 'say', text, pace: DEFAULT_PACE });
const said = (text: string): unknown => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });

async function respond(
  url: string,
  input: readonly unknown[],
  headers: Record<string, string> = {},
): Promise<Response> {
  const body = JSON.stringify({ model: 'm', stream: true, input, prompt_cache_key: 'thread' });
  return await fetch(`${url}/v1/responses`, { method: 'POST', body, headers });
}

async function events(response: Response): Promise<Record<string, unknown>[]> {
  const blocks = (await response.text()).split('\n\n').filter((block) => block !== '');
  return blocks.map((block) => JSON.parse(block.replace(/^event: .*\ndata: /, '')) as Record<string, unknown>);
}

describe('POST /v1/responses', () => {
  it('streams the events of the Responses API, numbered, with the usage of what went through', async () => {
    const response = await respond(await serve([part(say('x'.repeat(40)))]), [said('hello')]);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const seen = await events(response);
    expect(seen.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(seen.map((event) => event['sequence_number'])).toEqual(seen.map((_, index) => index));
    expect(seen.at(-1)).toMatchObject({ response: { status: 'completed', usage: { output_tokens: 10 } } });
  });

  it('answers the same request with the same bytes, also after a restart', async () => {
    const parts = [part(say('a'), { kind: 'run', command: 'ls', background: false })];
    const first = await (await respond(await serve(parts), [said('x')])).text();
    expect(await (await respond(await serve(parts), [said('x')])).text()).toBe(first);
  });

  it('tells agents apart by their headers', async () => {
    const url = await serve([
      { ...part(say('docs')), cue: { agent: ['docs'] } },
      { ...part(say('{{role}} {{turn}}')), cue: { role: ['feature'] } },
    ]);
    const text = async (headers: Record<string, string>): Promise<string> =>
      (await respond(url, [said('a'), said('b')], headers)).text();
    expect(await text({ 'x-filare-agent': 'docs', 'x-filare-role': 'FEATURE' })).toContain('"delta":"docs"');
    expect(await text({ 'x-filare-agent': 'f1', 'x-filare-role': 'FEATURE' })).toContain('"delta":"FEATURE 2"');
    expect(await text({})).toContain('"delta":"b"');
  });

  it('does not take what Codex adds in the name of the user for a message', async () => {
    const input = [
      said('# AGENTS.md instructions for /w\n\n<INSTRUCTIONS>\nx\n</INSTRUCTIONS>'),
      said('<environment_context>\n<cwd>/w</cwd>\n</environment_context>'),
      said('one'),
      said('<turn_aborted>\nstopped\n</turn_aborted>'),
      said('<two> is mine'),
    ];
    const url = await serve([part(say('{{turn}}:{{text}}'))]);
    expect(await (await respond(url, input)).text()).toContain('"delta":"2:<two> is mine"');
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('reads %s', async (encoding, compress) => {
    const body = new Uint8Array(compress(JSON.stringify({ input: [said('packed')] })));
    const headers = { 'content-encoding': encoding };
    const response = await fetch(`${await serve()}/v1/responses`, { method: 'POST', body, headers });
    expect(await response.text()).toContain('"delta":"packed"');
  });

  it('refuses zstd and says what to do', async () => {
    const response = await respond(await serve(), [said('x')], { 'content-encoding': 'zstd' });
    expect(response.status).toBe(415);
    expect(await response.text()).toContain('enable_request_compression');
  });

  it('refuses an unmatched message when strict, without repeating it', async () => {
    const response = await respond(await serve([], true), [said('my secret')], { 'x-filare-agent': 'docs' });
    expect(response.status).toBe(400);
    expect(await response.text()).not.toContain('secret');
  });

  it('logs who, where and how long, and no word of what was said', async () => {
    await (await respond(await serve([part(say('answer'))]), [said('my secret')], { 'x-filare-agent': 'docs' })).text();
    const [{ time, ms, ...rest } = { time: '', ms: -1 }, ...others] = log;
    expect(rest).toEqual({
      agent: 'docs',
      role: '',
      turn: 1,
      step: 0,
      steps: ['say'],
      part: 'script.yml:1',
      status: 200,
    });
    expect(Number.isInteger(ms) && ms >= 0 && !Number.isNaN(Date.parse(time))).toBe(true);
    expect(others).toEqual([]);
  });

  it('forgets a client that went away', async () => {
    const url = await serve([part({ kind: 'hang', ms: null })]);
    const leaving = new AbortController();
    const body = JSON.stringify({ input: [said('x')] });
    const waiting = fetch(`${url}/v1/responses`, { method: 'POST', body, signal: leaving.signal });
    await fetch(`${url}/healthz`);
    leaving.abort();
    await expect(waiting).rejects.toThrow();
    await expect.poll(() => log.map(({ status }) => status)).toEqual([499]);
  });
});

describe('a plan that did not come from the compiler', () => {
  it('is refused when it could not be played to its end', () => {
    const plan = (pace: unknown): unknown => ({
      version: 1,
      strict: false,
      pace: DEFAULT_PACE,
      parts: [part({ ...say('x'), pace } as Step)],
    });
    expect(isPlan(plan(DEFAULT_PACE))).toBe(true);
    expect(isPlan(plan({ chunk: 0, delay_ms: 0 }))).toBe(false);
    expect(isPlan({ version: 2, strict: false, pace: DEFAULT_PACE, parts: [] })).toBe(false);
    expect(
      isPlan({ version: 1, strict: false, pace: DEFAULT_PACE, parts: [part({ kind: 'dance' } as unknown as Step)] }),
    ).toBe(false);
  });

  it('fails the request that plays what is wrong, and no other', async () => {
    const url = await serve([{ ...part(say('x')), cue: { matches: { source: '(', flags: '' } } }]);
    expect((await respond(url, [said('x')])).status).toBe(500);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe('everything else', () => {
  it('is answered: health, models, unknown paths, wrong methods', async () => {
    const url = await serve();
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ ok: true, parts: 0 });
    expect(await (await fetch(`${url}/some/prefix/v1/models?client_version=1`)).json()).toMatchObject({
      object: 'list',
    });
    const missing = await fetch(`${url}/nothing`);
    expect([missing.status, missing.headers.get('content-type')]).toEqual([404, 'application/json']);
    expect((await fetch(`${url}/v1/responses`)).status).toBe(405);
  });

  it.each(['', 'garbage', '[]', '"x"', 'null', '{}', '{"input":5}', '{"input":[null,5,[],{}]}', '\u0000\u0001'])(
    'survives the body %j',
    async (body) => {
      const url = await serve();
      const response = await fetch(`${url}/v1/responses`, { method: 'POST', body });
      await response.text();
      expect([200, 400]).toContain(response.status);
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
    },
  );

  it('survives what is no HTTP, no gzip, and half a request', async () => {
    const url = new URL(await serve());
    for (const bytes of [
      '\u0016\u0003\u0001 garbage\r\n\r\n',
      'POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{',
    ]) {
      const socket = connect(Number(url.port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.end(bytes);
      socket.resume();
      await once(socket, 'close');
    }
    const headers = { 'content-encoding': 'gzip' };
    expect((await fetch(new URL('/v1/responses', url), { method: 'POST', body: 'no gzip', headers })).status).toBe(400);
  });

  it('bounds a body, announced, streamed or compressed', async () => {
    const url = await serve();
    const announced = httpRequest(`${url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-length': MAX_BODY_BYTES + 1 },
    });
    announced.on('error', () => undefined);
    announced.flushHeaders();
    const [refused] = (await once(announced, 'response')) as [{ statusCode?: number }];
    expect(refused.statusCode).toBe(413);
    announced.destroy();
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(MAX_BODY_BYTES + 1)));
    const headers = { 'content-encoding': 'gzip' };
    expect((await fetch(`${url}/v1/responses`, { method: 'POST', body: bomb, headers })).status).toBe(413);
  });

  it('refuses a WebSocket cleanly', async () => {
    const url = await serve();
    const upgrade = httpRequest(`${url}/v1/responses`, {
      headers: { connection: 'Upgrade', upgrade: 'websocket' },
    }).end();
    const [response] = (await once(upgrade, 'response')) as [{ statusCode?: number }];
    expect(response.statusCode).toBe(426);
  });

  it('listens on a unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'filare-rehearsal-'));
    const socketPath = join(folder, 's');
    const plan: Plan = { version: 1, strict: false, pace: DEFAULT_PACE, parts: [] };
    const server = await startRehearsalServer({ plan, socket: socketPath });
    const [response] = (await once(httpRequest({ socketPath, path: '/healthz' }).end(), 'response')) as [
      { statusCode?: number },
    ];
    expect(response.statusCode).toBe(200);
    expect(server.port).toBeUndefined();
    await server.close();
    await rm(folder, { recursive: true });
  });
});
