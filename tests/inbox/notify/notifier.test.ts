import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { NotifyWay } from '../../../src/contract/agent-spec.js';
import type { Prompt } from '../../../src/contract/session.js';
import {
  Notifier,
  TRIES_AT_ONCE,
  type NotifierOptions,
  type NotifyReport,
} from '../../../src/inbox/notify/notifier.js';
import { waysFor } from '../../../src/inbox/notify/notify-all.js';
import type { Surroundings } from '../../../src/inbox/notify/surroundings.js';
import { hang, Receiver, status } from './receiver.js';
import {
  HOSTILE,
  instantWaits,
  isGone,
  machine,
  sampleDecision,
  sampleNotification,
  samplePrompt,
  until,
} from './samples.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'notifier-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A notifier whose waits are over at once, and what it reported. */
function notifier(options: Partial<NotifierOptions> = {}, changes: Partial<Surroundings> = {}) {
  const reports: NotifyReport[] = [];
  const { sleep, waits_ms } = instantWaits();
  const made = new Notifier(
    { project_root: folder, report: (one) => reports.push(one), ...options },
    machine({ sleep, ...changes }),
  );
  const told = (): string[] =>
    reports.map(({ prompt, outcome }) => `${prompt.id} ${outcome.way} ${outcome.outcome} ${outcome.error_kind ?? ''}`);
  const idle = (): Promise<void> => until(() => made.waiting === 0, 'idle');
  return { notifier: made, reports, told, idle, waits_ms };
}

/** A fetch that answers when it is let, and counts. */
class HeldFetch {
  readonly calls: { readonly url: string; readonly answer: (status: number) => void }[] = [];
  under_way = 0;
  most = 0;

  readonly fetch: Surroundings['fetch'] = (input, init) => {
    this.under_way += 1;
    this.most = Math.max(this.most, this.under_way);
    return new Promise<Response>((resolve, reject) => {
      const done = (act: () => void): void => {
        this.under_way -= 1;
        act();
      };
      if (init?.signal?.aborted === true) return done(() => reject(new Error('aborted')));
      init?.signal?.addEventListener('abort', () => done(() => reject(new Error('aborted'))), { once: true });
      const url = typeof input === 'string' ? input : 'an object';
      this.calls.push({ url, answer: (code) => done(() => resolve(new Response(null, { status: code }))) });
    });
  };
}

const hook = (name: string): NotifyWay => ({ webhook: `http://${name}.example/hook` });
const prompt = (id: string, changes: Partial<Prompt> = {}): Prompt =>
  samplePrompt({ id, prompt_id: `p-${id}`, ...changes });

test('tells each way by itself: one that fails stops no other', async () => {
  await using receiver = await Receiver.start(status(200));
  await using broken = await Receiver.start(status(404));
  const { notifier: it, told, idle } = notifier({}, { platform: 'linux', env: { PATH: process.env['PATH'] } });
  await using _ = it;
  const ways: NotifyWay[] = [
    { webhook: broken.url },
    { desktop: true },
    { desktop: false },
    { command: 'exit 3' },
    { command: `cat > ${folder}/in.json` },
    { webhook: receiver.url },
  ];
  it.tell('prompt.opened', prompt('farewell'), ways);
  await idle();
  expect(told()).toEqual([
    'farewell webhook failed http_404',
    'farewell desktop unavailable no_desktop',
    'farewell command failed exit_3',
  ]);
  expect(receiver.received).toHaveLength(1);
  expect(JSON.parse(readFileSync(join(folder, 'in.json'), 'utf8'))).toMatchObject({
    project: folder.split('/').at(-1),
  });
});

test('a desktop hears of what is new and what waits, and of the end only when nobody decided in time', () => {
  const ways: NotifyWay[] = [{ desktop: true }, { command: 'x' }];
  expect(waysFor(sampleNotification(), ways)).toEqual(ways);
  expect(waysFor(sampleNotification({}, 'prompt.reminder'), ways)).toEqual(ways);
  expect(waysFor(sampleNotification({}, 'prompt.closed', sampleDecision()), ways)).toEqual([{ command: 'x' }]);
  const late = sampleDecision({ outcome: 'timed_out' });
  expect(waysFor(sampleNotification({}, 'prompt.closed', late), ways)).toEqual(ways);
});

