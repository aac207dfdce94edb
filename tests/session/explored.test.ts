import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../src/contract/agent-event.js';
import type { AgentSpec } from '../../src/contract/agent-spec.js';
import { apply as applyWith, firstState } from '../../src/session/apply.js';
import { next, type Observed, type Step } from '../../src/session/next.js';
import type { SessionFact } from '../../src/session/record.js';
import type { SessionState } from '../../src/session/state.js';
import { agentSpec } from '../support/agent-spec.js';
import { policy } from '../support/policy.js';

/** How many things happen one after the other, and how many worlds are looked at for each agent. */
const DEPTH = 8;
const MAX_WORLDS = 2_500;
/** Steps within which a world that behaves comes to rest. */
const MAX_STEPS = 120;
const NOW_MS = 1_000;
const ORDER = ['queued', 'preparing', 'starting', 'running', 'stopping', 'backing_off', 'stopped', 'failed'];

/** A session and what surrounds it: what is seen of the engine, and whether this daemon made the container that it launches. */
interface World {
  readonly state: SessionState;
  readonly seen: Observed;
  readonly prepared: boolean;
  /** The agent's process is there and works; the pipe's content that it has not read. */
  readonly unread: readonly string[];
}

const FRESH: Observed = {
  container: { state: 'unknown' },
  no_room: null,
  attached: false,
  probed: true,
  answered: new Set(),
  calling: new Set(),
  boot_id: 'one',
  interrupted_turn: null,
};

function fact(world: World, one: SessionFact, time_ms = NOW_MS): World {
  return { ...world, state: applyWith(world.state, { from: 'ledger', fact: one, time_ms }, policy) };
}

function event(world: World, one: AgentEvent): World {
  return { ...world, state: applyWith(world.state, { from: 'agent', event: one, time_ms: NOW_MS }, policy) };
}

function see(world: World, patch: Partial<Observed>): World {
  return { ...world, seen: { ...world.seen, ...patch } };
}

/** What the engine and Codex, which behave, make of a step: as session.ts carries it out. */
function perform(world: World, step: Step): World {
  const { state } = world;
  switch (step.do) {
    case 'nothing':
    case 'wait':
      return world;
    case 'commit':
      return fact(world, step.fact);
    case 'prepare': {
      const ready = fact(world, { type: 'workspace_ready', branch: null, how: 'empty', head: null });
      const id = `c${state.attempt}`;
      const made = fact(ready, { type: 'container_created', container_id: id, container_name: id, image_id: 'i' });
      return { ...see(made, { container: { state: 'unknown' } }), prepared: true };
    }
    case 'launch': {
      if (!world.prepared || (state.stage.phase === 'starting' && state.stage.started)) {
        const reason = 'the daemon ended while it launched the agent';
        return fact(world, { type: 'attempt_ending', cause: 'launch_interrupted', reason, grace_ms: 0 });
      }
      const started = fact({ ...world, prepared: false }, { type: 'container_started' });
      const running = fact(started, { type: 'running', thread_id: 't', resumed: state.thread_id !== null });
      return see(running, { container: { state: 'alive' }, attached: true, probed: true });
    }
    case 'attach': {
      const probed = !state.outbox.some((m) => m.sent);
      return see(world, { attached: true, answered: new Set(), interrupted_turn: null, probed });
    }
    case 'probe': {
      const idle = state.stage.phase === 'running' && state.stage.turn === null;
      const lost = idle ? state.outbox.filter((m) => m.sent && !world.unread.includes(m.message_id)) : [];
      const told = lost.reduce<World>(
        (now, { message_id }) => fact(now, { type: 'not_taken', message_id, reason: 'not shown', again: true }),
        world,
      );
      return see(told, { probed: true });
    }
    case 'halt': {
      const ended = fact(world, { type: 'attempt_ended' });
      const { no_room, boot_id } = world.seen;
      return { ...ended, seen: { ...FRESH, no_room, boot_id }, prepared: false, unread: [] };
    }
    case 'answer':
      return see(world, { answered: new Set([...world.seen.answered, step.open.prompt_id]) });
    case 'interrupt':
      return see(world, { interrupted_turn: step.turn_id });
    case 'call': {
      const { prompt_id } = step.open;
      return see(world, { calling: new Set([...world.seen.calling, prompt_id]) });
    }
    case 'deliver': {
      const turn_id = state.stage.phase === 'running' ? (state.stage.turn?.turn_id ?? null) : null;
      const sent = fact(world, { type: 'sent', message_id: step.message.message_id, turn_id });
      return { ...sent, unread: [...world.unread, step.message.message_id] };
    }
  }
}

