import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NotifyWay } from '../../../src/contract/agent-spec.js';
import {
  MAX_NOTIFICATION_BYTES,
  notificationSchema,
  notificationText,
} from '../../../src/inbox/notify/notification.js';
import { notifyAll, TRY_LIMITS } from '../../../src/inbox/notify/notify-all.js';
import type { Surroundings } from '../../../src/inbox/notify/surroundings.js';
import { HOSTILE, instantWaits, machine, never, sampleNotification, until } from './samples.js';
import { hang, hangUp, Receiver, status } from './receiver.js';

const SECRET = `whsec_${Buffer.from('canary-secret-0123456789abcdef').toString('base64')}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'notify-webhook-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function secretFile(text: string | Uint8Array): string {
  const path = join(folder, 'secret');
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** Sends a notification one way, with waits that are over at once. */
async function send(
  way: NotifyWay,
  changes: Partial<Surroundings> = {},
  made = sampleNotification(),
  webhook_ms = 10_000,
) {
  const { waits_ms, sleep } = instantWaits();
  const [outcome] = await notifyAll(
    made,
    [way],
    { project_root: folder, signal: never(), limits: { ...TRY_LIMITS, webhook_ms } },
    machine({ sleep, random: () => 0.5, ...changes }),
  );
  expect(JSON.stringify(outcome)).not.toContain('canary');
  return { ...outcome, waits_ms };
}

test('a notification arrives as JSON, signed as Standard Webhooks has it', async () => {
  await using receiver = await Receiver.start(status(204, {}, ''));
  const made = sampleNotification();
  const outcome = await send({ webhook: receiver.url, secret_file: secretFile(`\n ${SECRET} \r\n`) }, {}, made);
  expect(outcome).toEqual({
    way: 'webhook',
    target: `http://127.0.0.1:${receiver.port}/***`,
    outcome: 'sent',
    tries: 1,
    waits_ms: [],
  });
  const [request] = receiver.received;
  expect(request).toMatchObject({ method: 'POST', url: '/hook/canary-path?key=canary-query' });
  expect(request?.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'filare-agents' });
  const headers = request?.headers as Record<string, string>;
  expect(new Webhook(SECRET).verify(request?.body ?? '', headers)).toEqual(made);
  expect(() => new Webhook(`whsec_${'A'.repeat(40)}`).verify(request?.body ?? '', headers)).toThrow();
  expect(() => new Webhook(SECRET).verify(`${request?.body ?? ''} `, headers)).toThrow();
});

test.each(['a plain secret', 'ключ', 'c2VjcmV0'])('the secret may be plain text: %s', async (secret) => {
  await using receiver = await Receiver.start(status(200));
  expect(await send({ webhook: receiver.url, secret_file: secretFile(`${secret}\n`) })).toMatchObject({
    outcome: 'sent',
  });
  const [request] = receiver.received;
  const webhook = new Webhook(Buffer.from(secret), { format: 'raw' });
  expect(webhook.verify(request?.body ?? '', request?.headers as Record<string, string>)).toMatchObject({
    project: 'shop',
  });
});

test('without a secret file it is unsigned, and has its id all the same', async () => {
  await using receiver = await Receiver.start(status(200));
  await send({ webhook: receiver.url });
  await send({ webhook: receiver.url });
  const [first, second] = receiver.received.map(({ headers }) => headers);
  expect(first?.['webhook-signature']).toBeUndefined();
  expect(first?.['webhook-id']).toMatch(/^msg_/);
  expect(second?.['webhook-id']).toBe(first?.['webhook-id']);
});

test('a changed secret is used at the next try; every try is signed at its own time, under one id', async () => {
  let now = Date.now();
  const path = secretFile(SECRET);
  await using receiver = await Receiver.start((response) => {
    writeFileSync(path, 'the new one');
    status(500)(response);
  }, status(200));
  const outcome = await send({ webhook: receiver.url, secret_file: path }, { now: () => (now += 1000) });
  expect(outcome).toMatchObject({ outcome: 'sent', tries: 2 });
  const [first, second] = receiver.received;
  const verified = new Webhook(Buffer.from('the new one'), { format: 'raw' });
  verified.verify(second?.body ?? '', second?.headers as Record<string, string>);
  expect(second?.body).toBe(first?.body);
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  expect(second?.headers['webhook-timestamp']).not.toBe(first?.headers['webhook-timestamp']);
});

test.each([
  ['missing', () => undefined, 'cannot be read (ENOENT)'],
  ['empty', () => secretFile(' \n'), 'is empty'],
  ['no base64', () => secretFile('whsec_canary!'), 'after whsec_ is not base64'],
  ['nothing after the prefix', () => secretFile('whsec_'), 'after whsec_ is not base64'],
  ['a private key', () => secretFile('whsk_canary'), 'holds a private key'],
  ['too large', () => secretFile('canary'.repeat(10_000)), 'is larger than 4096 bytes'],
  ['a folder', () => mkdirSync(join(folder, 'secret')), 'is not a regular file'],
])('a secret file that is %s: nothing is sent, nothing of it is told', async (_name, make, why) => {
  make();
  await using receiver = await Receiver.start(status(200));
  const outcome = await send({ webhook: receiver.url, secret_file: join(folder, 'secret') });
  expect(outcome).toMatchObject({ outcome: 'failed', tries: 1, error_kind: 'secret_file' });
  expect(outcome.error).toContain(why);
  expect(receiver.received).toEqual([]);
});

test.each([408, 425, 429, 500, 502, 503, 599])('after %i it is tried again', async (code) => {
  await using receiver = await Receiver.start(status(code), status(code), status(200));
  expect(await send({ webhook: receiver.url })).toMatchObject({ outcome: 'sent', tries: 3, waits_ms: [8000, 16_000] });
});

