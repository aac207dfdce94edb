import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Fleet } from '../../src/client/fleet.js';
import type { TranscriptEntry } from '../../src/contract/transcript.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const AWKWARD = ['-n', '--', 'deploy', '', "it's", '"$HOME"', '$(id)', '`id`', ';', 'two  spaces', 'é', '*', 'a=b'];

const JUSTFILE = `
set positional-arguments

show +words:
    #!/bin/bash
    for word in "$@"; do printf '[%s]' "$word"; done

fail code='3':
    @echo it fails; exit {{code}}

env:
    @echo "token=$TOKEN key=\${OPENAI_API_KEY-none} dir=$PWD"

slow:
    echo begun >> slow.log; sleep 4; echo over >> slow.log; echo slow is over

flood:
    @head -c 300000 /dev/zero | tr '\\0' x; echo; echo the end

endless:
    @rm /tmp/.filare-run/*/out; for run in /tmp/.filare-run/*; do ln -s /dev/zero $run/out; done

kept:
    @du -sk /tmp/.filare-run | cut -f1

deploy:
    touch deployed
`;

const command = (
  name: string,
  parameters: { readonly name: string; readonly [more: string]: unknown }[] = [],
  safe = true,
): object => ({
  name,
  origin: 'justfile',
  run: ['just', name, ...parameters.map((each) => `{${each.name}}`)].join(' '),
  description: `What ${name} does`,
  category: 'test',
  parameters,
  safe_for_agents: safe,
  actions: [],
});
const CATALOGUE = stringify({
  version: 1,
  commands: {
    show: command('show', [{ name: 'words', kind: 'plus', required: true, default: null }]),
    fail: command('fail', [{ name: 'code', kind: 'one', required: false, default: '3' }]),
    env: command('env'),
    slow: command('slow'),
    flood: command('flood'),
    endless: command('endless'),
    kept: command('kept'),
    deploy: command('deploy', [], false),
  },
});

const call = (name: string, args: object = {}, more: object = {}): object => ({
  call: { tool: 'run_project_command', arguments: { command: name, arguments: args, ...more } },
});
const REHEARSAL = stringify({
  parts: [
    { text: 'show', do: [call('show', { words: AWKWARD }), { say: '{{last_output}}' }] },
    {
      text: 'all',
      do: [call('fail'), { say: '{{last_output}}' }, call('env'), call('flood'), call('fail', { code: ['4'] })],
    },
    {
      text: 'unsafe',
      do: [call('deploy'), { say: '{{last_output}}' }, call('show', { word: 'x' }), { say: '{{last_output}}' }],
    },
    { text: 'held', do: [call('show', { words: ['secret'] }), { say: '{{last_output}}' }] },
    { text: 'slow', do: [call('slow'), { say: '{{last_output}}' }] },
    { text: 'endless', do: [call('flood'), call('flood'), call('kept'), call('endless'), { say: 'it is over' }] },
    { text: 'late', do: [call('slow', {}, { timeout_seconds: 1 }), { say: '{{last_output}}' }] },
  ],
});

const MANIFEST = stringify({
  defaults: {
    role: 'FEATURE',
    workspace: { template: '../../seed' },
    env_file: '../../agent.env',
    resources: { cpus: 1, memory: '256m', pids: 256 },
    // Without a word of a person nothing but the catalogue's commands runs.
    escalation: {
      approvals: 'reject',
      rules: [{ when: { command: 'just show secret' }, do: 'ask', reason: 'ask me' }],
    },
  },
  sessions: [{ id: 'worker' }, { id: 'plain', commands: 'none' }],
});