/** What Codex does next by itself when it behaves; undefined when it waits for us. */
function codex(world: World): World | undefined {
  const { state, seen } = world;
  const { stage } = state;
  if (stage.phase !== 'running' || seen.container.state !== 'alive' || !seen.attached) return undefined;
  const answered = state.requests.find((open) => seen.answered.has(open.prompt_id));
  if (answered !== undefined) return event(world, { type: 'request_closed', request_id: answered.request.request_id });
  if (stage.turn !== null && seen.interrupted_turn === stage.turn.turn_id) return endTurn(world, 'interrupted');
  const [message_id, ...rest] = world.unread;
  if (message_id !== undefined) {
    const turn_id = stage.turn?.turn_id ?? `u${state.turns}`;
    const begun = stage.turn === null ? event(world, { type: 'turn_started', turn_id, time_ms: null }) : world;
    return event({ ...begun, unread: rest }, { type: 'message_shown', turn_id, message_id, text: 'x', time_ms: null });
  }
  if (stage.turn !== null && state.requests.length === 0) return endTurn(world, 'completed');
  return undefined;
}

function endTurn(world: World, status: 'completed' | 'interrupted'): World {
  const { stage } = world.state;
  if (stage.phase !== 'running' || stage.turn === null) return world;
  const over = event(world, { type: 'turn_ended', turn_id: stage.turn.turn_id, status, error: null, time_ms: null });
  return over.state.outbox.some((m) => m.sent) ? see(over, { probed: false }) : over;
}

/** What a person who answers says next; undefined when nobody waits for one. */
function person(world: World): World | undefined {
  const { state } = world;
  const request = state.requests.find((open) => open.decision === null);
  const own = state.own_prompts.find((one) => one.decision === null);
  const decided = { by: 'x', reason: null, rule: null } as const;
  if (request !== undefined)
    return fact(world, {
      type: 'decision',
      prompt_id: request.prompt_id,
      choice: 'accept',
      outcome: 'approved',
      ...decided,
    });
  if (own === undefined) return state.paused === null ? undefined : fact(world, { type: 'resumed', by: 'x' });
  const choice = own.ask.choices?.[0] ?? 'yes';
  return fact(world, { type: 'decision', prompt_id: own.prompt_id, choice, outcome: 'answered', ...decided });
}

const message = (
  message_id: string,
  mode: 'queue' | 'steer' | 'interrupt',
): Extract<SessionFact, { type: 'message' }> => ({
  type: 'message',
  message_id,
  from: 'x',
  text: 'hi',
  images: [],
  mode,
});

/** Everything that can happen to a world, by name; undefined where it cannot. */
const HAPPENINGS: Readonly<Record<string, (world: World) => World | undefined>> = {
  'the loop takes its next step': (world) => stepOf(world),
  'time passes': later,
  'codex goes on': codex,
  'a person answers': person,
  'stop is asked for': (world) => ifLive(world, { type: 'desired', desired: 'stopped', by: 'x' }),
  'restart is asked for': (world) => ifLive(world, { type: 'desired', desired: 'restarted', by: 'x' }),
  'it is paused': (world) => ifLive(world, { type: 'paused', by: 'x', interrupt: true }),
  'it is paused with a question': (world) =>
    ifLive(world, {
      type: 'paused',
      by: 'x',
      interrupt: false,
      ask: { prompt_id: newId(world), question: 'so?', choices: ['yes'] },
    }),
  'it is resumed': (world) => (world.state.paused === null ? undefined : ifLive(world, { type: 'resumed', by: 'x' })),
  'a message comes': (world) => ifNew(world, message('m1', 'queue')),
  'a message steers': (world) => ifNew(world, message('m2', 'steer')),
  'a message interrupts': (world) => ifNew(world, message('m3', 'interrupt')),
  'codex asks': (world) => ask(world, 'approval'),
  'codex asks what nobody knows': (world) => ask(world, 'other'),
  'it ends by itself': (world) =>
    gone(world, { state: 'exited', exit_code: 0, out_of_memory: false, with_engine: false }),
  'it runs out of memory': (world) =>
    gone(world, { state: 'exited', exit_code: 137, out_of_memory: true, with_engine: false }),
  'the engine is restarted': (world) =>
    gone(world, { state: 'exited', exit_code: 137, out_of_memory: false, with_engine: true }),
  'its container is removed': (world) => gone(world, { state: 'absent' }),
  'its launch fails': ({ ...world }) =>
    ['preparing', 'starting'].includes(world.state.stage.phase)
      ? fact(world, {
          type: 'attempt_ending',
          cause: 'launch_failed',
          reason: 'no image',
          grace_ms: 0,
          code: 'image_unavailable',
        })
      : undefined,
  'it does not answer': (world) =>
    world.state.stage.phase === 'running'
      ? fact(world, { type: 'attempt_ending', cause: 'unresponsive', reason: 'silent', grace_ms: 0 })
      : undefined,
  'what it writes fills the disk': (world) =>
    world.state.stage.phase === 'running'
      ? fact(world, { type: 'attempt_ending', cause: 'journal_full', reason: 'too much', grace_ms: 0 })
      : undefined,
  'its journal is cut': (world) =>
    world.state.stage.phase === 'running'
      ? fact(world, { type: 'attempt_ending', cause: 'journal_damaged', reason: 'cut', grace_ms: 0 })
      : undefined,
  'a turn stalls': (world) =>
    world.state.stage.phase === 'running' && world.state.stage.turn !== null && world.state.own_prompts.length === 0
      ? fact(world, {
          type: 'question',
          prompt_id: newId(world),
          asked_by: 'filare-agents',
          origin: 'stall',
          ask: { question: 'stalled?', choices: ['restart', 'interrupt', 'wait'] },
        })
      : undefined,
  'the daemon dies': (world) => ({
    ...see(world, {
      ...FRESH,
      boot_id: world.seen.boot_id,
      container: alive(world),
      probed: !world.state.outbox.some((m) => m.sent),
    }),
    prepared: false,
  }),
  'the machine is restarted': (world) =>
    world.seen.boot_id === 'two'
      ? undefined
      : { ...world, seen: { ...FRESH, boot_id: 'two', container: { state: 'absent' } }, prepared: false, unread: [] },
};

