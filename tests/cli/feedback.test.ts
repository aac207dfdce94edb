import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { newProject, removeProject, run } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;

beforeEach(async () => {
  project = newProject();
  daemon = await FakeDaemon.start(project);
});
afterEach(async () => {
  expect(daemon.complaints).toEqual([]);
  await daemon.close();
  removeProject(project);
});

const feedback = (...argv: string[]): ReturnType<typeof run> => run(project, ['feedback', ...argv]);

/** What the daemon was asked to decide, in order. */
function decisions(): unknown[] {
  return daemon.calls
    .filter(({ route }) => route === 'decidePrompt')
    .map(({ params, body }) => ({ prompt: params['prompt'], ...body }));
}

describe('feedback list', () => {
  it('is a table with how much depends on each, and how long there is', async () => {
    const now = Date.now();
    daemon.inbox.put({
      prompt_id: 'p-1',
      severity: 'critical',
      created_at: new Date(now - 65_000).toISOString(),
      deadline: new Date(now + 600_500).toISOString(),
    });
    daemon.inbox.put({ prompt_id: 'p-2', kind: 'question', choices: ['EUR', 'USD'], summary: 'Which\ncurrency?' });
    const [head, first, second] = (await feedback('list')).stdout.split('\n');
    expect(head).toMatch(/^PROMPT +AGENT +KIND +SEV +AGE +DEADLINE +ANSWERS +ASKS$/);
    expect(first).toMatch(
      /^p-1 +docs +approval +critical +1m0\ds +in (10m00s|9m59s) +approve, reject +run rm -rf build$/,
    );
    expect(second).toMatch(/^p-2 +docs +question +warning +0s +- +EUR, USD +Which currency\?$/);
  });

  it('of a session is what that session asks', async () => {
    const { session_id } = daemon.addSession('docs');
    daemon.addSession('judge');
    daemon.inbox.put({ prompt_id: 'p-1', session_id });
    daemon.inbox.put({ prompt_id: 'p-2' });
    expect(JSON.parse((await feedback('list', 'docs', 'docs', '--json')).stdout)).toMatchObject([{ prompt_id: 'p-1' }]);
    expect((await feedback('list', 'judge', '--json')).stdout).toBe('[]\n');
    expect((await feedback('list', 'nobody')).code).toBe(3);
    expect((await feedback('list', '-q')).stdout).toBe('p-1\np-2\n');
  });
});

