import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import { asFilareError } from '../../src/contract/errors.js';
import type { Prompt, PromptDecision } from '../../src/contract/session.js';
import type { TranscriptEntry } from '../../src/contract/transcript.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const MANIFEST = `
defaults:
  resources: { cpus: 1, memory: 256m, pids: 256 }
sessions:
  - { id: asker, role: FEATURE, operator_contact: { name: Sam } }
  - id: late
    role: FIXER
    escalation:
      deadline: 2s
      remind_after: 1s
      notify: [{ command: 'tr -d "\\n" >> notices.jsonl && echo >> notices.jsonl' }, { command: 'exit 3' }]
  - { id: stopper, role: FIXER, escalation: { deadline: 1s, on_deadline: stop } }
  - id: ruled
    role: TOOLS
    escalation:
      rules:
        - { when: { command: touch allowed* }, do: approve, reason: harmless }
        - { when: { category: git_push }, do: reject, reason: not from here }
`;

const REHEARSAL = `
parts:
  - matches: /^append (\\S+)/
    do:
      - ask_approval: echo {{1}} >> ran.log
        reason: the log wants it
      - say: appended {{1}}
  - matches: /^run (.+)/s
    do:
      - ask_approval: echo ran
        reason: because
      - say: done
  - text: question
    do:
      - ask_operator: { question: Which colour?, choices: [red, blue], suggested_reply: blue, severity: warning }
      - say: 'it will be {{last_output}}'
  - text: wonder
    do:
      - call: { tool: ask_operator, arguments: { question: Shall I translate it too?, blocking: false } }
      - say: 'I go on. {{last_output}}'
  - text: allowed
    do:
      - run: touch allowed.txt
      - say: touched
  - text: push
    do:
      - ask_approval: git push origin HEAD
        reason: it is done
      - say: 'push said {{last_output}}'
