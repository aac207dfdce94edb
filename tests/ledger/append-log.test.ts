import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { FilareError } from '../../src/contract/errors.js';
import { AppendLog, MAX_RECORD_BYTES } from '../../src/ledger/append-log.js';
import { faultyIo } from './faulty-io.js';

const recordSchema = z.object({ n: z.number(), text: z.string().optional() });
const THREE = [
  { n: 1, text: 'one' },
  { n: 2, text: 'zwölf — 漢 😀' },
  { n: 3, text: 'three' },
];
const THREE_BYTES = Buffer.from(THREE.map((record) => `${JSON.stringify(record)}\n`).join(''));

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-ledger-'));
  path = join(folder, 'log.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Opens, gives back what was found, closes. */
async function reopened(parse = recordSchema) {
  const { log, ...found } = await AppendLog.open(path, { parse });
  await log.close();
  return found;
}

/** What each appended record came to: its number, or its error code. */
async function outcomes(appends: readonly Promise<void>[]): Promise<string[]> {
  const settled = await Promise.allSettled(appends);
  return settled.map((one) => {
    if (one.status === 'fulfilled') return 'done';
    return one.reason instanceof FilareError ? one.reason.code : String(one.reason);
  });
}

describe('appending', () => {
  it('keeps records in the order of the calls, 5,000 at once, with few syncs', async () => {
    const io = faultyIo();
    const { log } = await AppendLog.open(path, {}, io);
    const order: number[] = [];
    const appends = Array.from({ length: 5_000 }, (_, n) => log.append({ n }).then(() => void order.push(n)));
    await Promise.all(appends);
    const wanted = Array.from({ length: 5_000 }, (_, n) => n);
    expect(order).toEqual(wanted);
    expect(io.calls.datasync).toBeLessThanOrEqual(2);
    await log.close();
    expect((await reopened()).records).toEqual(wanted.map((n) => ({ n })));
  });

  it('confirms a record only after it was written and synced', async () => {
    const io = faultyIo();
    const { log } = await AppendLog.open(path, {}, io);
    for (let n = 1; n <= 3; n += 1) {
      await log.append({ n });
      expect(io.calls).toMatchObject({ write: n, datasync: n });
      expect(await readFile(path, 'utf8')).toContain(`{"n":${n}}\n`);
    }
    await log.close();
  });

  it('writes derived lines in one write without a sync, in order with records', async () => {
    const io = faultyIo();
    const { log } = await AppendLog.open(path, {}, io);
    await log.appendUnsynced(['{"n":1}', '{"n":2}']);
    expect(io.calls).toMatchObject({ write: 1, datasync: 0 });
    await Promise.all([
      log.appendUnsynced(['{"n":3}']),
      log.append({ n: 4 }),
      log.appendUnsynced([]),
      log.appendUnsynced(['{"n":5}']),
    ]);
    expect(io.calls).toMatchObject({ write: 2, datasync: 1 });
    await log.close();
    expect((await reopened()).records).toEqual([1, 2, 3, 4, 5].map((n) => ({ n })));
  });

  it('keeps the file private, also one that was not', async () => {
    const modeOf = async () => (await stat(path)).mode & 0o777;
    await reopened();
    expect(await modeOf()).toBe(0o600);
    await chmod(path, 0o644);
    await reopened();
    expect(await modeOf()).toBe(0o600);
  });

  it('refuses a record that is too long, a line with a newline, and everything once it is closed', async () => {
    const { log } = await AppendLog.open(path);
    await expect(log.append({ text: 'x'.repeat(MAX_RECORD_BYTES) })).rejects.toMatchObject({ code: 'limit_exceeded' });
    await expect(log.appendUnsynced(['{}\n{}'])).rejects.toThrow('newline');
    const last = log.append({ n: 1 });
    await log.close();
    await last;
    await log.close();
    await expect(log.append({ n: 2 })).rejects.toMatchObject({ code: 'ended' });
    expect((await reopened()).records).toEqual([{ n: 1 }]);
  });

  it('bounds what may wait', async () => {
    const { log } = await AppendLog.open(path);
    const text = 'x'.repeat(MAX_RECORD_BYTES - 100);
    const results = await outcomes([1, 2, 3, 4, 5].map((n) => log.append({ n, text })));
    expect(results).toEqual(['done', 'done', 'done', 'done', 'limit_exceeded']);
    await log.append({ n: 6 });
    await log.close();
    expect((await reopened()).records.map(({ n }) => n)).toEqual([1, 2, 3, 4, 6]);
  });
});

describe('a disk that fails', () => {
  const WRITES = 6;
  const faults = ['ENOSPC', 'EDQUOT', 'EIO'].flatMap((errno) =>
    [0, 5, 1_000].flatMap((torn) => Array.from({ length: WRITES }, (_, at) => ({ errno, torn, at: at + 1 }))),
  );

  it.each(faults)(
    '$errno at write $at, $torn bytes torn: refused, nothing of it stays, the next goes on',
    async ({ errno, torn, at }) => {
      const io = faultyIo();
      const { log } = await AppendLog.open(path, {}, io);
      io.torn_bytes = torn;
      io.fails = (call, number) => (call === 'write' && number === at ? errno : undefined);
      const confirmed: number[] = [];
      const refused: string[] = [];
      for (let n = 1; n <= WRITES; n += 1) {
        const [result] = await outcomes([log.append({ n })]);
        if (result === 'done') confirmed.push(n);
        else refused.push(result ?? '');
        expect(log.bytes).toBe((await stat(path)).size);
      }
      expect(refused).toEqual([errno === 'EIO' ? 'unexpected' : 'no_space']);
      expect(confirmed).toHaveLength(WRITES - 1);
      await log.close();
      expect(await reopened()).toEqual({ records: confirmed.map((n) => ({ n })), damage: [], cut_bytes: 0 });
    },
  );

  it('believes nothing after a failed fdatasync: refuses, opens again, writes again', async () => {
    for (let at = 1; at <= 3; at += 1) {
      await rm(path, { force: true });
      const io = faultyIo();
      const { log } = await AppendLog.open(path, {}, io);
      io.fails = (call, number) => (call === 'datasync' && number === at ? 'EIO' : undefined);
      const results: string[] = [];
      for (const n of [1, 2, 3]) results.push(...(await outcomes([log.append({ n })])));
      expect(results).toEqual([1, 2, 3].map((n) => (n === at ? 'unexpected' : 'done')));
      const opensBefore = io.calls.open;
      await log.append({ n: 4 });
      expect(opensBefore + (at === 3 ? 1 : 0)).toBe(io.calls.open);
      await log.close();
      expect((await reopened()).records.map(({ n }) => n)).toEqual([1, 2, 3, 4].filter((n) => n !== at));
    }
  });

  it('fails all that waits behind a failure, so that there is no hole', async () => {
    const io = faultyIo();
    const { log } = await AppendLog.open(path, {}, io);
    await log.append({ n: 0 });
    io.fails = (call, number) => (call === 'write' && number === 2 ? 'ENOSPC' : undefined);
    const first = log.append({ n: 1 });
    await Promise.resolve();
    await Promise.resolve();
    expect(await outcomes([first, log.append({ n: 2 }), log.appendUnsynced(['{"n":3}'])])).toEqual([
      'no_space',
      'no_space',
      'no_space',
    ]);
    await log.append({ n: 4 });
    await log.close();
    expect((await reopened()).records.map(({ n }) => n)).toEqual([0, 4]);
  });

  it('cuts off what it could not cut at once before it writes again, however often that fails', async () => {
    const io = faultyIo();
    const { log } = await AppendLog.open(path, {}, io);
    await log.append({ n: 1 });
    io.torn_bytes = 8;
    io.fails = (call, number) => {
      if (call === 'write') return number === 2 ? 'EIO' : undefined;
      if (call === 'truncate') return number <= 2 ? 'EIO' : undefined;
      if (call === 'open') return number === 4 ? 'EMFILE' : undefined;
      return call === 'close' && number === 2 ? 'EIO' : undefined;
    };
    const results: string[] = [];
    for (const n of [22_222, 3, 4, 5]) results.push(...(await outcomes([log.append({ n })])));
    expect(results.filter((one) => one === 'unexpected').length).toBeGreaterThanOrEqual(2);
    expect(results.at(-1)).toBe('done');
    await log.close();
    const found = await reopened();
    expect(found).toMatchObject({ damage: [], cut_bytes: 0 });
    expect(found.records.map(({ n }) => n)).toEqual([
      1,
      ...[22_222, 3, 4, 5].filter((_, at) => results[at] === 'done'),
    ]);
  });

  it('does not go on with a log that somebody else has cut', async () => {
    const io = faultyIo();
    const { log } = await AppendLog.open(path, {}, io);
    await log.append({ n: 1 });
    await log.append({ n: 2 });
    io.fails = (call, number) => (call === 'write' && number === 3 ? 'EIO' : call === 'truncate' ? 'EIO' : undefined);
    await outcomes([log.append({ n: 3 })]);
    await truncate(path, 8);
    expect(await outcomes([log.append({ n: 4 })])).toEqual(['bad_state']);
    await log.close();
  });

  it.runIf(process.getuid?.() === 0 && process.platform === 'linux')('survives a real disk that fills up', async () => {
    const run = promisify(execFile);
    const disk = join(folder, 'disk');
    await mkdir(disk);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
    try {
      path = join(disk, 'log.jsonl');
      const { log } = await AppendLog.open(path);
      const confirmed: number[] = [];
      const text = 'x'.repeat(1_500);
      let refused: string | undefined;
      for (let n = 1; refused === undefined; n += 1) {
        const [result] = await outcomes([log.append({ n, text })]);
        if (result === 'done') confirmed.push(n);
        else refused = result;
      }
      expect(refused).toBe('no_space');
      expect(confirmed.length).toBeGreaterThan(30);
      expect(await outcomes([log.append({ n: -1, text })])).toEqual(['no_space']);
      await run('mount', ['-o', 'remount,size=256k', disk]);
      await log.append({ n: 1_000, text });
      await log.close();
      const found = await reopened();
      expect(found).toMatchObject({ damage: [], cut_bytes: 0 });
      expect(found.records.map(({ n }) => n)).toEqual([...confirmed, 1_000]);
    } finally {
      await run('umount', [disk]);
    }
  });
});

describe('what a crash left', () => {
  it('cuts a write that was torn at any byte back to the last record', async () => {
    for (let bytes = 0; bytes <= THREE_BYTES.length; bytes += 1) {
      await writeFile(path, THREE_BYTES.subarray(0, bytes));
      const whole = THREE_BYTES.subarray(0, bytes).toString('latin1').split('\n').length - 1;
      const end = THREE_BYTES.subarray(0, bytes).lastIndexOf('\n') + 1;
      expect(await reopened()).toEqual({ records: THREE.slice(0, whole), damage: [], cut_bytes: bytes - end });
      expect((await stat(path)).size).toBe(end);
    }
  });

  it('cuts zeros that were to be a write, from any byte on', async () => {
    for (let bytes = 0; bytes < THREE_BYTES.length; bytes += 1) {
      const torn = Buffer.alloc(5_000);
      THREE_BYTES.copy(torn, 0, 0, bytes);
      await writeFile(path, torn);
      const whole = THREE_BYTES.subarray(0, bytes).toString('latin1').split('\n').length - 1;
      expect(await reopened()).toMatchObject({ records: THREE.slice(0, whole), damage: [] });
    }
  });

  it.each([
    ['garbage with newlines', Buffer.from('\x01\x02{{\n}}\n\n"text"\n17\n[]\nnull\n')],
    [
      'a record that is not UTF-8',
      Buffer.concat([Buffer.from('{"n":4,"text":"'), Buffer.from([0xff]), Buffer.from('"}\n')]),
    ],
    ['half a character', Buffer.concat([Buffer.from('{"n":4,"text":"'), Buffer.from('漢').subarray(0, 2)])],
    ['zeros and the end of a record', Buffer.concat([Buffer.alloc(100), Buffer.from('"}\n')])],
    ['more than is looked at first', Buffer.from('x'.repeat(3_000_000))],
    ['many short lines', Buffer.from('x\n'.repeat(100_000))],
  ])('cuts a tail of %s', async (_, tail) => {
    await writeFile(path, Buffer.concat([THREE_BYTES, tail]));
    expect(await reopened()).toEqual({ records: THREE, damage: [], cut_bytes: tail.length });
    const { log } = await AppendLog.open(path);
    await log.append({ n: 4 });
    await log.close();
    expect((await reopened()).records).toEqual([...THREE, { n: 4 }]);
  });

  it('reports damage in the middle and leaves it where it is', async () => {
    const [one = '', two = '', three = ''] = THREE.map((record) => JSON.stringify(record));
    const bad = Buffer.concat([
      Buffer.from(`${one}\n{"n":2,\n`),
      Buffer.from([0xfe, 0x0a]),
      Buffer.from(`{"n":"2"}\n${two}\n${three}\n`),
    ]);
    await writeFile(path, bad);
    const found = await reopened();
    expect(found.records).toEqual(THREE);
    expect(found.damage).toEqual([
      { line: 2, offset: one.length + 1, reason: 'not JSON' },
      { line: 3, offset: one.length + 9, reason: 'not UTF-8' },
      { line: 4, offset: one.length + 11, reason: expect.stringMatching(/^n: /) as string },
    ]);
    expect(await readFile(path)).toEqual(bad);
  });

  it('notices a flipped bit in any byte of a record in the middle, or the record is still a record', async () => {
    const first = THREE_BYTES.indexOf('\n') + 1;
    const second = THREE_BYTES.indexOf('\n', first);
    for (let at = first; at < second; at += 1) {
      const flipped = Buffer.from(THREE_BYTES);
      flipped[at] = (flipped[at] ?? 0) ^ 0x80;
      await writeFile(path, flipped);
      const found = await reopened();
      expect([found.records[0], found.records.at(-1)]).toEqual([THREE[0], THREE[2]]);
      expect(found.records.length + found.damage.length).toBe(3);
      expect(found.cut_bytes).toBe(0);
      expect(await readFile(path)).toEqual(flipped);
    }
  });

  it('keeps a last record of a kind that it does not know: it may be of a later version', async () => {
    await writeFile(path, '{"n":1}\n{"new":"kind"}\n');
    expect(await reopened()).toMatchObject({ records: [{ n: 1 }], damage: [{ line: 2 }], cut_bytes: 0 });
  });

  it('cuts nothing from a file that holds no record at all', async () => {
    for (const content of ['# A text\n\nthat is no ledger\n', `${'x'.repeat(99)}\n`.repeat(700_000)]) {
      await writeFile(path, content);
      await expect(AppendLog.open(path)).rejects.toMatchObject({ code: 'bad_state' });
      expect((await stat(path)).size).toBe(content.length);
    }
  });

  it('reads with a function as well, whose refusal is damage', async () => {
    await writeFile(path, '{"n":1}\n{"n":2}\n');
    const parse = (value: unknown) => {
      const { n } = recordSchema.parse(value);
      if (n === 1) throw new Error('no ones');
      return n;
    };
    const { log, records, damage } = await AppendLog.open(path, { parse });
    await log.close();
    expect(records).toEqual([2]);
    expect(damage).toEqual([{ line: 1, offset: 0, reason: 'no ones' }]);
  });

  it('stops reading when it is told to', async () => {
    await writeFile(path, THREE_BYTES);
    await expect(AppendLog.open(path, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('follows no symbolic link', async () => {
    await promisify(execFile)('ln', ['-s', join(folder, 'elsewhere'), path]);
    await expect(AppendLog.open(path)).rejects.toMatchObject({ code: 'unexpected' });
  });
});
