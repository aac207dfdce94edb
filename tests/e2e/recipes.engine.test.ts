import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findJust } from '../../src/catalogue/find-just.js';
import { HAS_TMUX, TmuxTerminal } from '../cli/tmux.js';
import type { Prompt, SessionRow } from '../../src/contract/session.js';
import { FleetRig, run, type Ran } from '../support/fleet-rig.js';

const JUSTFILE = fileURLToPath(new URL('../../justfile', import.meta.url));

const MANIFEST = `
defaults:
  resources: { cpus: 1, memory: 256m, pids: 256 }
sessions:
  - { id: worker, role: FEATURE }
  - { id: asker, role: FIXER }
`;

const REHEARSAL = `
parts:
  - matches: /^please run (.+)/s
    do:
      - ask_approval: echo {{1}}
        reason: because
      - say: done
  - text: please ask
    do:
      - ask_operator: { question: Which colour?, choices: [red, blue], suggested_reply: blue }
      - say: 'it will be {{last_output}}'
`;

/** Texts that a shell, just or the command line could take for something else. */
const AWKWARD = [
  'plain words',
  '  spaces   inside  ',
  `single ' and double " quotes`,
  '$HOME ${PATH} $(id) `id` $1 $@ $$',
  'back\\slash \\n \\',
  'two\nlines\n\nand an empty one',
  '--wait',
  '-',
  '--',
  '-n 3',
  '{{ justfile() }} {{{{ x',
  'NAME=value',
  '* ? [a-z] ~ !! # & ; | > < ( )',
  'naïve ☃ 🦀',
];

