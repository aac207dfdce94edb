import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fleet } from '../../src/client/fleet.js';
import type { FleetEventsOptions, FleetNews } from '../../src/client/fleet-events.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { block, FakeDaemon } from '../cli/fake-daemon.js';
import { newProject, removeProject, until } from '../cli/rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;
let fleet: Fleet;

beforeEach(async () => {
  project = newProject();
  daemon = await FakeDaemon.start(project);
  fleet = await Fleet.open({ project: project.root, start_daemon: false });
});
afterEach(async () => {
  fleet.close();
  expect(daemon.complaints).toEqual([]);
  await daemon.close();
  removeProject(project);
});

const at = (second: number): string => new Date(Date.UTC(2020, 0, 1, 0, 0, second)).toISOString();

async function texts(options: FleetEventsOptions = {}): Promise<string[]> {
  const said: string[] = [];
  for await (const news of fleet.events(options)) said.push(wordsOf(news));
  return said;
}

function wordsOf(news: FleetNews): string {
  switch (news.type) {
    case 'entry':
      return news.entry.text ?? '';
    case 'row':
      return `${news.row.id} ${news.row.phase}`;
    case 'prompt':
      return `? ${news.prompt.prompt_id} ${news.prompt.revision}`;
    case 'prompt_closed':
      return `! ${news.prompt_id}`;
  }
}

/** Follows until the test is over. */
function follow(options: FleetEventsOptions = {}): { said: string[]; until: (word: string) => Promise<void> } {
  const said: string[] = [];
  const work = (async (): Promise<void> => {
    for await (const news of fleet.events({ ...options, follow: true })) said.push(wordsOf(news));
  })();
  // Ends with the fleet; another failure is found by what is missing.
  work.catch(() => undefined);
  return { said, until: (word) => until(() => said.includes(word)) };
}