describe('trouble is told', () => {
  test('once for an agent, a way and a kind, until the way works again', async () => {
    const { notifier: it, told, idle } = notifier();
    await using _ = it;
    const code = (value: number): void => writeFileSync(join(folder, 'code'), String(value));
    const way: NotifyWay = { command: 'exit $(cat code)' };
    const tell = async (id: string): Promise<void> => {
      it.tell('prompt.opened', prompt(id), [way]);
      await idle();
    };
    code(3);
    await tell('one');
    await tell('one');
    await tell('two');
    code(4);
    await tell('one');
    code(3);
    await tell('one');
    expect(told()).toEqual(['one command failed exit_3', 'two command failed exit_3', 'one command failed exit_4']);
    code(0);
    await tell('one');
    code(3);
    await tell('two');
    expect(told()).toHaveLength(3);
    await tell('one');
    expect(told().at(-1)).toBe('one command failed exit_3');
    expect(told()).toHaveLength(4);
  });

  test('for each way, also where two look alike', async () => {
    const held = new HeldFetch();
    const { notifier: it, told, idle } = notifier({}, held);
    await using _ = it;
    it.tell('prompt.opened', prompt('one'), [{ webhook: 'http://x.example/a' }, { webhook: 'http://x.example/b' }]);
    await until(() => held.calls.length === 2, 'both are sent');
    for (const call of held.calls) call.answer(404);
    await idle();
    expect(told()).toEqual(['one webhook failed http_404', 'one webhook failed http_404']);
  });

  test('to a listener that may have trouble of its own', async () => {
    let heard = 0;
    const report = (): void => {
      heard += 1;
      throw new Error('mine');
    };
    const { notifier: it, idle } = notifier({ report });
    await using _ = it;
    it.tell('prompt.opened', prompt('one'), [{ command: 'exit 3' }, { command: 'exit 4' }]);
    await idle();
    expect(heard).toBe(2);
  });
});

