import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { TranscriptEntry } from '../../src/contract/transcript.js';
import { eventually, FleetRig, run } from '../support/fleet-rig.js';

const EXAMPLE = fileURLToPath(new URL('../../examples/orchestrating/', import.meta.url));
const BIN = fileURLToPath(new URL('../../bin/filare-agents.js', import.meta.url));

/** A task that takes long enough for a daemon to die meanwhile. */
const SLOW = `
  - agent: lead
    text: take your time
    do:
      - call: { tool: send_message, arguments: { agent: left, text: slow work, wait_seconds: 60 } }
      - say: 'slow work gave {{last_output}}'
  - agent: left
    text: slow work
    do:
      - run: sleep 3
      - say: finished slowly
`;

describe('an agent that directs others, as docs/orchestrating.md has it', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  const transcripts = new Map<string, string>();

  beforeAll(async () => {
    const small = (await readFile(join(EXAMPLE, 'fleet.yml'), 'utf8')).replace('memory: 512m', 'memory: 256m');
    rig = await FleetRig.make({ 'configs/agents/fleet.yml': small });
    fleet = await rig.fleet();
    const play = (await readFile(join(EXAMPLE, 'rehearsal.yml'), 'utf8')).replace('parts:\n', `parts:\n${SLOW}`);
    for (const row of await rig.start(fleet, play)) transcripts.set(row.id, row.transcript);
  }, 180_000);
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  const story = (id: string): Promise<TranscriptEntry[]> => rig.transcript(transcripts.get(id) ?? '');
  const replies = async (id: string): Promise<string[]> =>
    (await story(id)).filter((e) => e.kind === 'reply').map((e) => e.text ?? '');
  const calls = async (): Promise<readonly Record<string, unknown>[]> =>
    (await readFile(rig.paths.calls, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('hands a task to two agents and collects their results', async () => {
    const { reply } = await fleet.send('lead', 'split this', { wait_ms: 60_000 });
    expect(reply).toBe('Both halves are written.');
    const said = await replies('lead');
    expect(said[0]).toContain('The first half is written');
    expect(said[1]).toContain('The second half is written');
    for (const [id, text] of [
      ['left', 'write the first half'],
      ['right', 'write the second half'],
    ] as const) {
      const message = (await story(id)).find((e) => e.kind === 'message');
      expect(message).toMatchObject({ from: 'lead', text });
    }
    const tools = (await story('lead')).filter((e) => e.kind === 'tool').map((e) => e.data?.['tool']);
    expect(tools).toEqual(['list_agents', 'send_message', 'send_message', 'read_transcript']);
    const called = (await calls()).filter((one) => one['record'] === 'called');
    expect(called.map((one) => [one['caller'], one['tool']])).toEqual(tools.map((tool) => ['lead', tool]));
    const listed = (await calls()).find((one) => one['record'] === 'answered');
    expect(String(listed?.['text'])).not.toContain('bystander');
  });

  it('reaches nobody else, and not itself', async () => {
    await fleet.send('lead', 'reach further', { wait_ms: 60_000 });
    const said = (await replies('lead')).slice(-2);
    expect(said[0]).toContain('no session or agent is called bystander');
    expect(said[1]).toContain('no session or agent is called lead');
    expect((await story('bystander')).filter((e) => e.kind === 'message')).toEqual([]);
  });

  it('sees what they wait for, and answers only what its manifest allows; the answer bears its name', async () => {
    await fleet.send('lead', 'ask around', { wait_ms: 60_000 });
    const [prompt] = await fleet.prompts('right');
    expect((await replies('lead')).at(-1)).toContain(prompt?.prompt_id ?? 'none');
    await fleet.send('lead', `answer ${prompt?.prompt_id ?? ''} v-000000000000`, { wait_ms: 60_000 });
    expect((await replies('lead')).at(-1)).toContain('not what you were shown');
    await fleet.send('lead', `answer ${prompt?.prompt_id ?? ''} ${prompt?.revision ?? ''}`, { wait_ms: 60_000 });
    await eventually('right goes on', async () => (await replies('right')).at(-1) === 'it is blue');
    const decision = (await story('right')).find(
      (e) => e.kind === 'decision' && e.data?.['prompt_id'] === prompt?.prompt_id,
    );
    expect(decision).toMatchObject({ from: 'lead', data: { outcome: 'answered', by: 'lead' } });
  });

  it('stops one and starts it again, on the same rehearsal', async () => {
    await fleet.send('lead', 'stop and start', { wait_ms: 90_000 });
    const left = (await fleet.sessions({ all: true })).filter((row) => row.id === 'left');
    expect(left.map((row) => row.phase).sort()).toEqual(['running', 'stopped']);
    transcripts.set('left', left.find((row) => row.phase === 'running')?.transcript ?? '');
    expect(await fleet.send('left', 'write the third half', { wait_ms: 60_000 })).toMatchObject({
      reply: expect.stringContaining('third half') as unknown,
    });
  });

  it('a call that the daemon did not live to answer is answered by the next one, and its message goes once', async () => {
    await fleet.send('lead', 'take your time');
    await eventually('left is at it', async () => (await fleet.describe('left')).row.activity === 'working');
    process.kill(await rig.daemonPid(), 'SIGKILL');
    await fleet[Symbol.asyncDispose]();
    fleet = await rig.fleet();
    await eventually('the lead has its answer', async () => (await fleet.describe('lead')).row.activity === 'idle');
    expect((await replies('lead')).at(-1)).toContain('finished slowly');
    const messages = (await story('left')).filter((e) => e.kind === 'message' && e.text === 'slow work');
    expect(messages).toHaveLength(1);
  });

  it('the same from a shell script, with JSON and exit codes alone', async () => {
    const tools = join(rig.root, 'bin');
    await mkdir(tools);
    await symlink(BIN, join(tools, 'filare-agents'));
    const path = `${tools}:${process.env['PATH'] ?? ''}`;
    const ran = await run(join(EXAMPLE, 'two-tasks.sh'), [], { cwd: rig.root, env: { PATH: path } });
    expect(ran.code, ran.stderr).toBe(0);
    expect(JSON.parse(ran.stdout)).toEqual({
      left: expect.stringContaining('The first half is written') as unknown,
      right: expect.stringContaining('The second half is written') as unknown,
    });
  });
});
