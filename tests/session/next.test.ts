import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { apply as applyWith, firstState } from '../../src/session/apply.js';
import { next, type Observed, type Step } from '../../src/session/next.js';
import type { SessionFact } from '../../src/session/record.js';
import type { Applied, SessionState } from '../../src/session/state.js';
import { agentSpec } from '../support/agent-spec.js';
import { policy } from '../support/policy.js';

const apply = (state: SessionState, applied: Applied): SessionState => applyWith(state, applied, policy);

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
const ORDER = ['queued', 'preparing', 'starting', 'running', 'stopping', 'backing_off', 'stopped', 'failed'];

/** The engine and Codex as they behave when all goes well: what each step leads to. */
function effects(step: Step, state: SessionState): SessionFact[] {
  switch (step.do) {
    case 'commit':
      return [step.fact];
    case 'prepare':
      return [
        { type: 'workspace_ready', branch: 'agents/a', how: 'empty', head: null },
        { type: 'container_created', container_id: `c${String(state.attempt)}`, container_name: 'n', image_id: 'i' },
      ];
    case 'launch':
      return [{ type: 'container_started' }, { type: 'running', thread_id: 't', resumed: state.thread_id !== null }];
    case 'halt':
      return [{ type: 'attempt_ended' }];
    case 'deliver':
      return [{ type: 'sent', message_id: step.message.message_id, turn_id: null }];
    default:
      return [];
  }
}

function settle(
  state: SessionState,
  observed: Observed,
  now: { ms: number },
  check: (before: SessionState, after: SessionState) => void,
): SessionState {
  let current = state;
  for (let steps = 0; steps < 200; steps += 1) {
    const step = next(current, observed, now.ms);
    if (step.do === 'nothing') return current;
    if (step.do === 'wait') now.ms = step.until_ms;
    for (const fact of effects(step, current)) {
      const before = current;
      current = apply(current, { from: 'ledger', fact, time_ms: now.ms });
      check(before, current);
    }
    // A message is shown, and its turn ends.
    for (const message of current.outbox.filter((m) => m.sent)) {
      current = apply(current, {
        from: 'agent',
        event: {
          type: 'message_shown',
          turn_id: 'u',
          message_id: message.message_id,
          text: message.text,
          time_ms: null,
        },
        time_ms: now.ms,
      });
    }
    if (step.do === 'answer' || step.do === 'interrupt' || step.do === 'attach' || step.do === 'probe') return current;
  }
  throw new Error(`not settled: ${JSON.stringify(current.stage)}`);
}