`;

describe('the inbox', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  const folders = new Map<string, string>();
  const transcripts = new Map<string, string>();

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': MANIFEST });
    fleet = await rig.fleet();
    for (const row of await rig.start(fleet, REHEARSAL)) {
      folders.set(row.id, row.workspace);
      transcripts.set(row.id, row.transcript);
    }
  }, 120_000);
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  const story = (id: string): Promise<TranscriptEntry[]> => rig.transcript(transcripts.get(id) ?? '');
  const ran = async (id: string): Promise<string> =>
    readFile(join(folders.get(id) ?? '', 'ran.log'), 'utf8').catch(() => '');
  const idle = (id: string): Promise<void> =>
    eventually(`${id} is idle`, async () => (await fleet.describe(id)).row.activity === 'idle');
  const promptOf = async (id: string): Promise<Prompt> => {
    let found: Prompt | undefined;
    await eventually(`${id} asks`, async () => {
      found = (await fleet.prompts(id))[0];
      return found !== undefined;
    });
    if (found === undefined) throw new Error('no prompt');
    return found;
  };
  const refusal = async (work: Promise<unknown>): Promise<{ code: string; decision: PromptDecision | null }> => {
    try {
      await work;
    } catch (failure) {
      const { code, details } = asFilareError(failure);
      return { code, decision: (details as { decision?: PromptDecision } | undefined)?.decision ?? null };
    }
    throw new Error('it was not refused');
  };
  const decisions = (entries: readonly TranscriptEntry[], prompt_id: string): unknown[] =>
    entries.filter((e) => e.kind === 'decision' && e.data?.['prompt_id'] === prompt_id).map((e) => e.data?.['outcome']);

  it('an approval says who asks, what for, what it touches and why; the first answer counts and the others are told which it was', async () => {
    await fleet.send('asker', 'append one');
    const prompt = await promptOf('asker');
    expect(prompt).toMatchObject({
      id: 'asker',
      kind: 'approval',
      origin: 'codex',
      blocking: true,
      asked_by: 'asker',
      reason: 'the log wants it',
      choices: expect.arrayContaining(['accept', 'decline']) as unknown,
      requested_action: { type: 'command', operator_contact: { name: 'Sam' } },
    });
    expect(prompt.summary).toContain('asker (FEATURE) wants to run in /home/agent/workspace');
    expect(prompt.summary).toContain('the log wants it');
    expect((await fleet.sessions()).find((row) => row.id === 'asker')).toMatchObject({
      activity: 'waiting',
      pending_prompts: 1,
    });

    const stale = await refusal(fleet.decide(prompt.prompt_id, { choice: 'accept', revision: 'v-000000000000' }));
    expect(stale).toEqual({ code: 'conflict', decision: null });
    const both = await Promise.allSettled([
      fleet.decide(prompt.prompt_id, { choice: 'accept', by: 'ada', revision: prompt.revision }),
      fleet.decide(prompt.prompt_id, { choice: 'decline', by: 'bob', revision: prompt.revision }),
    ]);
    expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    await idle('asker');
    const winner = both[0].status === 'fulfilled' ? 'ada' : 'bob';
    const late = await refusal(fleet.decide(prompt.prompt_id, { choice: 'decline', by: 'carl' }));
    expect(late).toMatchObject({ code: 'conflict', decision: { by: winner } });
    expect(await ran('asker')).toBe(winner === 'ada' ? 'one\n' : '');
    expect(await fleet.prompt(prompt.prompt_id)).toMatchObject({ decision: { by: winner } });
    expect(decisions(await story('asker'), prompt.prompt_id)).toEqual([winner === 'ada' ? 'approved' : 'rejected']);
  });

  it('a question is answered by its text, which the agent gets', async () => {
    await fleet.send('asker', 'question');
    const prompt = await promptOf('asker');
    expect(prompt).toMatchObject({
      kind: 'question',
      origin: 'ask_operator',
      choices: ['red', 'blue'],
      suggested_reply: 'blue',
      severity: 'warning',
    });
    expect(await fleet.decide(prompt.prompt_id, { choice: 'green, rather' })).toMatchObject({
      decision: { outcome: 'answered', choice: 'green, rather' },
    });
    await idle('asker');
    expect((await story('asker')).filter((e) => e.kind === 'reply').at(-1)?.text).toBe('it will be green, rather');
  });

  it('a question that the agent does not wait for lies in the inbox while it goes on, and its answer arrives as a message', async () => {
    expect(await fleet.send('asker', 'wonder', { wait_ms: 20_000 })).toMatchObject({
      reply: expect.stringContaining('I go on.') as unknown,
    });
    const prompt = await promptOf('asker');
    expect(prompt).toMatchObject({ blocking: false, kind: 'question', origin: 'ask_operator' });
    expect((await fleet.describe('asker')).row).toMatchObject({ activity: 'idle', pending_prompts: 1 });
    expect(await fleet.send('asker', 'meanwhile', { wait_ms: 20_000 })).toMatchObject({ delivery: 'accepted' });
    await fleet.decide(prompt.prompt_id, { choice: 'yes, into French' });
    await eventually('the answer is a message', async () =>
      (await story('asker')).some((e) => e.kind === 'message' && e.text?.includes('yes, into French') === true),
    );
    await idle('asker');
    const message = (await story('asker')).find((e) => e.text?.includes('yes, into French') && e.kind === 'message');
    expect(message?.from).toBe('operator');
    expect(message?.text).toContain('Shall I translate it too?');
    expect(await fleet.prompts('asker')).toEqual([]);
  });

  it('pause holds the session; the answer to its question goes in as a message and lets it go on', async () => {
    const paused = await fleet.pause('asker', {
      by: 'lead',
      ask: { question: 'Ship on Friday?', choices: ['yes', 'no'] },
    });
    expect(paused).toMatchObject({ activity: 'paused', pending_prompts: 1 });
    const prompt = await promptOf('asker');
    expect(prompt).toMatchObject({ origin: 'pause', asked_by: 'lead', choices: ['yes', 'no'] });
    const blocked = await rig.cli(['send', 'asker', 'hello?', '--json']);
    expect(blocked.code, blocked.stderr).toBe(7);
    expect(JSON.parse(blocked.stdout)).toMatchObject({ delivery: 'blocked', message_id: null });
    expect(await fleet.send('asker', 'after the answer', { mode: 'queue' })).toMatchObject({ delivery: 'queued' });
    await fleet.decide(prompt.prompt_id, { choice: 'no', by: 'operator' });
    await eventually('both are answered', async () => {
      const texts = (await story('asker')).filter((e) => e.kind === 'message').map((e) => e.text ?? '');
      return texts.some((text) => text.includes('The answer: no')) && texts.includes('after the answer');
    });
    await idle('asker');
  });

  it('a pause that is ended by hand closes its question as superseded, and messages that waited go in', async () => {
    await fleet.pause('asker', { ask: { question: 'Really?' } });
    const prompt = await promptOf('asker');
    await fleet.send('asker', 'held back', { mode: 'queue' });
    expect(await fleet.resume('asker')).toMatchObject({ pending_prompts: 0 });
    expect(await refusal(fleet.decide(prompt.prompt_id, { choice: 'yes' }))).toMatchObject({
      code: 'ended',
      decision: { outcome: 'superseded' },
    });
    await eventually('the message was taken', async () => (await story('asker')).some((e) => e.text === 'held back'));
    await idle('asker');
    expect(decisions(await story('asker'), prompt.prompt_id)).toEqual(['superseded']);
    // Without a question, a pause takes messages and keeps them.
    await fleet.pause('asker');
    expect(await fleet.send('asker', 'kept')).toMatchObject({ delivery: 'queued' });
    await fleet.resume('asker');
    await eventually('it was taken', async () => (await story('asker')).some((e) => e.text === 'kept'));
    await idle('asker');
  });

  it('an interrupted turn takes its prompt back', async () => {
    await fleet.send('asker', 'append never');
    const prompt = await promptOf('asker');
    await fleet.interrupt('asker');
    await idle('asker');
    expect(await refusal(fleet.decide(prompt.prompt_id, { choice: 'accept' }))).toMatchObject({
      code: 'ended',
      decision: { outcome: 'withdrawn' },
    });
    expect(await ran('asker')).not.toContain('never');
    expect(decisions(await story('asker'), prompt.prompt_id)).toEqual(['withdrawn']);
  });

  it('nobody answers: reminded, then rejected as timed out, never approved', async () => {
    await fleet.send('late', 'append too-late');
    const prompt = await promptOf('late');
    expect(prompt.deadline).not.toBeNull();
    await idle('late');
    expect(await fleet.prompt(prompt.prompt_id)).toMatchObject({
      decision: { outcome: 'timed_out', by: 'deadline', rule: 'escalation.deadline' },
    });
    expect(await ran('late')).toBe('');
    const entries = await story('late');
    expect(entries.some((e) => e.text?.includes('reminded of prompt') === true)).toBe(true);
    expect(decisions(entries, prompt.prompt_id)).toEqual(['timed_out']);
    // The operator was told of each, by a command; of the one that fails it is said, and it held up nobody.
    let notices: { type: string; prompt: { prompt_id: string }; decision?: { outcome: string } | null }[] = [];
    await eventually('all three were told', async () => {
      const text = await readFile(join(rig.root, 'notices.jsonl'), 'utf8').catch(() => '');
      notices = text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as (typeof notices)[number]);
      return notices.length === 3;
    });
    expect(notices.map((one) => one.type)).toEqual(['prompt.opened', 'prompt.reminder', 'prompt.closed']);
    expect(notices.every((one) => one.prompt.prompt_id === prompt.prompt_id)).toBe(true);
    expect(notices[2]?.decision).toMatchObject({ outcome: 'timed_out' });
    await eventually(
      'the failing way is named',
      async () => (await story('late')).some((e) => e.text?.includes('nobody could be told of prompt') === true),
      60_000,
    );
  });

  it('on_deadline: stop stops the session, and its prompts cannot be answered any more', async () => {
    await fleet.send('stopper', 'append x');
    const prompt = await promptOf('stopper');
    await fleet.wait(['stopper'], 'stopped', { timeout_ms: 20_000 });
    expect((await fleet.describe('stopper')).row).toMatchObject({ phase: 'stopped' });
    expect(await refusal(fleet.decide(prompt.prompt_id, { choice: 'accept' }))).toMatchObject({ code: 'ended' });
  });

  it('rules of the manifest decide what they name, with their reason on record', async () => {
    expect(await fleet.send('ruled', 'allowed', { wait_ms: 20_000 })).toMatchObject({ reply: 'touched' });
    const pushed = await fleet.send('ruled', 'push', { wait_ms: 20_000 });
    expect(pushed.reply).toContain('push said');
    const said = (await story('ruled')).filter((e) => e.kind === 'decision');
    expect(said.map((e) => [e.from, e.data?.['outcome'], e.data?.['reason']])).toEqual([
      ['policy', 'approved', 'harmless'],
      ['policy', 'rejected', 'not from here'],
    ]);
    expect(await fleet.prompts('ruled')).toEqual([]);
  });

  it('"for this session" writes the rule that was shown, which decides from then on and can be taken back', async () => {
    await fleet.send('asker', 'run it');
    const prompt = await promptOf('asker');
    expect(prompt.rule_offer).not.toBeNull();
    const wider = { scope: 'session', when: { command: '**' } } as const;
    expect(await refusal(fleet.decide(prompt.prompt_id, { choice: 'accept', remember: wider }))).toMatchObject({
      code: 'conflict',
    });
    await fleet.decide(prompt.prompt_id, {
      choice: 'accept',
      revision: prompt.revision,
      remember: { scope: 'always', when: prompt.rule_offer ?? {} },
    });
    await idle('asker');
    expect(await fleet.send('asker', 'run it again', { wait_ms: 20_000 })).toMatchObject({ reply: 'done' });
    const [rule] = await fleet.rules();
    expect(rule).toMatchObject({
      id: 'asker',
      scope: 'always',
      do: 'approve',
      by: 'operator',
      when: prompt.rule_offer,
    });

    // It holds in the next session of that agent too.
    await fleet.stop('asker', { grace_ms: 1000 });
    const [again] = (await rig.start(fleet, REHEARSAL)).filter((row) => row.id === 'asker');
    transcripts.set('asker', again?.transcript ?? '');
    expect(await fleet.send('asker', 'run it once more', { wait_ms: 20_000 })).toMatchObject({ reply: 'done' });
    await fleet.forgetRule(rule?.rule_id ?? '');
    expect(await fleet.rules()).toEqual([]);
    await fleet.send('asker', 'run it after all');
    const asked = await promptOf('asker');
    await fleet.decide(asked.prompt_id, { choice: 'cancel' });
    await idle('asker');
    expect(decisions(await story('asker'), asked.prompt_id)).toEqual(['cancelled']);
  });

  it('a stopped session cannot be answered, and says what became of its prompt', async () => {
    await fleet.send('asker', 'append at-the-end');
    const prompt = await promptOf('asker');
    await fleet.stop('asker', { grace_ms: 1000 });
    expect(await refusal(fleet.decide(prompt.prompt_id, { choice: 'accept' }))).toMatchObject({
      code: 'ended',
      decision: { outcome: 'expired' },
    });
    expect(decisions(await story('asker'), prompt.prompt_id)).toEqual(['expired']);
    expect((await rig.cli(['feedback', 'approve', prompt.prompt_id])).code).toBeGreaterThan(2);
  });
});
