import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FilareError } from '../../src/contract/errors.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { CliProcess, newProject, removeProject, until } from './rig.js';
import { HAS_TMUX, TmuxTerminal } from './tmux.js';

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

function put(prompt_id: string, patch: Parameters<FakeDaemon['inbox']['put']>[0] | object = {}): void {
  daemon.inbox.put({ prompt_id, session_id, ...patch });
}

/** What the daemon was asked to decide, in order. */
function decisions(): unknown[] {
  return daemon.calls
    .filter(({ route }) => route === 'decidePrompt')
    .map(({ params, body }) => ({ prompt: params['prompt'], ...body }));
}

if (!HAS_TMUX) console.log('skipped: feedback watch in a terminal needs tmux, which is not installed');

describe.skipIf(!HAS_TMUX)('feedback watch in a real terminal', () => {
  let terminal: TmuxTerminal;
  beforeEach(() => {
    terminal = new TmuxTerminal(project);
  });
  afterEach(() => terminal.close());

  async function watch(columns = 80, rows = 24, ...argv: readonly string[]): Promise<void> {
    await terminal.open(columns, rows);
    await terminal.start('feedback', 'watch', ...argv);
    await terminal.until((screen) => /inbox {2}\d+ prompt/.test(screen) && !screen.includes('reading the inbox'));
    // What has just come cannot be decided yet.
    await new Promise((go) => setTimeout(go, 350));
  }

  /** The terminal is as it was: shell, screen, cursor, echo. */
  async function untilLeft(code: number): Promise<string> {
    const screen = await terminal.until((text) => text.includes(`left with ${code}`));
    expect(await terminal.ask('#{alternate_on} #{cursor_flag} #{wrap_flag}')).toBe('0 1 1');
    expect(screen).not.toContain('── p-');
    await terminal.type('stty -a; echo "x" "y"');
    await terminal.keys('Enter');
    const after = await terminal.until((text) => text.includes('\nx y\n'));
    expect(after).toMatch(/ icanon .* echo |[^-]icanon[^]*[^-]echo /);
    return screen;
  }

  it('shows what is asked, approves with one key, and gives the terminal back', async () => {
    put('p-1', {
      summary: 'Run npm test',
      severity: 'critical',
      revision: 'v-3',
      requested_action: { type: 'command', command: 'npm\u202e test', cwd: '/w' },
    });
    await watch();
    const screen = await terminal.screen();
    expect(screen).toContain('inbox  1 prompt · 1 critical');
    expect(screen).toMatch(/^> {2}! {2}p-1 {2}docs {2}approval/m);
    expect(screen).toContain('command    npm<U+202E> test');
    expect(screen.trimEnd().split('\n')).toHaveLength(24);
    await terminal.keys('a');
    await terminal.until((text) => text.includes('p-1 of docs: approved by operator') && text.includes('0 prompts'));
    expect(decisions()).toEqual([{ prompt: 'p-1', choice: 'accept', revision: 'v-3', by: 'operator' }]);
    await terminal.keys('q');
    expect(await untilLeft(0)).toContain('1 decided, 0 open');
  });

  it('rejects with a reason, answers with a choice, writes a rule after a yes', async () => {
    put('p-1', { created_at: '2020-01-01T00:00:01.000Z' });
    put('p-2', { created_at: '2020-01-01T00:00:02.000Z', kind: 'question', choices: ['EUR', 'USD'], rule_offer: null });
    put('p-3', { created_at: '2020-01-01T00:00:03.000Z', rule_offer: { command: 'npm test' } });
    await watch();
    await terminal.keys('r');
    await terminal.until((screen) => screen.includes('reject p-1, reason:'));
    await terminal.type('not on a Friday, quite');
    await terminal.keys('Enter');
    await terminal.until((screen) => screen.includes('p-1 of docs: rejected by operator'));
    await new Promise((go) => setTimeout(go, 350));
    await terminal.keys('Enter');
    await terminal.until((screen) => screen.includes('answer p-2:'));
    await terminal.keys('2', 'Enter');
    await terminal.until((screen) => screen.includes('answered "USD" by operator'));
    await new Promise((go) => setTimeout(go, 350));
    await terminal.keys('S');
    await terminal.until((screen) => screen.includes('when command is `npm test` → approve, for docs, always'));
    await terminal.keys('y');
    await terminal.until((screen) => screen.includes('p-3 of docs: approved by operator'));
    expect(decisions()).toMatchObject([
      { prompt: 'p-1', choice: 'decline', reason: 'not on a Friday, quite' },
      { prompt: 'p-2', choice: 'USD' },
      { prompt: 'p-3', choice: 'accept', remember: { scope: 'always', when: { command: 'npm test' } } },
    ]);
    await terminal.keys('q');
    await untilLeft(0);
  });

  it('moves with arrows, scrolls, resizes, and takes no paste for keys', async () => {
    put('p-1', { created_at: '2020-01-01T00:00:01.000Z', requested_action: { command: 'line\n'.repeat(60) } });
    put('p-2', { created_at: '2020-01-01T00:00:02.000Z' });
    await watch();
    await terminal.keys('Down');
    await terminal.until((screen) => screen.includes('── p-2 2 of 2'));
    await terminal.keys('Up', 'PageDown');
    await terminal.until((screen) => /── p-1 1 of 2 .* lines 18-35 of/.test(screen));
    await terminal.resize(50, 12);
    await terminal.until((screen) => screen.trimEnd().split('\n').length === 12 && screen.includes('── p-1 1 of 2'));
    await terminal.resize(20, 5);
    await terminal.until((screen) => screen.includes('too small'));
    await terminal.keys('a');
    await terminal.resize(120, 40);
    await terminal.until((screen) => screen.includes('── p-1 1 of 2') && screen.includes('a approve · r reject'));
    await terminal.paste('aaa\nyyy');
    await terminal.until((screen) => screen.includes('pasted text is no key'));
    expect(decisions()).toEqual([]);
    await terminal.keys('q');
    await untilLeft(0);
  });

  it('says who else decided what, and does not let the next one be approved by the same key', async () => {
    put('p-1', { created_at: '2020-01-01T00:00:01.000Z' });
    put('p-2', { created_at: '2020-01-01T00:00:02.000Z' });
    await watch();
    daemon.inbox.close('p-1', { outcome: 'approved', by: 'judge', choice: 'accept', reason: 'tests are green' });
    await terminal.keys('a');
    await terminal.until((screen) => screen.includes('── p-2 1 of 1'));
    expect(daemon.inbox.show('p-2').decision).toBe(null);
    put('p-0', { created_at: '2020-01-01T00:00:00.000Z' });
    await terminal.until((screen) => screen.includes('── p-2 2 of 2'));
    daemon.inbox.close('p-0', { outcome: 'rejected', by: 'policy', rule: 'rules[1]' });
    await terminal.until((screen) => screen.includes('p-0 of docs is closed: rejected by policy (rules[1])'));
    await new Promise((go) => setTimeout(go, 350));
    const stale = daemon.inbox.decide.bind(daemon.inbox);
    daemon.on.decidePrompt = ({ params, body }) => {
      daemon.inbox.close('p-2', { outcome: 'cancelled', by: 'mcp:claude', choice: 'cancel' });
      return stale(params['prompt'] ?? '', body as { choice: string });
    };
    await terminal.keys('a');
    await terminal.until((screen) => /p-2 (of docs )?is closed: cancelled, with its turn, by mcp:claude/.test(screen));
    await terminal.keys('C-c');
    await untilLeft(130);
  });

  it('goes on with a daemon that was restarted', async () => {
    put('p-1');
    await watch();
    await daemon.close();
    const before = daemon;
    daemon = await FakeDaemon.start(project);
    expect(before.complaints).toEqual([]);
    ({ session_id } = daemon.addSession('docs'));
    put('p-9', { summary: 'after the restart' });
    await terminal.until((screen) => screen.includes('── p-9 1 of 1') && screen.includes('after the restart'));
    await new Promise((go) => setTimeout(go, 350));
    await terminal.keys('a');
    await terminal.until((screen) => screen.includes('p-9 of docs: approved'));
    await terminal.keys('q');
    await untilLeft(0);
  });

  it('gives the terminal back when it is told to end, and when it fails', async () => {
    put('p-1');
    await watch();
    process.kill(await terminal.runningPid(), 'SIGTERM');
    await untilLeft(143);
    await terminal.type('clear');
    await terminal.keys('Enter');
    await terminal.start('feedback', 'watch');
    await terminal.until((screen) => screen.includes('── p-1 1 of 1'));
    daemon.on.listPrompts = () => {
      throw new FilareError({ code: 'bad_state', message: 'this went wrong' });
    };
    daemon.dropStreams();
    expect(await untilLeft(4)).toContain('error: this went wrong');
  });

  it('rings once for a new prompt, unless it is told not to', async () => {
    put('p-1');
    for (const argv of [[], ['--no-bell']]) {
      const file = join(project.root, `bytes${argv.length}`);
      await watch(80, 24, ...argv);
      await terminal.record(file);
      put(`p-new${argv.length}`, { summary: '\u001b]0;x\u0007new' });
      await terminal.until((screen) => screen.includes(`p-new${argv.length}`));
      put(`p-new${argv.length}`, { summary: 'changed' });
      await terminal.until((screen) => screen.includes('changed'));
      // tmux hands the bytes on a little later than it shows them.
      await until(() => existsSync(file) && readFileSync(file, 'utf8').includes('changed'));
      const bytes = readFileSync(file, 'utf8');
      const rings = bytes.match(/\u0007\u001b\]9;filare-agents: docs asks: new\u0007/g) ?? [];
      expect(rings).toHaveLength(argv.length === 0 ? 1 : 0);
      expect(bytes).not.toContain('\u001b]0;');
      await terminal.keys('q');
      await terminal.until((screen) => screen.includes('left with 0'));
      await terminal.close();
      terminal = new TmuxTerminal(project);
    }
  });
});

