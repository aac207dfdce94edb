import { describe, expect, it } from 'vitest';
import type { AgentRequest } from '../../src/contract/agent-event.js';
import type { AgentSpec } from '../../src/contract/agent-spec.js';
import { apply as applyWith, firstState } from '../../src/session/apply.js';
import { next, type Observed } from '../../src/session/next.js';
import { activityOf } from '../../src/session/row.js';
import { openPrompts, promptsInTheWay, toPrompt } from '../../src/session/prompts.js';
import type { SessionFact } from '../../src/session/record.js';
import type { SessionState } from '../../src/session/state.js';
import { createMasker } from '../../src/transcript/mask.js';
import { agentSpec } from '../support/agent-spec.js';
import { policy } from '../support/policy.js';

const SECRET = 'sk-canary-0815';
const ALIVE: Observed = {
  container: { state: 'alive' },
  no_room: null,
  attached: true,
  probed: true,
  answered: new Set(),
  calling: new Set(),
  boot_id: null,
  interrupted_turn: null,
};
const REQUEST: AgentRequest = {
  request_id: 0,
  method: 'item/commandExecution/requestApproval',
  kind: 'approval',
  reason: 'because',
  summary: 'Run in /home/agent/workspace: git push',
  action: { type: 'command', command: 'git push', script: 'git push', cwd: '/home/agent/workspace' },
  choices: ['accept', 'decline', 'cancel'],
  turn_id: 'u',
  item_id: 'i',
};

function facts(state: SessionState, ...all: readonly SessionFact[]): SessionState {
  return all.reduce((now, fact) => applyWith(now, { from: 'ledger', fact, time_ms: 1_000 }, policy), state);
}
function running(given: Partial<AgentSpec> = {}): SessionState {
  const agent = agentSpec({ id: 'a', ...given });
  return facts(
    firstState('s', { type: 'created', agent, rehearsal: null, by: 'x' }, 0),
    { type: 'attempt_begun', thread_id: null },
    { type: 'container_created', container_id: 'c', container_name: 'n', image_id: 'i' },
    { type: 'container_started' },
    { type: 'running', thread_id: 't', resumed: false },
  );
}
function asks(state: SessionState, request: Partial<AgentRequest> = {}, time_ms = 1_000): SessionState {
  const turn = applyWith(
    state,
    { from: 'agent', event: { type: 'turn_started', turn_id: 'u', time_ms: null }, time_ms },
    policy,
  );
  const event = { type: 'request', request: { ...REQUEST, ...request }, time_ms: null } as const;
  return applyWith(turn, { from: 'agent', event, time_ms }, policy);
}
const message = (mode: 'queue' | 'steer' | 'interrupt' = 'queue'): SessionFact => ({
  type: 'message',
  message_id: `m-${mode}`,
  from: 'x',
  text: 'hi',
  images: [],
  mode,
});
const escalation = (given: Partial<AgentSpec['escalation']>): AgentSpec['escalation'] => ({
  approvals: 'ask',
  rules: [],
  on_deadline: 'reject',
  notify: [],
  ...given,
});
const decided = (
  state: SessionState,
  outcome: 'approved' | 'answered' | 'timed_out',
  choice = 'accept',
): SessionState =>
  facts(state, {
    type: 'decision',
    prompt_id: openPrompts(state)[0]?.prompt_id ?? 'none',
    choice,
    by: 'operator',
    reason: null,
    rule: null,
    outcome,
  });

