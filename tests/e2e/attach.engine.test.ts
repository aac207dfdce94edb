import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BY_ATTACH } from '../../src/attach/relay-client.js';
import type { Fleet } from '../../src/client/fleet.js';
import type { SessionRow } from '../../src/contract/session.js';
import type { TranscriptEntry } from '../../src/contract/transcript.js';
import { HAS_TMUX, TmuxTerminal } from '../cli/tmux.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const MANIFEST = `
defaults: { resources: { cpus: 1, memory: 256m, pids: 256 } }
sessions:
  - { id: docs, role: FEATURE }
  - { id: idle, role: FEATURE }
`;
const REHEARSAL = `
parts:
  - matches: /run (\\w+)/
    do:
      - ask_approval: echo ran >> {{1}}.log
        reason: May I?
      - say: 'done with {{1}}'
`;
/** As Codex marks the line where one types. */
const READY = 'Ask Codex to do anything';

describe.skipIf(!HAS_TMUX)("Codex's own terminal interface, attached to a running session", () => {
  let rig: FleetRig;
  let fleet: Fleet;
  let row: SessionRow;
  const terminals: TmuxTerminal[] = [];

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': MANIFEST });
    fleet = await rig.fleet();
    const rows = await rig.start(fleet, REHEARSAL);
    const docs = rows.find((one) => one.id === 'docs');
    if (docs === undefined) throw new Error('docs did not start');
    row = docs;
  }, 120_000);

  afterAll(async () => {
    for (const terminal of terminals) await terminal.close();
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  const story = (): Promise<TranscriptEntry[]> => rig.transcript(row.transcript);
  const helpers = async (): Promise<string[]> => (await rig.containers()).filter((name) => name.includes('-attach-'));
  const ran = (name: string): Promise<string> => readFile(join(row.workspace, `${name}.log`), 'utf8').catch(() => '');
  async function attach(): Promise<TmuxTerminal> {
    const terminal = new TmuxTerminal(rig.paths);
    terminals.push(terminal);
    await terminal.open(110, 40);
    await terminal.start('attach', 'docs');
    return terminal;
  }
  async function type(terminal: TmuxTerminal, text: string): Promise<void> {
    await terminal.type(text);
    await terminal.until((screen) => screen.includes(text));
    // What comes at once is taken for pasted text, its Enter too.
    await new Promise((go) => setTimeout(go, 500));
    await terminal.keys('Enter');
  }

  it('is refused without a terminal, to one that is not known, and to a thread that has not begun', async () => {
    expect(await rig.cli(['attach', 'docs'])).toMatchObject({ code: 2, stdout: '' });
    const status = await fleet
      .terminal('idle', 'attach', { columns: 80, rows: 24 })
      .catch((failure: unknown) => failure);
    expect(status).toMatchObject({
      code: 'bad_state',
      message: expect.stringContaining('has not been told anything') as unknown,
    });
    await expect(fleet.terminal('nobody', 'attach', { columns: 80, rows: 24 })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await helpers()).toEqual([]);
  });

  it('shows what waits; what is approved there is a decision on record, and runs once', async () => {
    await fleet.send('docs', 'run one');
    await eventually('the prompt is open', async () => (await fleet.prompts()).length === 1);
    const [first, second] = [await attach(), await attach()];
    for (const terminal of [first, second]) {
      const screen = await terminal.until((shown) => shown.includes('echo ran >> one.log') && shown.includes('esc)'));
      expect(screen).not.toContain('ask again');
    }
    expect(await helpers()).toHaveLength(2);
    // Two terminals have joined, and Codex has asked again for each: it is still one prompt.
    expect(await fleet.prompts()).toHaveLength(1);
    expect((await rig.json<SessionRow[]>(['list'])).find((one) => one.id === 'docs')).toMatchObject({
      pending_prompts: 1,
    });
    await first.keys('Enter');
    for (const terminal of [first, second]) await terminal.until((shown) => shown.includes('done with one'));
    expect(await ran('one')).toBe('ran\n');
    expect(await fleet.prompts()).toEqual([]);
    const entries = await story();
    expect(entries.filter((e) => e.kind === 'prompt')).toHaveLength(1);
    const decisions = entries.filter((e) => e.kind === 'decision');
    expect(decisions).toMatchObject([{ text: 'accept', data: { by: BY_ATTACH } }]);
    await type(second, '/quit');
    await second.until((shown) => shown.includes('detached') && shown.includes('left with 0'));
    await eventually('its container is gone', async () => (await helpers()).length === 1);
    await type(first, 'said in the terminal');
    await eventually('it is answered', async () =>
      (await story()).some((e) => e.text === 'said in the terminal' && e.kind === 'reply'),
    );
    const said = (await story()).filter((e) => e.kind === 'message' && e.text === 'said in the terminal');
    expect(said).toHaveLength(1);
    // What it asked Codex for by itself is no part of the story.
    expect((await story()).filter((e) => e.kind === 'error')).toEqual([]);
    const ledger = await readFile(join(dirname(row.transcript), 'ledger.jsonl'), 'utf8');
    expect(ledger).toContain(`"message_id":"${String(said[0]?.data?.['message_id'])}","from":"${BY_ATTACH}"`);
    expect((await first.screen()).match(/› said in the terminal/g)).toHaveLength(1);
  }, 60_000);

  it('takes no message of a held session, and says why it ends where something is refused', async () => {
    const [first] = terminals;
    if (first === undefined) throw new Error('nothing is attached');
    await fleet.pause('docs');
    await type(first, 'while held');
    await first.until((shown) => shown.includes('could not be confirmed'));
    await fleet.resume('docs');
    expect((await story()).filter((e) => e.text === 'while held')).toEqual([]);
    await first.close();
    const third = await attach();
    await third.until((shown) => shown.includes(READY));
    await type(third, '/compact');
    await third.until((shown) => shown.includes('not done from an attached terminal') && shown.includes('left with 4'));
    expect(await rig.json<SessionRow[]>(['list'])).toHaveLength(2);
  }, 60_000);

  it('ends with a sentence when the attempt does', async () => {
    const terminal = await attach();
    await terminal.until((shown) => shown.includes(READY));
    await fleet.restart('docs');
    await terminal.until((shown) => shown.includes('is over') && shown.includes('left with 4'));
    await eventually('its container is gone', async () => (await helpers()).length === 0);
  }, 60_000);

  it('ends with a sentence when the daemon is killed; the session goes on, and the next daemon takes away what is left', async () => {
    const terminal = await attach();
    await terminal.until((shown) => shown.includes(READY));
    const [helper] = await helpers();
    await promisify(execFile)('kill', ['-9', String(await rig.daemonPid())]);
    await terminal.until((shown) => shown.includes('docs goes on') && shown.includes('left with 4'));
    // Its first process waited for the daemon.
    await eventually('its container has ended', async () => {
      const found = await rig.engine.list({ 'filare.project': rig.paths.key, 'filare.purpose': 'attach' });
      return found.every((one) => one.state === 'exited');
    });
    expect(helper).toBeDefined();
    expect(await rig.json<SessionRow[]>(['list'])).toMatchObject([{ phase: 'running' }, { phase: 'running' }]);
    expect(await helpers()).toEqual([]);
    const book = await rig.json<{ findings: unknown[] }>(['doctor', '--leaks']);
    expect(book.findings).toEqual([]);
    const again = await rig.fleet();
    expect(await again.send('docs', 'still there', { wait_ms: 20_000 })).toMatchObject({ reply: 'still there' });
    await again[Symbol.asyncDispose]();
  }, 60_000);
});