describe('the recipes', () => {
  let rig: FleetRig;
  let rows: SessionRow[];
  const just = (...args: readonly string[]): Promise<Ran> =>
    run(findJust(process.env)[0] ?? 'just', ['--justfile', JUSTFILE, ...args], { cwd: rig.root });
  /** Runs a recipe, expects success, and gives what it printed. */
  const ok = async (...args: readonly string[]): Promise<string> => {
    const ran = await just(...args);
    expect(ran, `just ${args.join(' ')}: ${ran.stdout}${ran.stderr}`).toMatchObject({ code: 0 });
    return ran.stdout;
  };
  const json = async <T>(...args: readonly string[]): Promise<T> => JSON.parse(await ok(...args, '--json')) as T;
  const idle = (): Promise<string> => ok('orchestrator-wait', '--all', '--until', 'idle', '--timeout', '60s');
  /** The prompt that a message leads to. */
  const asked = async (text: string): Promise<string> => {
    await ok('orchestrator-send', 'asker', text);
    await ok('orchestrator-wait', 'asker', '--until', 'waiting', '--timeout', '30s');
    const [prompt] = await json<Prompt[]>('orchestrator-feedback-list', 'asker');
    return prompt?.prompt_id ?? '';
  };
  const story = async (id: string): Promise<string> =>
    JSON.stringify(await rig.transcript(rows.find((row) => row.id === id)?.transcript ?? ''));

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/my fleet.yml': MANIFEST, 'rehearsal.yml': REHEARSAL });
    expect(await ok('orchestrator-validate', 'configs/agents/my fleet.yml')).toContain('worker');
    expect(await ok('codex-container-build')).toContain('up to date');
    await ok('orchestrator-start', 'configs/agents/my fleet.yml', '--rehearsal', 'rehearsal.yml');
    await idle();
    rows = await json<SessionRow[]>('orchestrator-list');
  }, 120_000);
  afterAll(() => rig.end(), 60_000);

  it('read like a manual: every one is in a group and says what it does', async () => {
    const dumped = JSON.parse(await ok('--dump', '--dump-format', 'json')) as {
      recipes: Record<string, { doc: string | null; private: boolean; attributes: unknown[] }>;
    };
    const open = Object.entries(dumped.recipes).filter(([, recipe]) => !recipe.private);
    for (const [name, recipe] of open) {
      expect(recipe.doc, name).toMatch(/^.{15,}$/);
      expect(JSON.stringify(recipe.attributes), name).toContain('"group"');
    }
    expect(await ok('--list', '--unsorted')).toMatch(/\[fleet\][^]*\[watch\][^]*\[talk\][^]*\[inbox\][^]*\[care\]/);
  });

  it('send a text as it is, whatever is in it', async () => {
    for (const text of AWKWARD) {
      const ran = await just('orchestrator-send', 'worker', text === '-' ? '- ' : text, '--wait', '--timeout', '30s');
      expect(ran, `${text}: ${ran.stderr}`).toMatchObject({ code: 0 });
    }
    const worker = rows.find((row) => row.id === 'worker');
    const sent = (await rig.transcript(worker?.transcript ?? '')).filter((entry) => entry.kind === 'message');
    expect(sent.map((entry) => entry.text)).toEqual(AWKWARD.map((text) => (text === '-' ? '- ' : text)));
    expect(await just('orchestrator-send', 'worker', '')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is nothing to send') as unknown,
    });
  });

  it('approve, reject with a reason, and answer', async () => {
    expect(await ok('orchestrator-feedback-approve', await asked('please run one'), '--yes')).toContain('asker');
    await idle();
    const why = '--no, \'never\' $HOME "at all"';
    await ok('orchestrator-feedback-reject', await asked('please run two'), why, '--yes');
    await idle();
    const answer = '--red & `blue`\n$(green)';
    await ok('orchestrator-feedback-answer', await asked('please ask'), answer);
    await idle();
    await ok('orchestrator-feedback-answer', await asked('please ask'), '', '--choice', '1');
    await idle();
    const told = await story('asker');
    expect(told).toContain(JSON.stringify(why).slice(1, -1));
    expect(told).toContain(JSON.stringify(answer).slice(1, -1));
  });

  it.skipIf(!HAS_TMUX)('attach, in a terminal, and leave', async () => {
    const terminal = new TmuxTerminal(rig.paths);
    try {
      await terminal.open(110, 40);
      await terminal.type(
        `${findJust(process.env)[0] ?? 'just'} --justfile '${JUSTFILE}' orchestrator-attach worker; echo "left with $?"`,
      );
      await terminal.keys('Enter');
      await terminal.until((screen) => screen.includes('Ask Codex to do anything'));
      await terminal.type('/quit');
      // What comes at once is taken for pasted text, its Enter too.
      await new Promise((go) => setTimeout(go, 500));
      await terminal.keys('Enter');
      await terminal.until((screen) => screen.includes('left with 0'));
    } finally {
      await terminal.close();
    }
  });

  it.skipIf(!HAS_TMUX)('open the view in tmux, and close it', async () => {
    const server = ['-L', `filare-recipes-${process.pid}`];
    try {
      const view = await json<{ session: string }>('orchestrator-tmux', '--detach', ...server);
      const windows = await run('tmux', [...server, 'list-windows', '-t', view.session, '-F', '#{window_name}']);
      expect(windows.stdout).toContain('inbox');
      await ok('orchestrator-tmux', '--kill', ...server);
    } finally {
      await run('tmux', [...server, 'kill-server']);
    }
  });

  it('show the fleet, look after it, and stop it', async () => {
    expect(await ok('orchestrator-tail', 'worker', '--lines', '2')).not.toBe('');
    expect(await json<{ sessions: unknown[] }>('orchestrator-dashboard')).toHaveProperty('sessions');
    expect(JSON.parse((await just('orchestrator-doctor', '--json')).stdout)).toBeInstanceOf(Array);
    expect(await ok('orchestrator-cleanup', '--dry-run')).toBeDefined();
    await ok('orchestrator-restart', 'worker');
    await ok('orchestrator-resume-all');
    await idle();
    expect((await json<SessionRow[]>('orchestrator-list')).find((row) => row.id === 'worker')?.attempt).toBe(2);
    await ok('orchestrator-stop', 'worker', '--grace', '2s');
    expect((await json<SessionRow[]>('orchestrator-list')).map((row) => row.id)).toEqual(['asker']);
  });

  it('run the tests that are named', async () => {
    expect(await ok('orchestrator-test', 'tests/fleet/in-turn.test.ts')).toContain('in-turn.test.ts');
  });
});
