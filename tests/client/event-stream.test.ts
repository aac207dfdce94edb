import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fleet } from '../../src/client/fleet.js';
import { ControlClient } from '../../src/client/http-client.js';
import { tailSession, type TailEvent } from '../../src/client/session-tail.js';
import { ServerEventParser } from '../../src/client/sse-parser.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { block, FakeDaemon } from '../cli/fake-daemon.js';
import { newProject, removeProject, until } from '../cli/rig.js';

describe('server-sent events', () => {
  it('are the same however the stream is cut', () => {
    const text = `: hello\n\n${block('entry', { text: 'a\nb ü 🙂' }, 7)}${block('row', {})}data: x\r\ndata: y\r\n\r\n`;
    const whole = new ServerEventParser().push(text);
    expect(whole).toEqual([
      { event: 'entry', id: '7', data: JSON.stringify({ text: 'a\nb ü 🙂' }) },
      { event: 'row', id: null, data: '{}' },
      { event: 'message', id: null, data: 'x\ny' },
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 20 }), (cuts) => {
        const parser = new ServerEventParser();
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        expect(at.slice(1).flatMap((end, i) => parser.push(text.slice(at[i], end)))).toEqual(whole);
      }),
    );
  });
});

describe('following a session', () => {
  let project: ProjectPaths;
  let daemon: FakeDaemon;
  let session_id: string;

  beforeEach(async () => {
    project = newProject();
    daemon = await FakeDaemon.start(project);
    ({ session_id } = daemon.addSession('docs'));
  });
  afterEach(async () => {
    expect(daemon.complaints).toEqual([]);
    await daemon.close();
    removeProject(project);
  });

  function follow(
    options: { after?: number; last?: number; patient?: boolean } = {},
    hold: (waits: number) => Promise<void> = () => Promise.resolve(),
  ): { seen: TailEvent[]; seqs: () => number[]; done: Promise<void>; waits: number[] } {
    const seen: TailEvent[] = [];
    const waits: number[] = [];
    const source = {
      client: new ControlClient(project.socket),
      session_id,
      signal: new AbortController().signal,
      pause: (wait_ms: number): Promise<void> => {
        waits.push(wait_ms);
        return hold(waits.length);
      },
    };
    const done = (async (): Promise<void> => {
      for await (const event of tailSession(source, { follow: true, ...options })) seen.push(event);
    })();
    // Awaited by the test; it may fail before that.
    done.catch(() => undefined);
    const seqs = (): number[] => seen.flatMap((event) => (event.type === 'entry' ? [event.entry.seq] : []));
    return { seen, seqs, done, waits };
  }

  it('gives what was said before, then what is said, then the end', async () => {
    daemon.say(session_id, { text: 'one' });
    const tail = follow();
    await daemon.untilFollowed(session_id);
    daemon.say(session_id, { text: 'two' });
    daemon.end(session_id, 'stopped', 'stopped by operator');
    await tail.done;
    expect(tail.seqs()).toEqual([1, 2]);
    expect(tail.seen.at(-1)).toMatchObject({ type: 'end', row: { end_reason: 'stopped by operator' } });
  });

  it('gives every entry once, in order, over broken connections', async () => {
    let away = Promise.resolve();
    const tail = follow({}, () => away);
    for (let round = 1; round <= 5; round += 1) {
      let comeBack = (): void => undefined;
      away = new Promise((go) => (comeBack = go));
      await daemon.untilFollowed(session_id);
      daemon.say(session_id, { text: `live ${round}` });
      await until(() => tail.seqs().length === 2 * round - 1);
      daemon.dropStreams();
      await until(() => daemon.liveStreams === 0);
      daemon.say(session_id, { text: `while away ${round}` }, { silently: true });
      comeBack();
      await until(() => tail.seqs().length === 2 * round);
    }
    daemon.end(session_id, 'stopped', 'over');
    await tail.done;
    expect(tail.seqs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('asks with Last-Event-ID for what comes after the last entry it has, and waits longer each time', async () => {
    daemon.say(session_id, {});
    let goOn = (): void => undefined;
    const held = new Promise<void>((go) => (goOn = go));
    const tail = follow({}, (waits) => (waits < 4 ? Promise.resolve() : held));
    await daemon.untilFollowed(session_id);
    await daemon.close();
    await until(() => tail.waits.length === 4);
    await daemon.listen();
    goOn();
    await daemon.untilFollowed(session_id);
    expect(daemon.requests.filter((line) => line.includes('/events')).at(-1)).toContain('after=1');
    expect(tail.waits.slice(0, 4)).toEqual([50, 100, 200, 400]);
    daemon.end(session_id, 'stopped', 'over');
    await tail.done;
    expect(tail.seqs()).toEqual([1]);
  });

  it('gives up when nobody comes back', async () => {
    const tail = follow();
    await daemon.untilFollowed(session_id);
    await daemon.close();
    await expect(tail.done).rejects.toMatchObject({
      code: 'unexpected',
      message: expect.stringContaining('does not answer') as string,
    });
    expect(tail.waits).toHaveLength(12);
  });

  it('with somebody who looks on is told once, waits however long, and goes on', async () => {
    daemon.say(session_id, {});
    let goOn = (): void => undefined;
    const held = new Promise<void>((go) => (goOn = go));
    const tail = follow({ patient: true }, (waits) => (waits < 40 ? Promise.resolve() : held));
    await daemon.untilFollowed(session_id);
    await daemon.close();
    await until(() => tail.waits.length === 40);
    expect(Math.max(...tail.waits)).toBe(2000);
    await daemon.listen();
    goOn();
    await daemon.untilFollowed(session_id);
    daemon.say(session_id, {});
    daemon.end(session_id, 'stopped', 'over');
    await tail.done;
    expect(tail.seqs()).toEqual([1, 2]);
    const told = tail.seen.map(({ type }) => type).filter((type) => type === 'lost' || type === 'reconnected');
    expect(told).toEqual(['lost', 'reconnected']);
  });

  it('with a cursor of entries that do not exist goes on where the daemon says', async () => {
    daemon.say(session_id, {});
    const tail = follow({ after: 100 });
    await daemon.untilFollowed(session_id);
    daemon.tell(session_id, block('resync', { after: 1, missed: 0 }));
    daemon.say(session_id, {});
    daemon.end(session_id, 'stopped', 'over');
    await tail.done;
    expect(tail.seqs()).toEqual([2]);
  });

  it('reads from the transcript what a slow reader was not sent', async () => {
    const tail = follow();
    await daemon.untilFollowed(session_id);
    daemon.say(session_id, { text: 'seen' });
    for (let i = 0; i < 1200; i += 1) daemon.say(session_id, { text: `missed ${i}` }, { silently: true });
    daemon.tell(session_id, block('resync', { after: 1, missed: 1200 }));
    daemon.say(session_id, { text: 'seen again' });
    daemon.end(session_id, 'stopped', 'over');
    await tail.done;
    expect(tail.seqs()).toEqual(Array.from({ length: 1202 }, (_, i) => i + 1));
  });

  it('fills a gap that it was not told of', async () => {
    const tail = follow();
    await daemon.untilFollowed(session_id);
    daemon.say(session_id, {});
    daemon.say(session_id, {}, { silently: true });
    daemon.say(session_id, {});
    daemon.end(session_id, 'stopped', 'over');
    await tail.done;
    expect(tail.seqs()).toEqual([1, 2, 3]);
  });

  it('from now on begins with nothing of before, also when told to resync', async () => {
    daemon.say(session_id, { text: 'old' });
    const tail = follow({ last: 0 });
    await daemon.untilFollowed(session_id);
    daemon.say(session_id, {}, { silently: true });
    daemon.tell(session_id, block('resync', { after: 1, missed: 1 }));
    await until(() => tail.seqs().length === 1);
    daemon.end(session_id, 'stopped', 'over');
    await tail.done;
    expect(tail.seqs()).toEqual([2]);
  });

  it('reads the last so many entries over any number of pages', async () => {
    for (let i = 0; i < 1300; i += 1) daemon.say(session_id, {}, { silently: true });
    await using fleet = await Fleet.open({ project: project.root, start_daemon: false });
    const seqs: number[] = [];
    for await (const event of fleet.tail('docs', { last: 1250 }))
      if (event.type === 'entry') seqs.push(event.entry.seq);
    expect(seqs).toEqual(Array.from({ length: 1250 }, (_, i) => i + 51));
  });

  it('since a moment after everything is nothing, not everything', async () => {
    daemon.say(session_id, { timestamp: '2030-01-01T00:00:00.000Z' });
    await using fleet = await Fleet.open({ project: project.root, start_daemon: false });
    const seen: TailEvent[] = [];
    for await (const event of fleet.tail('docs', { since: '2031-01-01T00:00:00.000Z' })) seen.push(event);
    expect(seen).toEqual([]);
  });

  it('ends with the signal, and with the fleet that it came from', async () => {
    const fleet = await Fleet.open({ project: project.root, start_daemon: false });
    const ending = new AbortController();
    const first = fleet.tail('docs', { follow: true, last: 0, signal: ending.signal }).next();
    await daemon.untilFollowed(session_id);
    await Promise.all([expect(first).resolves.toMatchObject({ value: { type: 'row' } })]);
    const second = fleet.tail('docs', { follow: true, last: 0, signal: ending.signal });
    await second.next();
    ending.abort();
    await expect(second.next()).rejects.toMatchObject({ code: 'interrupted' });
    const third = fleet.tail('docs', { follow: true, last: 0 });
    await third.next();
    fleet.close();
    await expect(third.next()).rejects.toMatchObject({ code: 'interrupted', message: 'the fleet was closed' });
  });
});