/** No two prompts have the same id. */
function newId({ state }: World): string {
  return `p-${state.own_prompts.length + state.closed_prompts.length}-${state.attempt}`;
}

function alive({ state, seen }: World): Observed['container'] {
  return state.stage.phase === 'running' ? seen.container : { state: 'unknown' };
}

function isOver({ state }: World): boolean {
  return state.stage.phase === 'stopped' || state.stage.phase === 'failed';
}

function ifLive(world: World, one: SessionFact): World | undefined {
  return isOver(world) || world.state.desired === 'stopped' ? undefined : fact(world, one);
}

function ifNew(world: World, one: Extract<SessionFact, { type: 'message' }>): World | undefined {
  const known = world.state.outbox.length > 0 || world.state.turns > 1;
  return known ? undefined : ifLive(world, one);
}

function ask(world: World, kind: 'approval' | 'other'): World | undefined {
  const { stage, requests } = world.state;
  if (stage.phase !== 'running' || stage.turn === null || requests.length > 0 || !world.seen.attached) return undefined;
  const method = kind === 'approval' ? 'item/commandExecution/requestApproval' : 'something/new';
  const action = { type: 'command', command: 'touch x', script: 'touch x', cwd: '/home/agent/workspace' };
  const { turn_id } = stage.turn;
  return event(world, {
    type: 'request',
    request: {
      request_id: 0,
      method,
      kind,
      reason: null,
      summary: 's',
      action,
      choices: ['accept', 'decline'],
      turn_id,
      item_id: 'i',
    },
    time_ms: null,
  });
}

function gone(world: World, container: Observed['container']): World | undefined {
  const { phase } = world.state.stage;
  if (phase !== 'starting' && phase !== 'running') return undefined;
  return world.seen.container.state === container.state ? undefined : { ...see(world, { container }), unread: [] };
}

function stepOf(world: World): World | undefined {
  const step = next(world.state, world.seen, NOW_MS);
  if (step.do === 'nothing' || step.do === 'wait') return undefined;
  return perform(world, step);
}

/** What happens once it is as late as the session waits for. */
function later(world: World): World | undefined {
  const wait = next(world.state, world.seen, NOW_MS);
  if (wait.do !== 'wait') return undefined;
  const step = next(world.state, world.seen, wait.until_ms);
  if (step.do === 'nothing' || step.do === 'wait') throw new Error(`it waited for nothing: ${JSON.stringify(step)}`);
  return perform(world, step);
}

function keyOf({ state, seen, prepared, unread }: World): string {
  const { agent: _, attempts: __, closed_prompts, ...rest } = state;
  const look = { ...seen, answered: [...seen.answered], calling: [...seen.calling] };
  return JSON.stringify([rest, closed_prompts.length, look, prepared, unread]);
}