describe('feedback watch without a terminal', () => {
  it('prints a line for each prompt that opens, and that closes, until Ctrl-C', async () => {
    put('p-1', { severity: 'critical' });
    const cli = new CliProcess(project, ['feedback', 'watch']);
    await cli.until('p-1 docs approval, critical: run rm -rf build');
    await until(() => daemon.liveStreams > 0);
    put('p-2', { kind: 'question', summary: 'two\nlines' });
    await cli.until('p-2 docs question, warning: two lines');
    daemon.inbox.close('p-1', { outcome: 'rejected', by: 'judge', reason: 'no' });
    await cli.until('p-1 docs closed: rejected by judge: "no"');
    daemon.dropStreams();
    daemon.inbox.records.delete('p-2');
    await cli.until('p-2 closed: not open any more');
    cli.child.kill('SIGINT');
    const { code, stdout, stderr } = await cli.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toHaveLength(4);
  });

  it('with --json prints NDJSON', async () => {
    put('p-1');
    const cli = new CliProcess(project, ['feedback', 'watch', '--json']);
    await cli.until('"p-1"');
    await until(() => daemon.liveStreams > 0);
    daemon.inbox.close('p-1', { outcome: 'withdrawn' });
    await cli.until('prompt_closed');
    cli.child.kill('SIGTERM');
    const { code, stdout } = await cli.ended;
    expect(code).toBe(143);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { type: 'prompt', prompt: { prompt_id: 'p-1' } },
      { type: 'prompt_closed', prompt_id: 'p-1', decision: { outcome: 'withdrawn', by: 'codex' } },
    ]);
  });
});