describe('feedback show', () => {
  it('shows a command to the byte, with what is hidden in it', async () => {
    daemon.inbox.put({
      prompt_id: 'p-abc',
      reason: 'needs it',
      requested_action: {
        type: 'command',
        command: `/bin/bash -lc 'rm x'`,
        script: 'rm\t\u202ex\u200b\r\n  -f',
        cwd: '/w',
        operator_contact: { slack: '#docs', levels: [1, 2] },
      },
      rule_offer: { command: 'rm *', path: 'x' },
    });
    const { stdout } = await feedback('show', 'p-a');
    const lines = stdout.split('\n');
    expect(lines).toContain('command     rm<U+0009><U+202E>x<U+200B><U+000D>');
    expect(lines).toContain('              -f');
    expect(lines).toContain(`exactly     /bin/bash -lc 'rm x'`);
    expect(lines).toContain('in          /w');
    expect(lines).toContain('reason      needs it');
    expect(lines).toContain('categories  destructive');
    expect(lines).toContain('contact     slack: #docs');
    expect(lines).toContain('            levels: [1,2]');
    expect(lines).toContain(
      'rule        for this session, or always: when command is `rm *` and path is `x` → approve, for docs',
    );
  });

  it('shows what a file change would do, bounded unless all of it is asked for, in colour on a terminal', async () => {
    const added = Array.from({ length: 300 }, (_, at) => `line ${at}`).join('\n');
    daemon.inbox.put({
      prompt_id: 'p-1',
      requested_action: {
        type: 'file_change',
        changes: [
          { path: 'a.ts', kind: 'update', diff: '@@ -1 +1 @@\n-old\n+new\n' },
          { path: 'b.ts', kind: 'add', diff: added },
        ],
      },
    });
    const { stdout } = await feedback('show', 'p-1');
    expect(stdout).toContain('update a.ts\n            @@ -1 +1 @@\n            -old\n            +new\n');
    expect(stdout).toContain('            +line 10\n');
    expect(stdout).not.toContain('+line 200');
    expect(stdout).toMatch(/… 185 more lines: add --full/);
    expect((await feedback('show', 'p-1', '--full')).stdout).toContain('            +line 299\n');
    const colored = await run(project, ['feedback', 'show', 'p-1'], { columns: 80, env: { TERM: 'xterm' } });
    expect(colored.stdout).toContain('\u001b[32m+new\u001b[39m');
    expect(colored.stdout).toContain('\u001b[31m-old\u001b[39m');
  });

  it('shows the whole question where the summary is its beginning, and what nobody foresaw', async () => {
    daemon.inbox.put({
      prompt_id: 'p-1',
      kind: 'question',
      summary: 'Which of…',
      choices: ['one', 'two'],
      requested_action: { type: 'question', questions: [{ question: 'Which of them all?' }], novelty: { deep: 1 } },
    });
    const { stdout } = await feedback('show', 'p-1');
    expect(stdout).toContain('question    Which of them all?');
    expect(stdout).toContain('choices     1 one\n            2 two');
    expect(stdout).toContain('"deep": 1');
  });

  it('of one that is closed says how, by whom and when', async () => {
    daemon.inbox.put({ prompt_id: 'p-1' });
    daemon.inbox.close('p-1', {
      outcome: 'rejected',
      by: 'judge',
      reason: 'not today',
      at: '2030-01-01T00:00:00.000Z',
    });
    const { stdout } = await feedback('show', 'p-1');
    expect(stdout).toContain('decided     rejected by judge: "not today"');
    expect(stdout).toContain('decided at  2030-01-01T00:00:00.000Z');
    expect(JSON.parse((await feedback('show', 'p-1', '--json')).stdout)).toMatchObject({
      prompt_id: 'p-1',
      decision: { outcome: 'rejected', by: 'judge' },
    });
  });

  it('takes a beginning among open ones only, and knows no other', async () => {
    daemon.inbox.put({ prompt_id: 'p-abc' });
    daemon.inbox.put({ prompt_id: 'p-abd' });
    daemon.inbox.close('p-abd', { outcome: 'expired' });
    expect(JSON.parse((await feedback('show', 'p-', '--json')).stdout)).toMatchObject({
      prompt_id: 'p-abc',
      decision: null,
    });
    expect((await feedback('show', 'p-nope')).code).toBe(3);
    daemon.inbox.put({ prompt_id: 'p-abe' });
    const ambiguous = await feedback('show', 'p-a', '--json');
    expect(ambiguous.code).toBe(2);
    expect(JSON.parse(ambiguous.stderr)).toMatchObject({ error: { details: { candidates: ['p-abc', 'p-abe'] } } });
  });
});