function checkStep(before: World, after: World, how: string): void {
  const [from, to] = [before.state, after.state];
  if (from.attempt === to.attempt)
    expect(ORDER.indexOf(to.stage.phase), `${how}: ${from.stage.phase} → ${to.stage.phase}`).toBeGreaterThanOrEqual(
      ORDER.indexOf(from.stage.phase),
    );
  else expect(to.attempt, how).toBe(from.attempt + 1);
  if (isOver(before)) expect(to.stage, how).toEqual(from.stage);
  expect(new Set(to.outbox.map((m) => m.message_id)).size, how).toBe(to.outbox.length);
}

/** Lets everybody behave until nothing is left to do: the loop first, then Codex, then a person, then the clock. */
function settle(begin: World, path: readonly string[]): World {
  let world = begin;
  const been = new Set<string>();
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    const key = keyOf(world);
    if (been.has(key)) throw new Error(`the same again and again after: ${path.join(' · ')}\n${key}`);
    been.add(key);
    const step = next(world.state, world.seen, NOW_MS);
    const after =
      step.do === 'nothing' || step.do === 'wait'
        ? (codex(world) ?? person(world) ?? later(world))
        : perform(world, step);
    if (after === undefined) return world;
    checkStep(world, after, [...path, step.do].join(' · '));
    world = after;
  }
  throw new Error(`not at rest after ${MAX_STEPS} steps: ${path.join(' · ')}: ${JSON.stringify(world.state.stage)}`);
}

const AGENTS: Readonly<Record<string, AgentSpec>> = {
  'an ordinary agent': agentSpec({ id: 'a' }),
  'an agent with a limit of one turn': agentSpec({ id: 'a', limits: { turns: 1 } }),
  'an agent that is asked about after one failure': agentSpec({
    id: 'a',
    restart: { policy: 'on-failure', max_attempts: 1, backoff_ms: 10, backoff_max_ms: 10, reset_after_ms: 600_000 },
  }),
  'an agent that is never restarted': agentSpec({
    id: 'a',
    restart: { policy: 'never', max_attempts: 5, backoff_ms: 10, backoff_max_ms: 10, reset_after_ms: 600_000 },
  }),
};

const LOOP = 'the loop takes its next step';
const RUNS = [LOOP, LOOP, LOOP];
const WORKS = [...RUNS, 'a message comes', LOOP, 'codex goes on'];
/** Where looking begins: what an agent has been through already. */
const BEGINNINGS: Readonly<Record<string, readonly string[]>> = {
  'just created': [],
  running: RUNS,
  'in a turn': WORKS,
  'in a turn that asks': [...WORKS, 'codex asks'],
  'in its second attempt': [...WORKS, 'it ends by itself', LOOP, LOOP, LOOP, 'time passes', LOOP, LOOP],
};

describe('every world that so many happenings lead to', () => {
  for (const [name, agent] of Object.entries(AGENTS)) {
    for (const [beginning, walk] of Object.entries(BEGINNINGS)) {
      if (agent.restart.policy === 'never' && beginning === 'in its second attempt') continue;
      it(`${name}, ${beginning}: comes to rest as desired, never goes back, never repeats a step for ever`, () => {
        const created = { type: 'created', agent, rehearsal: null, by: 'x' } as const;
        let first: World = { state: firstState('s', created, NOW_MS), seen: FRESH, prepared: false, unread: [] };
        for (const how of walk) first = HAPPENINGS[how]?.(first) ?? first;
        const seen = new Map<string, number>([[keyOf(first), 0]]);
        const queue: { readonly world: World; readonly path: readonly string[] }[] = [{ world: first, path: [] }];
        for (const { world, path } of queue) {
          const rest = settle(world, path);
          const { state } = rest;
          const where = path.join(' · ');
          if (world.state.desired === 'stopped') expect(isOver(rest), where).toBe(true);
          else expect(['running', 'failed', 'stopped'], where).toContain(state.stage.phase);
          if (state.stage.phase === 'stopped') expect(state.desired, where).toBe('stopped');
          if (state.stage.phase === 'running') {
            expect(state.outbox, where).toEqual([]);
            expect(state.requests, where).toEqual([]);
            expect(state.own_prompts, where).toEqual([]);
          }
          if (isOver(rest)) expect([...state.requests, ...state.own_prompts], where).toEqual([]);
          if (path.length === DEPTH) continue;
          for (const [how, happen] of Object.entries(HAPPENINGS)) {
            const after = happen(world);
            if (after === undefined) continue;
            checkStep(world, after, [...path, how].join(' · '));
            const key = keyOf(after);
            if (seen.has(key) || seen.size >= MAX_WORLDS) continue;
            seen.set(key, path.length + 1);
            queue.push({ world: after, path: [...path, how] });
          }
        }
        expect(seen.size).toBeGreaterThan(1_000);
      });
    }
  }
});