describe('commands of the project, run by agents', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  let transcript = '';

  beforeAll(async () => {
    rig = await FleetRig.make({
      'configs/agents/fleet.yml': MANIFEST,
      'agents/commands.yml': CATALOGUE,
      'seed/justfile': JUSTFILE,
      'agent.env': 'TOKEN=token-of-the-agent\nOPENAI_API_KEY=key-of-the-model\n',
    });
    fleet = await rig.fleet();
    const rows = await rig.start(fleet, REHEARSAL);
    transcript = rows.find((row) => row.id === 'worker')?.transcript ?? '';
  }, 120_000);
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  const ask = async (text: string): Promise<string> =>
    (await fleet.send('worker', text, { wait_ms: 60_000 })).reply ?? '';
  const results = async (): Promise<string[]> =>
    (await rig.transcript(transcript))
      .filter((entry: TranscriptEntry) => entry.kind === 'tool')
      .map((entry) => JSON.stringify(entry.data));

  it('reach the recipe with every argument as it is, without asking', async () => {
    expect(await ask('show')).toContain(`exit code 0\n${AWKWARD.map((word) => `[${word}]`).join('')}`);
    expect(await rig.json(['feedback', 'list'])).toEqual([]);
  });

  it('tell exit code and output, in the transcript too, with the variables of the agent and without the key of the model', async () => {
    await ask('all');
    const told = (await results()).slice(-4);
    expect((await rig.transcript(transcript)).filter((entry) => entry.kind === 'decision')).toEqual([]);
    expect(told[0]).toContain('exit code 3');
    expect(told[0]).toContain('it fails');
    // The value of the variable is masked where people read it.
    expect(told[1]).toMatch(/token=(?!token-of-the-agent)\S+ key=none dir=\/home\/agent\/workspace/);
    expect(told[2]).toMatch(/\d+ bytes are left out here/);
    expect(told[2]).toContain('the end');
    expect(told[3]).toContain('exit code 4');
  });

  it('are refused where they are not safe or wrongly called; a rule of the manifest comes first', async () => {
    expect(await ask('unsafe')).toContain('has no parameter word; it has words');
    expect((await results()).slice(-2)[0]).toContain('there is no command deploy for you');
    expect(await readdir(join(rig.root, '.filare/workspaces/worker'))).not.toContain('deployed');
    expect(await ask('held')).toContain('keeps this command for the operator to decide: ask me');
  });

  it('are in the instructions and among the skills of the agent, and of no other', async () => {
    const said = await promptsOf(rig, 'worker');
    expect(said).toContain('- show <words...>: What show does');
    expect(said).toContain('project-show');
    expect(said).not.toContain('deploy: What deploy does');
    await fleet.send('plain', 'hello', { wait_ms: 60_000 });
    const other = await promptsOf(rig, 'plain');
    expect(other).not.toContain('project-show');
    expect(other).not.toContain('run_project_command');
  });

  it('keep of an output what is shown of it, and no more is read than that, whatever the agent puts in its place', async () => {
    const begun = Date.now();
    expect(await ask('endless')).toContain('it is over');
    expect(Date.now() - begun).toBeLessThan(20_000);
    const told = (await results()).slice(-4);
    expect(told[1]).toMatch(/exit code 0.*\d+ bytes are left out here.*the end/);
    expect(Number(/exit code 0\\n(\d+)/.exec(told[2] ?? '')?.[1])).toBeLessThan(1000);
    expect(told[3]).toContain('exit code 0');
  });

  it('run once whatever happens to the daemon meanwhile, and end with their time', async () => {
    const log = join(rig.root, '.filare/workspaces/worker/slow.log');
    const sent = fleet.send('worker', 'slow', { wait_ms: 60_000 }).catch(() => undefined);
    await eventually('it has begun', async () => (await readFile(log, 'utf8').catch(() => '')).includes('begun'));
    process.kill(await rig.daemonPid(), 'SIGKILL');
    await sent;
    await rig.cli(['wait', 'worker', '--until', 'idle', '--timeout', '60s']);
    expect(await readFile(log, 'utf8')).toBe('begun\nover\n');
    expect((await results()).at(-1)).toContain('slow is over');
    const late = await rig.cli(['send', 'worker', 'late', '--wait']);
    expect(late.stdout).toContain('exit code 124');
    expect(await readFile(log, 'utf8')).toBe('begun\nover\nbegun\n');
  });
});

/** What Codex gave the model to read, as its own history of the agent's thread has it. */
async function promptsOf(rig: FleetRig, id: string): Promise<string> {
  const folder = join(rig.root, '.filare/agents', id, 'codex/sessions');
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.jsonl'));
  return (await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
}