describe('a prompt', () => {
  it('is due for a reminder once, then for its deadline, and waits for exactly that in between', () => {
    const state = asks(running({ escalation: escalation({ remind_after_ms: 5_000, deadline_ms: 60_000 }) }));
    expect(next(state, ALIVE, 2_000)).toEqual({ do: 'wait', until_ms: 6_000 });
    const remind = next(state, ALIVE, 6_000);
    expect(remind).toMatchObject({ do: 'commit', fact: { type: 'reminded' } });
    const reminded = facts(state, { type: 'reminded', prompt_id: openPrompts(state)[0]?.prompt_id ?? '' });
    expect(next(reminded, ALIVE, 7_000)).toEqual({ do: 'wait', until_ms: 61_000 });
    expect(next(reminded, ALIVE, 61_000)).toMatchObject({
      do: 'commit',
      fact: { type: 'decision', choice: 'decline', outcome: 'timed_out', by: 'deadline', rule: 'escalation.deadline' },
    });
  });

  it('that timed out stops the session where the manifest says so, before its answer is written', () => {
    const given = { escalation: escalation({ deadline_ms: 1_000, on_deadline: 'stop' as const }) };
    const late = decided(asks(running(given)), 'timed_out', 'decline');
    expect(next(late, ALIVE, 9_000)).toEqual({
      do: 'commit',
      fact: { type: 'desired', desired: 'stopped', by: 'deadline' },
    });
    const rejected = decided(asks(running({ escalation: escalation({ deadline_ms: 1_000 }) })), 'timed_out', 'decline');
    expect(next(rejected, ALIVE, 9_000)).toMatchObject({ do: 'answer' });
  });

  it('keeps what it was when the agent’s secrets are in it, and shows none of them', () => {
    const state = asks(running(), {
      summary: `Run in /w: echo ${SECRET}`,
      reason: SECRET,
      action: { command: SECRET },
    });
    const [open] = openPrompts(state);
    if (open === undefined) throw new Error('no prompt');
    const shown = JSON.stringify(toPrompt(state, open, createMasker({ KEY: SECRET })));
    expect(shown).not.toContain(SECRET);
    expect(shown).toContain('a (FEATURE) wants to run in /w: echo');
  });

  it('names another revision when it asks something else', () => {
    const revision = (state: SessionState): string | undefined => {
      const [open] = openPrompts(state);
      return open === undefined ? undefined : toPrompt(state, open, createMasker({})).revision;
    };
    expect(revision(asks(running()))).toBe(revision(asks(running(), {}, 9_999)));
    expect(revision(asks(running()))).not.toBe(revision(asks(running(), { summary: 'Run in /w: git pull' })));
  });

  it('that is over is remembered with how, in order, and not for ever', () => {
    let state = running();
    for (let n = 0; n < 205; n += 1) {
      state = asks(state, { request_id: n, item_id: `i${String(n)}` });
      if (n % 2 === 0) state = decided(state, 'approved');
      const event = { type: 'request_closed', request_id: n } as const;
      state = applyWith(state, { from: 'agent', event, time_ms: 2_000 }, policy);
    }
    expect(state.closed_prompts).toHaveLength(200);
    const outcomes = state.closed_prompts.map((closed) => closed.decision.outcome);
    expect(outcomes.slice(-3)).toEqual(['approved', 'withdrawn', 'approved']);
  });

  it('expires with its attempt, and a question that nobody waits with outlives it', () => {
    const later = facts(asks(running()), {
      type: 'question',
      prompt_id: 'p-later',
      asked_by: 'a',
      ask: { question: 'Translate?' },
    });
    const over = facts(
      later,
      { type: 'attempt_ending', cause: 'exited', reason: 'died', grace_ms: 0 },
      { type: 'attempt_ended' },
    );
    expect(over.closed_prompts.map((closed) => closed.decision.outcome)).toEqual(['expired']);
    expect(openPrompts(over).map((prompt) => prompt.prompt_id)).toEqual(['p-later']);
    const ended = facts(over, { type: 'ended', phase: 'failed', reason: 'gave up' });
    expect(openPrompts(ended)).toEqual([]);
    expect(ended.closed_prompts.map((closed) => closed.decision.outcome)).toEqual(['expired', 'expired']);
  });

  it('of an answer that made a rule brings the rule in the same record', () => {
    const state = asks(running());
    const rule = {
      rule_id: 'r-1',
      id: 'a',
      scope: 'session' as const,
      when: { command: 'git push' },
      do: 'approve' as const,
      reason: null,
      by: 'operator',
      prompt_id: null,
      created_at: new Date(0).toISOString(),
    };
    const prompt_id = openPrompts(state)[0]?.prompt_id ?? '';
    const decision = {
      type: 'decision',
      prompt_id,
      choice: 'accept',
      by: 'operator',
      reason: null,
      rule: null,
    } as const;
    const after = facts(state, { ...decision, outcome: 'approved', remember: rule });
    expect(after.rules).toEqual([rule]);
    expect(facts(after, { type: 'rule_forgotten', rule_id: 'r-1', by: 'operator' }).rules).toEqual([]);
  });
});

describe('a session whose next message is about to be handed over', () => {
  it('is not idle: who waits for that waits for the turn', () => {
    expect(activityOf(running())).toBe('idle');
    expect(activityOf(facts(running(), message('queue')))).toBe('working');
  });
});