describe('a decision', () => {
  beforeEach(() => {
    daemon.inbox.put({ prompt_id: 'p-abc', revision: 'v-7' });
    daemon.inbox.put({ prompt_id: 'p-xyz', choices: ['cancel'], id: 'judge' });
    daemon.inbox.put({ prompt_id: 'p-q', kind: 'question', choices: ['blue', 'green'], suggested_reply: 'green' });
  });

  it.each([
    [['approve', 'p-abc'], 'accept'],
    [['reject', 'p-abc'], 'decline'],
    [['reject', 'p-abc', '--cancel'], 'cancel'],
    [['reject', 'p-x'], 'cancel'],
    [['answer', 'p-q', 'the', 'second one'], 'the second one'],
    [['answer', 'p-q', '2'], '2'],
    [['answer', 'p-q', '--choice', '1'], 'blue'],
    [['answer', 'p-q', '--suggested'], 'green'],
  ])('%j is %s, of the revision that was read', async (argv, choice) => {
    const { code, stdout } = await feedback(...argv);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ by operator/);
    const prompt_id = daemon.calls.at(-1)?.params['prompt'] ?? '';
    expect(decisions()).toEqual([
      { prompt: prompt_id, choice, by: 'operator', revision: prompt_id === 'p-abc' ? 'v-7' : 'v-1' },
    ]);
  });

  it('of a question can be read from standard input, and keeps its reason', async () => {
    expect((await run(project, ['feedback', 'answer', 'p-q', '-'], { stdin: 'two\nlines\n' })).code).toBe(0);
    expect((await feedback('reject', 'p-abc', '--reason', 'not on a Friday')).stdout).toContain('"not on a Friday"');
    expect(decisions()).toMatchObject([{ choice: 'two\nlines' }, { reason: 'not on a Friday' }]);
  });

  it.each([
    [['approve', 'p-q'], 'feedback answer p-q green'],
    [['reject', 'p-q'], 'feedback answer p-q green'],
    [['answer', 'p-abc', 'yes'], 'feedback approve p-abc'],
    [['answer', 'p-q', '--choice', '3'], 'none of number 3'],
    [['approve', 'p-xyz'], 'cannot be approved: it takes cancel'],
    [['approve', 'p-'], 'beginning of 3 prompts'],
  ])('%j is a mistake, and decides nothing', async (argv, hint) => {
    const { code, stderr } = await feedback(...argv);
    expect(code).toBe(2);
    expect(stderr).toContain(hint);
    expect(decisions()).toEqual([]);
  });

  it('that comes too late says who decided what', async () => {
    daemon.inbox.close('p-abc', { outcome: 'approved', by: 'judge', choice: 'accept', at: '2030-01-01T00:00:00.000Z' });
    const { code, stderr } = await feedback('reject', 'p-abc');
    expect(code).toBe(4);
    expect(stderr).toContain('p-abc is closed: approved by judge, at 2030-01-01T00:00:00.000Z');
    daemon.inbox.close('p-xyz', { outcome: 'expired', by: 'filare-agents' });
    const ended = await feedback('reject', 'p-xyz', '--json');
    expect(ended.code).toBe(4);
    expect(JSON.parse(ended.stderr)).toMatchObject({
      error: { code: 'ended', details: { decision: { outcome: 'expired', by: 'filare-agents' } } },
    });
  });

  it('that loses the race says so too, and one of what has changed since is refused', async () => {
    const decide = daemon.inbox.decide.bind(daemon.inbox);
    daemon.on.decidePrompt = ({ params, body }) => {
      if (params['prompt'] === 'p-abc') daemon.inbox.put({ prompt_id: 'p-abc', revision: 'v-8' });
      else daemon.inbox.close('p-xyz', { outcome: 'cancelled', by: 'mcp:claude', choice: 'cancel' });
      return decide(params['prompt'] ?? '', body as { choice: string });
    };
    const changed = await feedback('approve', 'p-abc');
    expect(changed.code).toBe(4);
    expect(changed.stderr).toContain('has changed since it was shown');
    expect(changed.stderr).toContain('filare-agents feedback show p-abc');
    const lost = await feedback('reject', 'p-xyz', '--json');
    expect(JSON.parse(lost.stderr)).toMatchObject({
      error: {
        code: 'conflict',
        message: expect.stringContaining('cancelled, with its turn, by mcp:claude') as string,
        details: { decision: { by: 'mcp:claude' } },
      },
    });
  });

  it('of one keeps no other from being decided', async () => {
    const { code, stdout, stderr } = await feedback('approve', 'p-nope', 'p-q', 'p-abc', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject([{ prompt_id: 'p-abc', decision: { outcome: 'approved' } }]);
    expect(JSON.parse(stderr)).toMatchObject({
      error: {
        code: 'not_found',
        details: {
          failed: [
            { ref: 'p-nope', code: 'not_found' },
            { ref: 'p-q', code: 'usage' },
          ],
        },
      },
    });
  });
});

describe('many at once', () => {
  beforeEach(() => {
    daemon.inbox.put({ prompt_id: 'p-1', summary: 'Run npm test' });
    daemon.inbox.put({
      prompt_id: 'p-2',
      summary: 'Push',
      categories: ['git_push'],
      requested_action: { script: 'git push' },
    });
    daemon.inbox.put({ prompt_id: 'p-3', summary: 'Run it', id: 'judge' });
    daemon.inbox.put({ prompt_id: 'p-q', kind: 'question', summary: 'Run?', choices: [] });
  });

  it.each([
    [['--all'], ['p-1', 'p-2', 'p-3']],
    [
      ['--match', 'RUN'],
      ['p-1', 'p-3'],
    ],
    [['--match', 'git_push'], ['p-2']],
    [['--match', 'git push'], ['p-2']],
    [['--match', 'judge'], ['p-3']],
    [['--match', 'nothing of the kind'], []],
  ])('%j with --yes decides %j', async (argv, ids) => {
    const { code, stdout } = await feedback('approve', ...argv, '--yes', '--json');
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { prompt_id: string }[]).map(({ prompt_id }) => prompt_id)).toEqual(ids);
  });

  it('takes those of one agent', async () => {
    const { session_id } = daemon.addSession('judge');
    daemon.inbox.put({ prompt_id: 'p-3', id: 'judge', session_id });
    expect((await feedback('reject', '--agent', 'judge')).code).toBe(0);
    expect(decisions()).toMatchObject([{ prompt: 'p-3', choice: 'decline' }]);
    expect((await feedback('reject', '--agent', 'nobody')).code).toBe(3);
  });

  it('names the questions that it leaves out', async () => {
    const { stderr } = await feedback('approve', '--match', 'run', '--yes');
    expect(stderr).toContain('left out, for questions need an answer: p-q (docs)');
  });

  it('is shown and asked about on a terminal, and done only after a yes', async () => {
    const terminal = { can_ask: true, columns: 100, env: { TERM: 'xterm', NO_COLOR: '1' } };
    const no = await run(project, ['feedback', 'approve', '--all'], { ...terminal, stdin: 'n\n' });
    expect(no.code).toBe(0);
    expect(no.stderr).toContain('Run npm test');
    expect(no.stderr).toContain('Approve these 3 prompts? [y/N]');
    expect(no.stderr).toContain('nothing was decided');
    expect(decisions()).toEqual([]);
    const yes = await run(project, ['feedback', 'approve', '--all'], { ...terminal, stdin: 'y\n' });
    expect(yes.code).toBe(0);
    expect(decisions()).toHaveLength(3);
  });

  it('is exit code 2 where nobody can be asked, and nothing is decided', async () => {
    for (const argv of [
      ['approve', '--all'],
      ['reject', '--match', 'run'],
      ['approve', '--all', '--json'],
    ]) {
      const { code, stderr } = await feedback(...argv);
      expect(code).toBe(2);
      expect(stderr).toContain('nobody to ask');
    }
    expect(decisions()).toEqual([]);
  });
});

