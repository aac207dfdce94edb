/** Who begins when, and a second session from the same point: through the real command line, daemon, engine and Codex. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Fleet } from '../../src/client/fleet.js';
import type { SessionRow } from '../../src/contract/session.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

/** `turn` counts the operator's messages that the model is shown: a fork's second message is its third where it remembers two. */
const REHEARSAL = `
parts:
  - text: the word is apple
    agent: first
    do:
      - run: echo apple > words.txt
      - say: 'noted: {{text}}'
  - text: the word
    do:
      - say: 'noted: {{text}}'
  - text: long
    do:
      - run: sleep 5
      - say: long done
  - text: write
    do:
      - run: echo {{agent}} >> made.txt && git add made.txt && git commit -qm made && echo dirty > dirty.txt
      - say: 'written in turn {{turn}}'
  - text: ask first
    do:
      - ask_approval: touch approved.txt
        reason: may I?
      - say: it was approved
  - text: which turn
    do:
      - say: 'this is turn {{turn}}'
`;

const AGENTS = `
defaults:
  resources: { cpus: 1, memory: 256m, pids: 256 }
  escalation: { approvals: approve, rules: [{ when: { command: touch ** }, do: ask }] }
sessions:
  - { id: last, role: FEATURE, depends_on: { middle: { condition: idle } } }
  - { id: middle, role: FEATURE, goal: the word is pear, depends_on: [first] }
  - { id: first, role: FEATURE, goal: the word is apple, workspace: { repo: ../../sample } }
  - { id: merger, role: FEATURE, depends_on: { first: { condition: synced } } }
`;