describe('the state machine', () => {
  const wishes = fc.array(
    fc.oneof(
      fc.constant<SessionFact>({ type: 'desired', desired: 'stopped', by: 'x' }),
      fc.constant<SessionFact>({ type: 'desired', desired: 'restarted', by: 'x' }),
      fc.constant<SessionFact>({ type: 'attempt_ending', cause: 'exited', reason: 'died', grace_ms: 0 }),
      fc.constant<SessionFact>({ type: 'attempt_ending', cause: 'removed', reason: 'removed', grace_ms: 0 }),
      fc.nat(20).map((n): SessionFact => ({
        type: 'message',
        message_id: `m${String(n)}`,
        from: 'x',
        text: 'hi',
        images: [],
        mode: 'queue',
      })),
    ),
    { maxLength: 12 },
  );

  it('reaches what is desired from every state that wishes and deaths lead to, and phases never go back within an attempt', () => {
    fc.assert(
      fc.property(wishes, fc.array(fc.nat(6), { maxLength: 12 }), (facts, gaps) => {
        const now = { ms: 1_000 };
        let state = firstState(
          's',
          { type: 'created', agent: agentSpec({ id: 'a' }), rehearsal: null, by: 'x' },
          now.ms,
        );
        const forward = (before: SessionState, after: SessionState): void => {
          if (before.attempt !== after.attempt) return;
          expect(
            ORDER.indexOf(after.stage.phase),
            `${before.stage.phase} → ${after.stage.phase}`,
          ).toBeGreaterThanOrEqual(ORDER.indexOf(before.stage.phase));
        };
        facts.forEach((fact, at) => {
          // Some steps happen between wishes, some do not.
          for (let n = 0; n < (gaps[at] ?? 0); n += 1) {
            const step = next(state, ALIVE, now.ms);
            for (const effect of effects(step, state)) {
              const after = apply(state, { from: 'ledger', fact: effect, time_ms: now.ms });
              forward(state, after);
              state = after;
            }
          }
          const has_container = ['preparing', 'starting', 'running'].includes(state.stage.phase);
          if (fact.type === 'attempt_ending' && !has_container) return;
          if (fact.type !== 'desired' && (state.stage.phase === 'stopped' || state.stage.phase === 'failed')) return;
          state = apply(state, { from: 'ledger', fact, time_ms: now.ms });
        });
        const settled = settle(state, ALIVE, now, forward);
        const over = settled.stage.phase === 'stopped' || settled.stage.phase === 'failed';
        if (settled.desired === 'stopped') expect(over).toBe(true);
        else expect(['running', 'failed']).toContain(settled.stage.phase);
      }),
      { numRuns: 2_000 },
    );
  });

  const running = (): SessionState => {
    const now = { ms: 0 };
    return settle(
      firstState('s', { type: 'created', agent: agentSpec({ id: 'a' }), rehearsal: null, by: 'x' }, 0),
      ALIVE,
      now,
      () => undefined,
    );
  };

  it('waits in the queue and says why, once', () => {
    const state = firstState('s', { type: 'created', agent: agentSpec({ id: 'a' }), rehearsal: null, by: 'x' }, 0);
    const full: Observed = { ...ALIVE, no_room: 'needs 4 GiB' };
    const step = next(state, full, 0);
    expect(step).toEqual({ do: 'commit', fact: { type: 'waiting', reason: 'needs 4 GiB' } });
    const waiting = apply(state, { from: 'ledger', fact: { type: 'waiting', reason: 'needs 4 GiB' }, time_ms: 0 });
    expect(next(waiting, full, 0)).toEqual({ do: 'nothing' });
  });

  it('a container that was removed ends the attempt with that reason, and the next one waits for its back-off', () => {
    const ending = next(running(), { ...ALIVE, container: { state: 'absent' } }, 0);
    expect(ending).toMatchObject({ do: 'commit', fact: { type: 'attempt_ending', cause: 'removed' } });
  });

  it('running out of memory is named, not called a crash', () => {
    const ending = next(
      running(),
      { ...ALIVE, container: { state: 'exited', exit_code: 137, out_of_memory: true, with_engine: false } },
      0,
    );
    expect(ending).toMatchObject({ do: 'commit', fact: { cause: 'out_of_memory' } });
  });

  it('a machine that was restarted is told from a container that somebody removed, and is no failure of the agent', () => {
    const before = { ...running(), boot_id: 'one' };
    const gone: Observed = { ...ALIVE, boot_id: 'two', container: { state: 'absent' } };
    const ending = next(before, gone, 0);
    expect(ending).toMatchObject({ fact: { type: 'attempt_ending', cause: 'machine_restarted' } });
    if (ending.do !== 'commit') throw new Error('nothing to commit');
    let state = apply(before, { from: 'ledger', fact: ending.fact, time_ms: 0 });
    state = apply(state, { from: 'ledger', fact: { type: 'attempt_ended' }, time_ms: 0 });
    expect(state.failures).toBe(0);
    expect(next(state, gone, 0)).toMatchObject({ fact: { type: 'attempt_begun', thread_id: 't', boot_id: 'two' } });
    expect(next(before, { ...gone, boot_id: 'one' }, 0)).toMatchObject({ fact: { cause: 'removed' } });
  });

  it('an engine that took the container along is told from Codex that ended by itself, and is no failure of the agent', () => {
    const ended = { state: 'exited', exit_code: 137, out_of_memory: false, with_engine: true } as const;
    const before = running();
    const ending = next(before, { ...ALIVE, container: ended }, 0);
    expect(ending).toMatchObject({ fact: { type: 'attempt_ending', cause: 'engine_restarted' } });
    if (ending.do !== 'commit') throw new Error('nothing to commit');
    let state = apply(before, { from: 'ledger', fact: ending.fact, time_ms: 0 });
    state = apply(state, { from: 'ledger', fact: { type: 'attempt_ended' }, time_ms: 0 });
    expect(state.failures).toBe(0);
    expect(next(state, ALIVE, 0)).toMatchObject({ fact: { type: 'attempt_begun', thread_id: 't' } });
    const of_itself = { ...ended, with_engine: false };
    expect(next(before, { ...ALIVE, container: of_itself }, 0)).toMatchObject({ fact: { cause: 'exited' } });
    const for_want_of_memory = { ...ended, out_of_memory: true };
    expect(next(before, { ...ALIVE, container: for_want_of_memory }, 0)).toMatchObject({
      fact: { cause: 'out_of_memory' },
    });
  });

  it('exit status 0 that nobody asked for is a failure', () => {
    const ending = next(
      running(),
      { ...ALIVE, container: { state: 'exited', exit_code: 0, out_of_memory: false, with_engine: false } },
      0,
    );
    expect(ending).toMatchObject({
      do: 'commit',
      fact: { cause: 'exited', reason: expect.stringContaining('status 0') as unknown },
    });
  });

  it('asks a person at once when an attempt filled the disk, whatever attempts are left, and begins when told to', () => {
    const end = { type: 'attempt_ending', cause: 'journal_full', reason: 'too much', grace_ms: 0 } as const;
    let state = running();
    const happens = (fact: SessionFact): void => {
      state = apply(state, { from: 'ledger', fact, time_ms: 0 });
    };
    happens(end);
    happens({ type: 'attempt_ended' });
    const step = next(state, ALIVE, 0);
    expect(step).toMatchObject({ do: 'commit', fact: { type: 'question', origin: 'crash_loop' } });
    if (step.do === 'commit') happens(step.fact);
    expect(next(state, ALIVE, 1e9)).toEqual({ do: 'nothing' });
    happens({ type: 'retried', by: 'ada', settles: state.own_prompts[0]?.prompt_id });
    expect(next(state, ALIVE, 0)).toMatchObject({ do: 'commit', fact: { type: 'attempt_begun' } });
  });

  it('backs off twice as long after each failure, at most five minutes, and asks a person after five', () => {
    const now = { ms: 0 };
    let state = running();
    const delays: number[] = [];
    for (let death = 0; death < 5; death += 1) {
      state = apply(state, {
        from: 'ledger',
        fact: { type: 'attempt_ending', cause: 'exited', reason: 'died', grace_ms: 0 },
        time_ms: now.ms,
      });
      state = apply(state, { from: 'ledger', fact: { type: 'attempt_ended' }, time_ms: now.ms });
      const step = next(state, ALIVE, now.ms);
      if (step.do !== 'commit' || step.fact.type !== 'backing_off') {
        expect(step).toMatchObject({ do: 'commit', fact: { type: 'question', origin: 'crash_loop' } });
        if (step.do === 'commit') state = apply(state, { from: 'ledger', fact: step.fact, time_ms: now.ms });
        break;
      }
      delays.push(step.fact.until_ms - now.ms);
      state = settle(state, ALIVE, now, () => undefined);
    }
    expect(delays).toEqual([10_000, 20_000, 40_000, 80_000]);
    expect(next(state, ALIVE, now.ms)).toEqual({ do: 'nothing' });
    const answer = (choice: string): SessionState =>
      apply(state, {
        from: 'ledger',
        fact: {
          type: 'decision',
          prompt_id: state.own_prompts[0]?.prompt_id ?? '',
          choice,
          by: 'ada',
          reason: null,
          rule: null,
          outcome: 'answered',
        },
        time_ms: now.ms,
      });
    expect(next(answer('give up'), ALIVE, now.ms)).toMatchObject({ fact: { type: 'ended', phase: 'failed' } });
    const retried = next(answer('try again'), ALIVE, now.ms);
    expect(retried).toMatchObject({ fact: { type: 'retried', by: 'ada' } });
    if (retried.do !== 'commit') throw new Error('nothing to commit');
    const after = apply(answer('try again'), { from: 'ledger', fact: retried.fact, time_ms: now.ms });
    expect(next(after, ALIVE, now.ms)).toMatchObject({ fact: { type: 'attempt_begun' } });
    expect(after.own_prompts).toEqual([]);
  });

  it('never sends a message into a turn that waits for a person', () => {
    let state = running();
    state = apply(state, { from: 'agent', event: { type: 'turn_started', turn_id: 'u', time_ms: null }, time_ms: 1 });
    state = apply(state, {
      from: 'agent',
      event: {
        type: 'request',
        request: {
          request_id: 0,
          method: 'item/commandExecution/requestApproval',
          kind: 'approval',
          reason: null,
          summary: 's',
          action: {},
          choices: ['accept', 'decline'],
          turn_id: 'u',
          item_id: 'i',
        },
        time_ms: null,
      },
      time_ms: 1,
    });
    for (const mode of ['queue', 'steer', 'interrupt'] as const) {
      const asked = apply(state, {
        from: 'ledger',
        fact: { type: 'message', message_id: mode, from: 'x', text: 'hi', images: [], mode },
        time_ms: 2,
      });
      expect(next(asked, ALIVE, 2), mode).toEqual({ do: 'nothing' });
    }
  });

  it('a message that was shown before it was looked up keeps nothing waiting', () => {
    const asked = apply(running(), {
      from: 'ledger',
      fact: { type: 'message', message_id: 'm-2', from: 'x', text: 'hi', images: [], mode: 'queue' },
      time_ms: 2,
    });
    expect(next(asked, { ...ALIVE, probed: false }, 2)).toMatchObject({ do: 'deliver' });
  });

  it('what a turn that runs was steered with is not sent again while that turn may still show it', () => {
    let state = running();
    const facts: SessionFact[] = [
      { type: 'message', message_id: 'm-3', from: 'x', text: 'hi', images: [], mode: 'steer' },
      { type: 'sent', message_id: 'm-3', turn_id: 'u' },
    ];
    for (const fact of facts) state = apply(state, { from: 'ledger', fact, time_ms: 2 });
    const unknown = { ...ALIVE, probed: false };
    state = apply(state, { from: 'agent', event: { type: 'turn_started', turn_id: 'u', time_ms: null }, time_ms: 2 });
    expect(next(state, unknown, 3)).toEqual({ do: 'nothing' });
    state = apply(state, { from: 'ledger', fact: { type: 'interrupt', turn_id: 'u', by: 'x' }, time_ms: 3 });
    expect(next(state, unknown, 3)).toEqual({ do: 'interrupt', turn_id: 'u' });
    state = apply(state, {
      from: 'agent',
      event: { type: 'turn_ended', turn_id: 'u', status: 'interrupted', error: null, time_ms: null },
      time_ms: 4,
    });
    expect(next(state, unknown, 4)).toEqual({ do: 'probe' });
  });

  it('what a turn has taken is not sent again before that turn is over, shown or not', () => {
    let state = running();
    const happens = (applied: Applied): void => void (state = apply(state, applied));
    const accepted = (): (string | null)[] => state.outbox.map((message) => message.accepted_by);
    const message: SessionFact = {
      type: 'message',
      message_id: 'm-4',
      from: 'x',
      text: 'hi',
      images: [],
      mode: 'queue',
    };
    happens({ from: 'ledger', fact: message, time_ms: 2 });
    happens({ from: 'ledger', fact: { type: 'sent', message_id: 'm-4', turn_id: null }, time_ms: 2 });
    expect(accepted()).toEqual([null]);
    happens({ from: 'agent', event: { type: 'message_accepted', turn_id: 'u' }, time_ms: 3 });
    expect(accepted()).toEqual(['u']);
    expect(next(state, ALIVE, 3)).toEqual({ do: 'nothing' });
    const ended = { type: 'turn_ended', status: 'interrupted', error: null, time_ms: null } as const;
    happens({ from: 'agent', event: { ...ended, turn_id: 'another' }, time_ms: 4 });
    expect(accepted()).toEqual(['u']);
    happens({ from: 'agent', event: { ...ended, turn_id: 'u' }, time_ms: 4 });
    expect(accepted()).toEqual([null]);
  });

  it('the same request id in the next attempt is another prompt', () => {
    const ask = (state: SessionState): SessionState =>
      apply(state, {
        from: 'agent',
        event: {
          type: 'request',
          request: {
            request_id: 0,
            method: 'm',
            kind: 'approval',
            reason: null,
            summary: 's',
            action: {},
            choices: [],
            turn_id: 'u',
            item_id: null,
          },
          time_ms: null,
        },
        time_ms: 1,
      });
    const first = ask(running());
    const again = settle(
      apply(first, { from: 'ledger', fact: { type: 'desired', desired: 'restarted', by: 'x' }, time_ms: 2 }),
      ALIVE,
      { ms: 2 },
      () => undefined,
    );
    expect(again.requests).toEqual([]);
    expect(ask(again).requests[0]?.prompt_id).not.toBe(first.requests[0]?.prompt_id);
  });
});