describe('what was said before', () => {
  it('is merged by time, then session, each session in its own order', async () => {
    const a = daemon.addSession('a', { session_id: 'a-20200101T000000Z-aaaa' }).session_id;
    const b = daemon.addSession('b', { session_id: 'b-20200101T000000Z-bbbb' }).session_id;
    daemon.say(b, { text: 'b1', timestamp: at(1) });
    daemon.say(a, { text: 'a1', timestamp: at(1) });
    daemon.say(a, { text: 'a2', timestamp: at(5) });
    // A clock that was set back does not change the order of a session.
    daemon.say(a, { text: 'a3', timestamp: at(2) });
    daemon.say(b, { text: 'b2', timestamp: at(3) });
    expect(await texts()).toEqual(['a1', 'b1', 'b2', 'a2', 'a3']);
    expect(await texts({ last: 2 })).toEqual(['a2', 'a3']);
    expect(await texts({ last: 0 })).toEqual([]);
    expect(await texts({ since: at(3) })).toEqual(['b2', 'a2', 'a3']);
    expect(await texts({ refs: ['b'] })).toEqual(['b1', 'b2']);
  });

  it('is that of live sessions; of ended ones when asked for, or named', async () => {
    const a = daemon.addSession('a').session_id;
    const b = daemon.addSession('b').session_id;
    daemon.say(a, { text: 'a1', timestamp: at(1) });
    daemon.say(b, { text: 'b1', timestamp: at(2) });
    daemon.end(a, 'failed', 'broke');
    expect(await texts()).toEqual(['b1']);
    expect(await texts({ all: true })).toEqual(['a1', 'b1']);
    expect(await texts({ refs: [a] })).toEqual(['a1']);
    await expect(texts({ refs: ['nobody'] })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is read in pages', async () => {
    const a = daemon.addSession('a').session_id;
    for (let n = 1; n <= 1200; n += 1) daemon.say(a, { text: `a${n}`, timestamp: at(n) });
    expect(await texts()).toEqual(Array.from({ length: 1200 }, (_, n) => `a${n + 1}`));
    expect((await texts({ last: 700 }))[0]).toBe('a501');
  });
});

describe('following', () => {
  it('gives what was said before, then what happens, of sessions that start later too', async () => {
    const a = daemon.addSession('a').session_id;
    daemon.say(a, { text: 'before', timestamp: at(1) });
    const events = follow();
    await events.until('a running');
    daemon.say(a, { text: 'a2' });
    await events.until('a2');
    const b = daemon.addSession('b', { started_at: new Date(Date.now() + 1000).toISOString() }).session_id;
    daemon.say(b, { text: 'b1' });
    await events.until('b1');
    daemon.end(b, 'stopped', 'done');
    await events.until('b stopped');
    daemon.update(b, { phase: 'stopped', tags: ['x'] });
    await until(() => events.said.filter((word) => word === 'b stopped').length === 2);
    expect(events.said).toEqual(['before', 'a running', 'a2', ...events.said.slice(3)]);
    expect(events.said.filter((word) => word === 'b1')).toHaveLength(1);
  });

  it('begins where it is told to, and leaves out what else was said', async () => {
    const a = daemon.addSession('a').session_id;
    const ended = daemon.addSession('old', { phase: 'failed', ended_at: at(9), started_at: at(1) }).session_id;
    daemon.say(ended, { text: 'of one that ended', timestamp: at(2) });
    daemon.say(a, { text: 'a1', timestamp: at(1) });
    daemon.say(a, { text: 'a2', timestamp: at(2) });
    const [none, last, since] = [follow({ last: 0 }), follow({ last: 1 }), follow({ since: at(3) })];
    for (const one of [none, last, since]) await one.until('a running');
    await until(() => daemon.requests.filter((line) => line.includes(`${a}/events`)).length === 3);
    await daemon.untilFollowed(a);
    daemon.say(a, { text: 'a3' });
    for (const one of [none, last, since]) await one.until('a3');
    const entries = (one: { said: string[] }): string[] => one.said.filter((word) => /^a\d|of one/.test(word));
    expect([none, last, since].map(entries)).toEqual([['a3'], ['a2', 'a3'], ['a3']]);
  });

  it('goes on over broken connections, each entry once', async () => {
    const a = daemon.addSession('a').session_id;
    const events = follow();
    await events.until('a running');
    for (let n = 1; n <= 40; n += 1) {
      daemon.say(a, { text: `a${n}` });
      if (n % 10 === 0) {
        daemon.dropStreams();
        daemon.say(a, { text: `silent${n}` });
        await events.until(`silent${n}`);
      }
    }
    await events.until('silent40');
    const entries = events.said.filter((word) => /^a\d|silent/.test(word));
    expect(entries).toHaveLength(44);
    expect(new Set(entries).size).toBe(44);
  });

  it('of an agent picks up its later sessions, of a session nothing else', async () => {
    const a = daemon.addSession('a').session_id;
    const [agent, session] = [follow({ refs: ['a'] }), follow({ refs: [a] })];
    for (const one of [agent, session]) await one.until('a running');
    const later = daemon.addSession('a', { started_at: new Date(Date.now() + 1000).toISOString() }).session_id;
    daemon.addSession('b');
    daemon.say(later, { text: 'later' });
    await agent.until('later');
    daemon.say(a, { text: 'first' });
    for (const one of [agent, session]) await one.until('first');
    expect(session.said).not.toContain('later');
    expect(agent.said).not.toContain('b running');
  });

  it('tells prompts once, when they open, change and close, also while nobody listened', async () => {
    daemon.addSession('a');
    daemon.inbox.put({ prompt_id: 'p-1' });
    const events = follow();
    await events.until('? p-1 v-1');
    daemon.inbox.put({ prompt_id: 'p-1', revision: 'v-2' });
    await events.until('? p-1 v-2');
    daemon.inbox.put({ prompt_id: 'p-2' });
    await events.until('? p-2 v-1');
    daemon.dropStreams();
    daemon.inbox.records.delete('p-1');
    await events.until('! p-1');
    daemon.inbox.close('p-2', { outcome: 'withdrawn' });
    await events.until('! p-2');
    expect(events.said.filter((word) => /^[?!]/.test(word))).toEqual([
      '? p-1 v-1',
      '? p-1 v-2',
      '? p-2 v-1',
      '! p-1',
      '! p-2',
    ]);
  });

  it('does not open a prompt again that closed while an older event of it was on its way', async () => {
    const a = daemon.addSession('a');
    const prompt = daemon.inbox.put({ prompt_id: 'p-1' });
    const events = follow();
    await events.until('? p-1 v-1');
    daemon.dropStreams();
    daemon.inbox.records.delete('p-1');
    await events.until('! p-1');
    const stale = daemon.inbox.put({ ...prompt });
    daemon.inbox.close('p-1', { outcome: 'withdrawn' });
    expect(stale.prompt_id).toBe('p-1');
    daemon.update(a.session_id, { tags: ['later'] });
    await until(() => events.said.filter((word) => word === 'a running').length === 2);
    expect(events.said.filter((word) => /^[?!]/.test(word))).toEqual(['? p-1 v-1', '! p-1']);
  });

  it('goes on with a session that comes back, after its last entry', async () => {
    const a = daemon.addSession('a').session_id;
    const events = follow();
    daemon.say(a, { text: 'one' });
    await events.until('one');
    await daemon.untilFollowed(a);
    daemon.end(a, 'failed', 'broke');
    await events.until('a failed');
    daemon.say(a, { text: 'two' });
    daemon.update(a, { phase: 'running', ended_at: null });
    await events.until('two');
    expect(events.said.filter((word) => word === 'one')).toHaveLength(1);
  });

  it('lets a slow reader hold it up, and holds next to nothing', async () => {
    const a = daemon.addSession('a').session_id;
    const events = fleet.events({ follow: true, last: 0 });
    const first = events.next();
    await daemon.untilFollowed(a);
    await first;
    const big = 'x'.repeat(100_000);
    const before = process.memoryUsage.rss();
    for (let n = 0; n < 400; n += 1)
      daemon.tell(a, block('piece', { session_id: a, item_id: 'i', kind: 'reply', offset: 0, text: big }));
    daemon.say(a, { text: 'after' });
    await new Promise((go) => setTimeout(go, 200));
    expect(process.memoryUsage.rss() - before).toBeLessThan(400 * 100_000 * 3);
    for await (const news of events) if (wordsOf(news) === 'after') break;
  });

  it('ends with its signal, and leaves no stream behind', async () => {
    daemon.addSession('a');
    const ending = new AbortController();
    const said: string[] = [];
    const work = (async (): Promise<void> => {
      for await (const news of fleet.events({ follow: true, signal: ending.signal })) said.push(wordsOf(news));
    })();
    const ended = expect(work).rejects.toMatchObject({ code: 'interrupted' });
    await until(() => said.length > 0);
    ending.abort();
    await ended;
    await until(() => daemon.liveStreams === 0);
    for await (const news of fleet.events({ follow: true })) if (news.type === 'row') break;
    await until(() => daemon.liveStreams === 0);
  });
});