describe('holds up nobody', () => {
  test('at most four tries at once, and one of a way', async () => {
    const held = new HeldFetch();
    const { notifier: it, idle } = notifier({}, held);
    await using _ = it;
    for (let n = 0; n < 40; n += 1) it.tell('prompt.opened', prompt(`a${n}`), [hook(`h${n % 8}`)]);
    for (let done = 0; done < 40; done += 1) {
      await until(() => held.calls.length > done, `call ${done}`);
      const open = held.calls.slice(done).map(({ url }) => url);
      expect(new Set(open).size).toBe(open.length);
      held.calls[done]?.answer(200);
    }
    await idle();
    expect(held.most).toBe(TRIES_AT_ONCE);
  });

  test('a way that hangs delays none that goes another way', async () => {
    const held = new HeldFetch();
    const { notifier: it } = notifier({}, held);
    await using _ = it;
    for (let n = 0; n < 100; n += 1) it.tell('prompt.opened', prompt(`a${n}`), [hook('dead')]);
    it.tell('prompt.opened', prompt('last'), [hook('alive')]);
    await until(() => held.calls.length === 2, 'two calls');
    expect(held.calls.map(({ url }) => url)).toEqual(['http://dead.example/hook', 'http://alive.example/hook']);
  });

  test('to one way, what was told first arrives first', async () => {
    await using receiver = await Receiver.start(status(200));
    const { notifier: it, idle } = notifier();
    await using _ = it;
    const way = { webhook: receiver.url };
    for (let n = 0; n < 20; n += 1) it.tell('prompt.opened', prompt(`a${n}`), [way]);
    await idle();
    const ids = receiver.received.map(({ body }) => (JSON.parse(body) as { prompt: Prompt }).prompt.id);
    expect(ids).toEqual(Array.from({ length: 20 }, (_, n) => `a${n}`));
  });

  test('too many: the oldest reminder goes first, then the oldest; counted and told', async () => {
    const held = new HeldFetch();
    const { notifier: it, told } = notifier({ max_notifications: 3 }, held);
    await using _ = it;
    it.tell('prompt.opened', prompt('first'), [hook('x')]);
    it.tell('prompt.reminder', prompt('second'), [hook('x')]);
    it.tell('prompt.reminder', prompt('third'), [hook('x')]);
    expect([it.waiting, it.dropped]).toEqual([3, 0]);
    it.tell('prompt.opened', prompt('fourth'), [hook('x')]);
    it.tell('prompt.opened', prompt('fifth'), [hook('x')]);
    expect([it.waiting, it.dropped]).toEqual([3, 2]);
    it.tell('prompt.reminder', prompt('sixth'), [hook('x')]);
    it.tell('prompt.opened', prompt('seventh'), [hook('x')]);
    expect([it.waiting, it.dropped]).toEqual([3, 4]);
    await until(() => told().length === 4, 'they are told');
    expect(told().sort()).toEqual(['first', 'second', 'sixth', 'third'].map((id) => `${id} webhook failed dropped`));
  });

  test('all tries together have an end', async () => {
    await using receiver = await Receiver.start(hang);
    const { notifier: it, reports, idle } = notifier({ deadline_ms: 300 });
    await using _ = it;
    it.tell('prompt.opened', prompt('one'), [{ webhook: receiver.url }]);
    it.tell('prompt.opened', prompt('two'), [{ webhook: receiver.url }]);
    await idle();
    expect(reports.map(({ prompt: { id }, outcome }) => [id, outcome.error])).toEqual([
      ['one', 'was given up after 0.3 s'],
      ['two', 'was given up after 0.3 s'],
    ]);
  });

  test('the waits between tries are not slept in a turn: in virtual time, five minutes of a dead way', async () => {
    vi.useFakeTimers();
    try {
      let calls = 0;
      const fetch: Surroundings['fetch'] = () => {
        calls += 1;
        return Promise.resolve(new Response(null, { status: 503 }));
      };
      const sleep: Surroundings['sleep'] = (ms, signal) =>
        new Promise((resolve, reject) => {
          const timer = setTimeout(resolve, ms);
          signal.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(new Error('stopped'));
          });
        });
      const { notifier: it, told } = notifier({}, { fetch, sleep, random: () => 0.5 });
      const names = Array.from({ length: 50 }, (_, n) => `a${n}`);
      for (const id of names) it.tell('prompt.opened', prompt(id), [hook('dead')]);
      await vi.advanceTimersByTimeAsync(7_000);
      expect(calls).toBe(50);
      await vi.advanceTimersByTimeAsync(300_000);
      expect([calls, it.waiting]).toEqual([300, 0]);
      expect(told()).toEqual(names.map((id) => `${id} webhook failed http_503`));
      expect(vi.getTimerCount()).toBe(0);
      await it.close();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('a prompt of megabytes costs little and throws nothing', async () => {
    const { notifier: it, idle } = notifier();
    await using _ = it;
    const began = performance.now();
    for (const text of Object.values(HOSTILE)) {
      it.tell('prompt.opened', prompt('one', { summary: text, requested_action: { text } }), [
        { command: 'cat > /dev/null' },
      ]);
    }
    expect(performance.now() - began).toBeLessThan(1000);
    await idle();
  });
});

describe('close', () => {
  test('ends what is under way and what waits within a second, and leaves nothing', async () => {
    await using receiver = await Receiver.start(hang);
    const reports: NotifyReport[] = [];
    const it = new Notifier({ project_root: folder, report: (one) => reports.push(one) });
    const command = `trap '' TERM; sleep 60 & echo $! > child; echo $$ > self; wait; sleep 60`;
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    for (let n = 0; n < 10; n += 1) it.tell('prompt.opened', prompt(`a${n}`), [{ webhook: receiver.url }, { command }]);
    // One that waits for its next try.
    it.tell('prompt.opened', prompt('b'), [{ command: 'touch failed; exit 1' }]);
    await until(() => existsSync(join(folder, 'self')) && existsSync(join(folder, 'failed')), 'commands run');
    await until(() => receiver.received.length > 0, 'a webhook is sent');
    const began = performance.now();
    await Promise.all([it.close(), it.close()]);
    expect(performance.now() - began).toBeLessThan(1000);
    expect([it.waiting, reports]).toEqual([0, []]);
    for (const name of ['self', 'child']) {
      const pid = Number(readFileSync(join(folder, name), 'utf8'));
      await until(() => isGone(pid), `${name} is gone`);
    }
    await until(() => receiver.connections === 0, 'no connection is left');
    const left = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    expect(left).toBeLessThanOrEqual(before);
    expect(process.getActiveResourcesInfo()).not.toContain('ProcessWrap');
    it.tell('prompt.opened', prompt('later'), [{ command: 'touch later' }]);
    expect(it.waiting).toBe(0);
  });

  test('waits no longer than a second for what cannot be ended', async () => {
    const fetch: Surroundings['fetch'] = () => new Promise<Response>(() => undefined);
    const { notifier: it } = notifier({}, { fetch });
    it.tell('prompt.opened', prompt('one'), [hook('x')]);
    await new Promise((resolve) => setImmediate(resolve));
    const began = performance.now();
    await it.close();
    expect(performance.now() - began).toBeLessThan(1500);
  });
});