describe('a rule', () => {
  beforeEach(() => {
    daemon.inbox.put({ prompt_id: 'p-1', rule_offer: { command: 'npm test' } });
    daemon.inbox.put({ prompt_id: 'p-2', rule_offer: null });
  });

  it.each([
    ['--for-session', 'session', 'in this session'],
    ['--always', 'always', 'always'],
  ])('of %s is shown before it is written, exactly', async (option, scope, words) => {
    const sentence = `p-1 writes a rule: when command is \`npm test\` → approve, for docs, ${words}`;
    const unasked = await feedback('approve', 'p-1', option);
    expect(unasked.code).toBe(2);
    const terminal = { can_ask: true, columns: 100, env: { TERM: 'xterm', NO_COLOR: '1' } };
    const no = await run(project, ['feedback', 'approve', 'p-1', option], { ...terminal, stdin: '\n' });
    expect(no.stderr).toContain(sentence);
    expect(decisions()).toEqual([]);
    const yes = await feedback('approve', 'p-1', option, '--yes');
    expect(yes).toMatchObject({ code: 0, stderr: `${sentence}\n` });
    expect(decisions()).toMatchObject([{ choice: 'accept', remember: { scope, when: { command: 'npm test' } } }]);
    expect([...daemon.inbox.rules.values()]).toMatchObject([{ scope, when: { command: 'npm test' } }]);
  });

  it('that cannot be made is a mistake that says why', async () => {
    const { code, stderr } = await feedback('approve', 'p-2', '--always', '--yes');
    expect(code).toBe(2);
    expect(stderr).toContain('no rule can be made of p-2');
    expect(decisions()).toEqual([]);
  });

  it('is listed, and taken back', async () => {
    const first = daemon.inbox.addRule({ rule_id: 'r-abc' });
    daemon.inbox.addRule({ rule_id: 'r-xyz', scope: 'always', when: { category: 'network' } });
    expect(JSON.parse((await feedback('rules', '--json')).stdout)).toMatchObject([
      { rule_id: 'r-abc' },
      { rule_id: 'r-xyz' },
    ]);
    const table = (await feedback('rules')).stdout.split('\n');
    expect(table[1]).toMatch(/^r-abc +docs +in this session +approve +operator +0s +command is `npm test`$/);
    expect(table[2]).toMatch(/^r-xyz +docs +always +approve +operator +0s +category is `network`$/);
    expect(JSON.parse((await feedback('forget', 'r-a', '--json')).stdout)).toEqual([first]);
    expect((await feedback('forget', 'r-')).stdout).toContain('r-xyz forgotten: when category is `network`');
    expect((await feedback('forget', 'r-abc')).code).toBe(3);
    expect((await feedback('rules', '--json')).stdout).toBe('[]\n');
  });
});

describe('an agent named in place of its prompts', () => {
  it('is told apart, with the option that takes it', async () => {
    const { session_id } = daemon.addSession('bravo');
    daemon.addSession('judge');
    daemon.inbox.put({ prompt_id: 'p-1', id: 'bravo', session_id });
    const hints = async (...argv: string[]): Promise<string> => {
      const { code, stderr } = await feedback(...argv);
      expect(code).toBe(3);
      return stderr;
    };
    expect(await hints('approve', 'bravo')).toContain('filare-agents feedback approve --agent bravo');
    expect(await hints('reject', 'bravo', '--cancel')).toContain(
      'filare-agents feedback reject --cancel --agent bravo',
    );
    expect(await hints('show', 'bravo')).toContain('filare-agents feedback list bravo');
    expect(await hints('answer', 'judge', 'yes')).toContain('judge is an agent, and asks nothing now');
    expect(await hints('approve', 'nobody')).not.toContain('is an agent');
    expect(decisions()).toEqual([]);
  });
});
