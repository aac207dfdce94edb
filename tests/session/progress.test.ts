import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../src/contract/agent-event.js';
import { apply, firstState } from '../../src/session/apply.js';
import { reachedOf } from '../../src/session/progress.js';
import { sessionRecordSchema, type SessionFact } from '../../src/session/record.js';
import type { SessionState } from '../../src/session/state.js';
import { agentSpec } from '../support/agent-spec.js';
import { policy } from '../support/policy.js';

const CREATED = { type: 'created', agent: agentSpec({ id: 'a' }), rehearsal: null, by: 'x' } as const;
const BEGIN: SessionFact[] = [
  { type: 'attempt_begun', thread_id: null },
  { type: 'container_created', container_id: 'c', container_name: 'n', image_id: 'i' },
  { type: 'running', thread_id: 't', resumed: false },
];
const GOAL: SessionFact = { type: 'message', message_id: 'm', from: 'goal', text: 'x', images: [], mode: 'queue' };
const SHOWN: AgentEvent = { type: 'message_shown', turn_id: '1', message_id: 'm', text: 'x', time_ms: null };
const TURN: AgentEvent = { type: 'turn_started', turn_id: '1', time_ms: null };
const OVER: AgentEvent = { type: 'turn_ended', turn_id: '1', status: 'completed', error: null, time_ms: null };
const PAUSED: SessionFact = { type: 'paused', by: 'x', interrupt: false };

function after(...happened: readonly (SessionFact | AgentEvent)[]): SessionState {
  return happened.reduce<SessionState>(
    (state, one) => {
      const is_event = one === SHOWN || one === TURN || one === OVER;
      return is_event
        ? apply(state, { from: 'agent', event: one, time_ms: 1 }, policy)
        : apply(state, { from: 'ledger', fact: one as SessionFact, time_ms: 1 }, policy);
    },
    firstState('a-s', CREATED, 0),
  );
}

describe('what a session has reached for those that wait for it', () => {
  it.each([
    ['nothing before it runs', [GOAL, ...BEGIN.slice(0, 2)], []],
    ['started', [GOAL, ...BEGIN], ['started']],
    ['not idle in its first turn', [GOAL, ...BEGIN, TURN, SHOWN], ['started']],
    ['idle when that is over', [GOAL, ...BEGIN, TURN, SHOWN, OVER], ['started', 'idle']],
    ['not idle without any turn', BEGIN, ['started']],
    ['not idle with a message to come', [...BEGIN, TURN, GOAL, OVER], ['started']],
    ['not idle while it is held', [...BEGIN, TURN, PAUSED, OVER], ['started']],
    ['idle once it is let go', [...BEGIN, TURN, PAUSED, OVER, { type: 'resumed', by: 'x' }], ['started', 'idle']],
    ['idle for ever after', [...BEGIN, TURN, OVER, TURN], ['started', 'idle']],
    ['synced', [...BEGIN, { type: 'synced', commit: 'c', into: 'agents/a', by: 'x' }], ['started', 'synced']],
  ] as const)('%s', (_, happened, reached) => {
    expect(reachedOf(after(...happened))).toEqual(reached);
  });
});

it('records with ids alone in depends_on are read as waiting for the start', () => {
  const fact = { ...CREATED, agent: { ...CREATED.agent, depends_on: ['b'] } };
  const record = sessionRecordSchema.parse({ n: 1, time_ms: 1, attempt: 0, offset: 0, fact });
  expect(record.fact).toMatchObject({ agent: { depends_on: [{ id: 'b', condition: 'started' }] } });
});