describe('order, places and forks', () => {
  let rig: FleetRig;
  let fleet: Fleet;

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': AGENTS, 'rehearsal.yml': REHEARSAL });
    const sample = join(rig.root, 'sample');
    await mkdir(sample);
    await writeFile(join(sample, 'readme.md'), 'hello\n');
    const git = (...args: string[]): void =>
      void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], {
        cwd: sample,
        stdio: 'ignore',
      });
    git('init', '-qb', 'main');
    git('add', '.');
    git('commit', '-qm', 'begin');
    fleet = await rig.fleet();
  }, 60_000);

  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  const row = async (id: string): Promise<SessionRow> => {
    const found = (await fleet.sessions({ all: true })).filter((one) => one.id === id).at(-1);
    if (found === undefined) throw new Error(`no session ${id}`);
    return found;
  };
  const replies = async (id: string): Promise<(string | undefined)[]> =>
    (await rig.transcript((await row(id)).transcript)).filter((e) => e.kind === 'reply').map((e) => e.text);
  const say = async (id: string, text: string): Promise<string | undefined> =>
    (await fleet.send(id, text, { wait_ms: 30_000 })).reply;

  it('begins each agent when those it waits for are there, with the reason meanwhile', async () => {
    expect((await rig.cli(['validate'])).stdout).toContain(
      '1. first\n  2. middle (when first has started), merger (when the work of first is brought home)\n  3. last (when middle is idle after its first turn)',
    );
    const started = await rig.cli(['start', '--all', '--rehearsal', 'rehearsal.yml']);
    expect(started.code, started.stderr).toBe(0);
    expect(started.stdout).toMatch(
      /^last is in the queue \(last-[^)]*\): waits until middle is idle after its first turn/m,
    );
    await eventually(
      'all but one run',
      async () => (await fleet.sessions()).filter((one) => one.phase === 'running').length === 3,
    );
    const begun = async (id: string): Promise<number> =>
      (await rig.transcript((await row(id)).transcript)).findIndex((e) => e.text?.startsWith('running on thread'));
    const times = await Promise.all(
      ['first', 'middle', 'last'].map(
        async (id) => (await rig.transcript((await row(id)).transcript))[await begun(id)]?.timestamp ?? '',
      ),
    );
    expect([...times].sort()).toEqual(times);
    expect((await row('last')).reached).toEqual(['started']);
    expect((await row('merger')).waiting_for).toBe(
      'waits until the work of first is brought home: filare-agents sync first',
    );
    const listed = await rig.cli(['list']);
    expect(listed.stdout).toMatch(/merger .*queued.*1\. in the queue: waits until the work of first is brought home/);
  }, 60_000);

  it('keeps the queue over the death of the daemon, and lets a waiting one be stopped', async () => {
    process.kill(await rig.daemonPid(), 'SIGKILL');
    fleet.close();
    fleet = await rig.fleet();
    expect((await row('merger')).waiting_for).toContain('waits until the work of first is brought home');
    expect(await fleet.stop('merger')).toMatchObject({ phase: 'stopped', end_reason: 'stopped before it started' });
    await fleet.stop('last');
    await fleet.stop('middle');
  }, 60_000);

  it('who waits for work that there is none of goes on once the other rests; a sync that finds nothing is enough too', async () => {
    await rig.write(
      'more.yml',
      `
defaults: { role: FEATURE, workspace: { repo: sample }, resources: { cpus: 1, memory: 256m, pids: 256 } }
sessions:
  - { id: quiet, goal: the word is plum }
  - { id: after-quiet, depends_on: { quiet: { condition: synced } } }
`,
    );
    const started = await rig.cli(['start', 'more.yml', '--rehearsal', 'rehearsal.yml']);
    expect(started.code, started.stderr).toBe(0);
    await eventually('it begins', async () => (await row('after-quiet')).phase === 'running');
    const told = (await rig.transcript((await row('quiet')).transcript)).map((entry) => entry.text);
    expect(told).toContain('it has nothing to bring home: who waits for its work waits no longer');
    expect((await row('quiet')).reached).toEqual(['started', 'idle', 'synced']);
    await rig.cli(['stop', 'quiet', 'after-quiet']);

    // What is in no commit is work: it is not decided without the operator.
    expect((await row('first')).reached).toEqual(['started', 'idle']);
    const synced = await rig.cli(['sync', 'first', '--repo', 'sample']);
    expect(synced.stdout, synced.stderr).toContain('there is no commit that your repository lacks');
    expect((await row('first')).reached).toEqual(['started', 'idle', 'synced']);
  }, 90_000);

  it('lets no more run than --max-parallel, in order, and frees a place with the end of a session', async () => {
    const started = await rig.json<{ id: string; session: SessionRow }[]>([
      'start',
      '--session',
      'middle',
      'last',
      '--max-parallel',
      '2',
      '--rehearsal',
      'rehearsal.yml',
    ]);
    expect(started.map(({ id, session }) => [id, session.phase])).toEqual([
      ['last', 'queued'],
      ['middle', 'running'],
    ]);
    await eventually(
      'it waits for a place',
      async () => (await row('last')).waiting_for === 'waits for a free place: 2 of 2 run',
    );
    process.kill(await rig.daemonPid(), 'SIGKILL');
    fleet.close();
    fleet = await rig.fleet();
    expect((await row('last')).waiting_for).toBe('waits for a free place: 2 of 2 run');
    await fleet.stop('middle');
    await eventually('it has the place', async () => (await row('last')).phase === 'running');
    await fleet.stop('last');
  }, 60_000);

  it('forks an idle session: both go on by themselves, each with what came before', async () => {
    expect(await say('first', 'write')).toBe('written in turn 2');
    const { workspace, tokens: before } = await row('first');
    await symlink('/etc/passwd', join(workspace, 'outward'));
    const forked = await rig.cli(['fork', 'first', '--as', 'second', '--message', 'which turn', '--json']);
    expect(forked.code, forked.stderr).toBe(0);
    const second = JSON.parse(forked.stdout) as SessionRow;
    expect(second).toMatchObject({ id: 'second', branch: 'agents/second' });
    await eventually('it has answered', async () => (await replies('second')).includes('this is turn 3'));
    expect(second.thread_id).not.toBe((await row('first')).thread_id);
    // Codex counts on from the source's tokens; the fork is not charged with them.
    const said = (await rig.transcript(second.transcript)).filter((entry) => entry.kind === 'usage');
    const counted = z.object({ total: z.number() }).parse(said.at(-1)?.data).total;
    expect(before.total).toBeGreaterThan(0);
    expect((await row('second')).tokens.total).toBe(counted - before.total);
    expect(await readFile(join(second.workspace, 'made.txt'), 'utf8')).toBe('first\n');
    expect(await readlink(join(second.workspace, 'outward'))).toBe('/etc/passwd');
    expect(await readFile(join(second.workspace, 'dirty.txt'), 'utf8')).toBe('dirty\n');
    expect(await readdir(join(second.workspace, '..'))).toEqual(
      expect.not.arrayContaining([expect.stringContaining('filare-seed')]),
    );

    expect(await say('second', 'write')).toBe('written in turn 4');
    expect(await say('first', 'which turn')).toBe('this is turn 3');
    expect(await readFile(join(second.workspace, 'made.txt'), 'utf8')).toBe('first\nsecond\n');
    expect(await readFile(join(workspace, 'made.txt'), 'utf8')).toBe('first\n');

    const [source, fork] = await Promise.all(
      ['first', 'second'].map(async (id) => rig.transcript((await row(id)).transcript)),
    );
    expect(source?.map((e) => e.text)).toContain(`forked as second (session ${second.session_id})`);
    expect(fork?.[0]?.text).toBe(
      `session of agent second (FEATURE) begins, forked from first (session ${(await row('first')).session_id}) after 2 turns`,
    );
    // A new attempt is on the fork's own thread, which Codex keeps as what comes on top of the source's.
    await fleet.restart('second');
    expect(await say('second', 'which turn')).toBe('this is turn 5');
  }, 90_000);

  it('refuses while a turn runs, and for an id or workspace that is taken; nothing is made', async () => {
    await fleet.send('first', 'long');
    const busy = await rig.cli(['fork', 'first', '--as', 'third']);
    expect(busy).toMatchObject({ code: 4, stdout: '' });
    expect(busy.stderr).toContain(
      'first cannot be forked now: a turn runs\n  try: filare-agents wait first --until idle, or end the turn: filare-agents interrupt first',
    );
    await fleet.wait(['first'], 'idle', { timeout_ms: 30_000 });
    expect((await rig.cli(['fork', 'first', '--as', 'second'])).code).toBe(4);
    expect((await rig.cli(['fork', 'first', '--as', 'First'])).code).toBe(4);
    expect((await rig.cli(['fork', 'first', '--as', '../up'])).code).toBe(2);
    await rig.write('.filare/workspaces/fourth/mine.txt', 'x');
    expect((await rig.cli(['fork', 'first', '--as', 'fourth'])).stderr).toContain('exists and is not empty');
    expect(existsSync(join(rig.paths.workspaces, 'third'))).toBe(false);
  }, 60_000);

  it('gives up soon where git would wait for ever for the source: nothing else starts meanwhile', async () => {
    const head = join((await row('first')).workspace, '.git/HEAD');
    await rename(head, `${head}.kept`);
    execFileSync('mkfifo', [head]);
    const forked = await rig.cli(['fork', 'first', '--as', 'third']);
    expect(forked.stderr).toContain('cannot be put on the branch agents/third');
    await rename(`${head}.kept`, head);
    expect(existsSync(join(rig.paths.workspaces, 'third'))).toBe(false);
  }, 90_000);

  it('forks a fork, one that waits for a person, and one that has ended', async () => {
    await fleet.send('second', 'ask first');
    await eventually('it asks', async () => (await row('second')).activity === 'waiting');
    const third = await fleet.fork('second', { as: 'third' });
    const story = await rig.transcript(third.transcript);
    expect(story[0]?.text).toContain('after 4 turns, the last of them interrupted');
    expect(await say('third', 'which turn')).toBe('this is turn 7');
    expect(existsSync(join(third.workspace, 'approved.txt'))).toBe(false);
    const [prompt] = await fleet.prompts('second');
    await fleet.decide(prompt?.prompt_id ?? '', { choice: 'accept' });
    await fleet.wait(['second'], 'idle', { timeout_ms: 30_000 });
    expect(await replies('second')).toContain('it was approved');

    await fleet.stop('second');
    await fleet.stop('third');
    const again = await fleet.fork('second', { as: 'fifth', message: 'which turn' });
    await eventually('it has answered', async () => (await replies('fifth')).includes('this is turn 7'));
    expect(existsSync(join(again.workspace, 'approved.txt'))).toBe(true);
    const source = await rig.transcript((await row('second')).transcript);
    expect(source.at(-1)?.text).toBe(`forked as fifth (session ${again.session_id})`);
    expect(await rig.json<object>(['transcript', 'verify', 'second'])).toBeDefined();
    expect((await rig.cli(['doctor', '--leaks'])).code).toBe(0);
  }, 90_000);
});