describe('a paused session', () => {
  const paused: SessionFact = { type: 'paused', by: 'lead', interrupt: false };
  const asked: SessionFact = { ...paused, ask: { prompt_id: 'p-1', question: 'Ship it?', choices: ['yes'] } };

  it('is sent no message of any kind until it is resumed', () => {
    for (const mode of ['queue', 'steer', 'interrupt'] as const) {
      const held = facts(running(), paused, message(mode));
      expect(activityOf(held)).toBe('paused');
      expect(next(held, ALIVE, 2_000)).toEqual({ do: 'nothing' });
      expect(next(facts(held, { type: 'resumed', by: 'x' }), ALIVE, 2_000)).toMatchObject({ do: 'deliver' });
    }
  });

  it('with a question goes on when it is answered, the answer first among what comes after', () => {
    const held = facts(running(), asked);
    expect(promptsInTheWay(held).map((prompt) => prompt.prompt_id)).toEqual(['p-1']);
    const answered = decided(held, 'answered', 'yes, on Monday');
    const step = next(answered, ALIVE, 2_000);
    expect(step).toMatchObject({
      do: 'commit',
      fact: { type: 'message', from: 'operator', answers: 'p-1', message_id: 'm-1' },
    });
    if (step.do !== 'commit' || step.fact.type !== 'message') throw new Error('no message');
    expect(step.fact.text).toContain('Ship it?');
    expect(step.fact.text).toContain('yes, on Monday');
    const after = facts(answered, step.fact);
    expect(after.paused).toBeNull();
    expect(after.closed_prompts.map((closed) => closed.decision.choice)).toEqual(['yes, on Monday']);
    expect(next(after, ALIVE, 2_000)).toMatchObject({ do: 'deliver', message: { message_id: 'm-1' } });
  });

  it('another question, or resuming, takes the place of one that nobody has answered', () => {
    const twice = facts(running(), asked, { ...asked, ask: { prompt_id: 'p-2', question: 'Really?' } });
    expect(openPrompts(twice).map((prompt) => prompt.prompt_id)).toEqual(['p-2']);
    expect(twice.closed_prompts.map((closed) => closed.decision.outcome)).toEqual(['superseded']);
    const resumed = facts(twice, { type: 'resumed', by: 'x' });
    expect(resumed.closed_prompts.map((closed) => closed.decision.outcome)).toEqual(['superseded', 'superseded']);
    expect(resumed.paused).toBeNull();
  });

  it('lets the running turn end, or has it interrupted', () => {
    const working = applyWith(
      running(),
      { from: 'agent', event: { type: 'turn_started', turn_id: 'u', time_ms: null }, time_ms: 1_000 },
      policy,
    );
    expect(next(facts(working, paused), ALIVE, 2_000)).toEqual({ do: 'nothing' });
    expect(activityOf(facts(working, paused))).toBe('working');
    expect(next(facts(working, { ...paused, interrupt: true }), ALIVE, 2_000)).toEqual({
      do: 'interrupt',
      turn_id: 'u',
    });
  });

  it('still brings its own prompts to a person', () => {
    const held = asks(facts(running(), paused));
    expect(openPrompts(held)).toHaveLength(1);
    expect(next(decided(held, 'approved'), ALIVE, 2_000)).toMatchObject({ do: 'answer' });
  });
});

describe('a call of a tool', () => {
  const call: Partial<AgentRequest> = {
    method: 'item/tool/call',
    kind: 'tool',
    action: { type: 'tool', tool: 'list_agents', namespace: null, arguments: {} },
  };

  it('is carried out for an agent that orchestrates, once, and refused to any other', () => {
    const lead = asks(running({ orchestrates: { agents: ['*'], answer: 'none' } }), call);
    const step = next(lead, ALIVE, 2_000);
    expect(step).toMatchObject({ do: 'call' });
    const prompt_id = lead.requests[0]?.prompt_id ?? '';
    expect(next(lead, { ...ALIVE, calling: new Set([prompt_id]) }, 2_000)).toEqual({ do: 'nothing' });
    expect(next(asks(running(), call), ALIVE, 2_000)).toMatchObject({
      do: 'commit',
      fact: { type: 'decision', choice: 'unsupported', outcome: 'rejected' },
    });
    const unknown = { ...call, action: { ...call.action, tool: 'launch_rocket' } };
    expect(
      next(asks(running({ orchestrates: { agents: ['*'], answer: 'all' } }), unknown), ALIVE, 2_000),
    ).toMatchObject({
      fact: { choice: 'unsupported' },
    });
  });

  it('is no prompt: nobody is waited for, and the inbox does not show it', () => {
    const lead = asks(running({ orchestrates: { agents: ['*'], answer: 'none' } }), call);
    expect(openPrompts(lead)).toEqual([]);
    expect(activityOf(lead)).toBe('working');
  });
});

describe('an inbox that is flooded', () => {
  it('shows ten thousand prompts, each of them cut where it is a megabyte long, and no other is lost', () => {
    let state = running();
    for (let n = 0; n < 10_000; n += 1) {
      const ask = { question: n % 1_000 === 0 ? `${n} ${'x'.repeat(2 ** 20)}` : `${n}?`, severity: 'info' } as const;
      state = facts(state, { type: 'question', prompt_id: `p-${n}`, asked_by: 'agent', ask });
    }
    const begin = performance.now();
    const shown = openPrompts(state).map((prompt) => toPrompt(state, prompt, createMasker({})));
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect(shown.map((prompt) => prompt.prompt_id)).toEqual(Array.from({ length: 10_000 }, (_, n) => `p-${n}`));
    expect(JSON.stringify(shown).length).toBeLessThan(64 * 2 ** 20);
    expect(shown[1_000]?.summary).toContain('1000 xxx');
  });
});
