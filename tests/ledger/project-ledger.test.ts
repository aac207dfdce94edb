import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { ProjectLedger, RESOURCE_KINDS } from '../../src/ledger/project-ledger.js';
import { faultyIo } from './faulty-io.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-book-'));
  path = join(folder, 'ledger.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('knows after a restart what was intended, made, given back and kept', async () => {
  const times = ['2030-01-01T00:00:00.000Z', '2030-01-01T00:00:01.000Z'];
  let ids = 0;
  const sources = { now: () => new Date(times.shift() ?? '2030-01-01T01:00:00.000Z'), newId: () => `e${(ids += 1)}` };
  const ledger = await ProjectLedger.load(path, {}, sources);
  const container = await ledger.intend({
    kind: 'container',
    name: 'filare-x',
    session_id: 's1',
    detail: { attempt: 1 },
  });
  await ledger.opened(container, { engine_id: 'abc' });
  const secret = await ledger.intend({ kind: 'secret', name: '/run/secret' });
  const home = await ledger.intend({ kind: 'folder', name: '/home/agent' });
  await ledger.closed(secret, 'session ended');
  await ledger.kept(home, 'Codex home');
  await ledger.close();

  await using again = await ProjectLedger.load(path);
  expect(again.entries()).toEqual(ledger.entries());
  expect(again.open()).toEqual([
    {
      entry: 'e1',
      kind: 'container',
      name: 'filare-x',
      session_id: 's1',
      detail: { attempt: 1 },
      state: 'opened',
      engine_id: 'abc',
      intended_at: '2030-01-01T00:00:00.000Z',
      changed_at: '2030-01-01T00:00:01.000Z',
    },
  ]);
  expect(again.balance()).toEqual({ intended: 3, open: 1, kept: 1, closed: 1 });
  expect(again.damage).toEqual([]);
});

it('has an intent on the disk when it answers', async () => {
  const io = faultyIo();
  await using ledger = await ProjectLedger.load(path, {}, undefined, io);
  const entry = await ledger.intend({ kind: 'network', name: 'filare-net' });
  expect(io.calls.datasync).toBe(1);
  expect(await readFile(path, 'utf8')).toContain(entry);
});

it('books nothing that could not be recorded', async () => {
  const io = faultyIo();
  await using ledger = await ProjectLedger.load(path, {}, undefined, io);
  const entry = await ledger.intend({ kind: 'container', name: 'a' });
  io.fails = (call) => (call === 'write' ? 'ENOSPC' : undefined);
  await expect(ledger.intend({ kind: 'container', name: 'b' })).rejects.toMatchObject({ code: 'no_space' });
  await expect(ledger.closed(entry, 'gone')).rejects.toMatchObject({ code: 'no_space' });
  expect(ledger.balance()).toEqual({ intended: 1, open: 1, kept: 0, closed: 0 });
  io.fails = () => undefined;
  await ledger.closed(entry, 'gone');
  expect(ledger.balance()).toEqual({ intended: 1, open: 0, kept: 0, closed: 1 });
});

it('lets what was kept be used again or deleted, and what was closed stay closed', async () => {
  await using ledger = await ProjectLedger.load(path);
  const entry = await ledger.intend({ kind: 'folder', name: '/workspace' });
  await ledger.kept(entry, 'workspace');
  await ledger.opened(entry);
  expect(ledger.open()).toMatchObject([{ entry, state: 'opened' }]);
  await ledger.kept(entry, 'workspace');
  await ledger.closed(entry, 'deleted by the operator');
  await ledger.closed(entry, 'a second time');
  expect(ledger.entries()).toMatchObject([{ state: 'closed', reason: 'deleted by the operator' }]);
  await expect(ledger.opened(entry)).rejects.toMatchObject({ code: 'bad_state' });
  await expect(ledger.kept(entry, 'no')).rejects.toMatchObject({ code: 'bad_state' });
  await expect(ledger.closed('unknown', 'no')).rejects.toMatchObject({ code: 'not_found' });
});

it('reports lines that it cannot read and keeps them', async () => {
  await writeFile(path, '{"record":"later"}\n{"record":"intend","entry":"e","at":"t","kind":"fifo","name":"/in"}\n');
  await using ledger = await ProjectLedger.load(path);
  expect(ledger.damage).toMatchObject([{ line: 1 }]);
  expect(ledger.open()).toMatchObject([{ entry: 'e', kind: 'fifo', state: 'intended' }]);
});

it('shows the same live and after a restart, and always balances, whatever happened', async () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('intend', 'opened', 'closed', 'kept'), fc.nat(5)), { maxLength: 40 });
  const property = fc.asyncProperty(steps, async (story) => {
    await rm(path, { force: true });
    await using ledger = await ProjectLedger.load(path);
    const entries: string[] = [];
    const running: Promise<unknown>[] = [];
    for (const [step, at] of story) {
      const entry = entries[at % (entries.length || 1)];
      if (step === 'intend' || entry === undefined) {
        entries.push(await ledger.intend({ kind: RESOURCE_KINDS[at] ?? 'socket', name: String(at) }));
      } else {
        // Without waiting: what is still being recorded must come out the same.
        running.push((step === 'opened' ? ledger.opened(entry) : ledger[step](entry, 'why')).catch(() => undefined));
      }
    }
    await Promise.all(running);
    await using again = await ProjectLedger.load(path);
    expect(again.entries()).toEqual(ledger.entries());
    const { intended, open, kept, closed } = ledger.balance();
    expect([intended, open]).toEqual([entries.length, ledger.open().length]);
    expect(open + kept + closed).toBe(intended);
  });
  await fc.assert(property, { numRuns: 40 });
});