test.each([400, 401, 403, 404, 410, 422])('after %i it is not', async (code) => {
  await using receiver = await Receiver.start(status(code), status(200));
  expect(await send({ webhook: receiver.url })).toMatchObject({
    outcome: 'failed',
    tries: 1,
    error: `was answered with ${code}`,
    error_kind: `http_${code}`,
  });
});

test('six tries over about five minutes, then it is given up', async () => {
  await using receiver = await Receiver.start(status(503));
  const outcome = await send({ webhook: receiver.url });
  expect(outcome).toMatchObject({ outcome: 'failed', tries: 6, error_kind: 'http_503' });
  expect(outcome.waits_ms).toEqual([8000, 16_000, 32_000, 64_000, 128_000]);
  expect(receiver.received).toHaveLength(6);
});

test('Retry-After is honoured, within bounds, and never shortens the wait', async () => {
  const now = Date.parse('2030-01-01T00:00:00Z');
  await using receiver = await Receiver.start(
    status(429, { 'retry-after': '30' }),
    status(429, { 'retry-after': '1' }),
    status(503, { 'retry-after': 'Tue, 01 Jan 2030 00:01:00 GMT' }),
    status(429, { 'retry-after': '99999999999999999999' }),
    status(200),
  );
  expect(await send({ webhook: receiver.url }, { now: () => now })).toMatchObject({
    outcome: 'sent',
    waits_ms: [30_000, 16_000, 60_000, 120_000],
  });
});

test('a redirect is not followed', async () => {
  await using elsewhere = await Receiver.start(status(200));
  await using receiver = await Receiver.start(status(307, { location: elsewhere.url }));
  expect(await send({ webhook: receiver.url, secret_file: secretFile(SECRET) })).toMatchObject({
    outcome: 'failed',
    tries: 1,
    error: 'was answered with a redirect (307), which is not followed',
  });
  expect(elsewhere.received).toEqual([]);
});

test('a receiver that hangs is left at the deadline, and one that hangs up is tried again', async () => {
  await using receiver = await Receiver.start(hang, hangUp, status(200));
  expect(await send({ webhook: receiver.url }, {}, undefined, 200)).toMatchObject({ outcome: 'sent', tries: 3 });
  await using hanging = await Receiver.start(hang);
  const outcome = await send({ webhook: hanging.url }, {}, undefined, 50);
  expect(outcome).toMatchObject({
    outcome: 'failed',
    tries: 6,
    error: 'did not answer within 0.05 s',
    error_kind: 'timeout',
  });
  await until(() => hanging.connections === 0, 'its connections are closed');
});

test('an answer without end is not read', async () => {
  let written = 0;
  let over = false;
  await using receiver = await Receiver.start((response) => {
    response.writeHead(200);
    const more = (): void => {
      while (!over && response.write(Buffer.alloc(16_384))) written += 16_384;
    };
    response
      .on('drain', more)
      .on('close', () => (over = true))
      .on('error', () => (over = true));
    more();
  });
  expect(await send({ webhook: receiver.url })).toMatchObject({ outcome: 'sent', tries: 1 });
  await until(() => over && receiver.connections === 0, 'the connection is closed');
  // What fits into the buffers of two sockets, and no stream.
  expect(written).toBeLessThan(16 * 1024 * 1024);
});

test('user and password of the address are sent as such, and told to nobody', async () => {
  await using receiver = await Receiver.start(status(404));
  const outcome = await send({ webhook: `http://canary-me:canary%3Apw@127.0.0.1:${receiver.port}/x` });
  expect(outcome).toMatchObject({ target: `http://127.0.0.1:${receiver.port}/***`, outcome: 'failed' });
  const sent = receiver.received[0]?.headers.authorization?.replace('Basic ', '') ?? '';
  expect(Buffer.from(sent, 'base64').toString()).toBe('canary-me:canary:pw');
});

test.each([
  ['http://user:canary@127.0.0.1:1/canary', 'bad_address', 1],
  ['ftp://user:canary@127.0.0.1/canary', 'bad_address', 1],
  ['file:///etc/canary', 'bad_address', 1],
  ['javascript:canary', 'bad_address', 1],
  ['not an address canary', 'bad_address', 1],
  ['http://%canary@', 'bad_address', 1],
])('%s is refused', async (webhook, error_kind, tries) => {
  expect(await send({ webhook })).toMatchObject({ outcome: 'failed', error_kind, tries });
});

test('nobody there: a network error, tried again', async () => {
  const gone = await Receiver.start(status(200));
  const { url } = gone;
  await gone[Symbol.asyncDispose]();
  expect(await send({ webhook: url })).toMatchObject({
    outcome: 'failed',
    tries: 6,
    error: 'cannot be reached (ECONNREFUSED)',
    error_kind: 'ECONNREFUSED',
  });
});

test.each(Object.entries(HOSTILE))('%s arrives as data', async (_name, text) => {
  await using receiver = await Receiver.start(status(200));
  const made = sampleNotification({ summary: text, requested_action: { text } });
  expect(await send({ webhook: receiver.url, secret_file: secretFile(SECRET) }, {}, made)).toMatchObject({
    outcome: 'sent',
  });
  const [request] = receiver.received;
  expect(request?.body).toBe(notificationText(made));
  expect(Buffer.byteLength(request?.body ?? '')).toBeLessThanOrEqual(MAX_NOTIFICATION_BYTES);
  const verified = new Webhook(SECRET).verify(request?.body ?? '', request?.headers as Record<string, string>);
  expect(notificationSchema.parse(verified)).toEqual(made);
});
