/**
 * Which sessions of the queue begin. Contract:
 * - one whose dependencies are not met yet is passed over: it holds no place and no memory, and nobody waits for it;
 * - the others come in the order in which they were started: a small one behind a large one does not overtake it, unless that is larger than the host;
 * - a place and memory are held from the moment a session may begin until it has ended, between two attempts too;
 * - all is derived from the states of sessions; what was just let in counts from that moment, until its state says so.
 */
import type { Dependency, DependencyCondition } from '../contract/agent-spec.js';
import type { SessionRow } from '../contract/session.js';
import { isOver } from '../contract/phase.js';
import type { EngineInfo } from '../engine/engine.js';
import { reachedOf } from '../session/progress.js';
import type { SessionState } from '../session/state.js';
import { queueReason } from './queue-reason.js';

/** What of a session in the queue matters here. */
export type Candidate = Pick<SessionState, 'session_id' | 'agent' | 'started_ms' | 'max_parallel'>;

/** A session that is over, as far as it matters here. */
export interface EndedAgent {
  readonly phase: 'stopped' | 'failed';
  readonly reached: readonly DependencyCondition[];
  readonly ended_ms: number;
  /** Where the script of a rehearsed one was read from. */
  readonly rehearsal: string | null;
}

/** An agent that a session waits for, as it stands: its live session, else the latest that has ended. */
export interface DependedOn {
  readonly needed: Dependency;
  readonly live: SessionState | null;
  readonly ended: EndedAgent | null;
}

/** What is decided of a session in the queue. */
export type Verdict =
  | { readonly is: 'admitted' }
  | { readonly is: 'waiting for agents'; readonly agents: readonly DependedOn[] }
  | { readonly is: 'waiting for a place'; readonly taken: number; readonly places: number; readonly before: number }
  | {
      readonly is: 'waiting for memory';
      readonly wanted: number;
      readonly promised: number;
      readonly holders: number;
      readonly total: number;
      readonly before: number;
    };

/** Everything that decides. */
export interface Queue {
  /** Sessions that are not over. */
  readonly states: readonly SessionState[];
  /** The latest ended session of an agent. */
  readonly ended: (id: string) => EndedAgent | null;
  readonly info: EngineInfo;
  /** Sessions that were let in and whose state does not say so yet. */
  readonly admitted: ReadonlySet<string>;
}

/** The verdict on every session that waits, and on `more`, which come after them. Pure. */
export function verdictsOf(queue: Queue, more: readonly Candidate[] = []): ReadonlyMap<string, Verdict> {
  const holding = queue.states.filter((state) => holds(state) || isLetIn(state, queue));
  const promised = memoryOf(holding);
  const waiting: Candidate[] = queue.states
    .filter((state) => isQueued(state) && !isLetIn(state, queue))
    .sort((a, b) => a.started_ms - b.started_ms || (a.session_id < b.session_id ? -1 : 1));
  const verdicts = new Map<string, Verdict>();
  const before: Candidate[] = [];
  for (const one of [...waiting, ...more]) {
    const verdict = judge(one, { queue, taken: holding.length, promised, before });
    verdicts.set(one.session_id, verdict);
    if (verdict.is === 'admitted' || (verdict.is === 'waiting for memory' && fitsAtAll(verdict))) before.push(one);
  }
  return verdicts;
}

/** The host may have less memory than it had when the session was started: nobody waits behind one that can never begin. */
function fitsAtAll({ wanted, total }: Extract<Verdict, { is: 'waiting for memory' }>): boolean {
  return wanted <= total;
}

/** What is looked at, each time anew. */
export interface AdmissionWorld {
  readonly states: () => readonly SessionState[];
  readonly ended: () => Iterable<{ readonly row: SessionRow }>;
  /** Null while the engine has not said what the host has. */
  readonly info: () => EngineInfo | null;
}

/** Lets sessions in, each when its turn has come. */
export class Admission {
  readonly #world: AdmissionWorld;
  readonly #admitted = new Set<string>();

  constructor(world: AdmissionWorld) {
    this.#world = world;
  }

  /** Null when the session may begin, and from then on what it needs is its own; else the sentence that says for what it waits. */
  ask(session_id: string): string | null {
    const queue = this.#queue();
    if (queue === null) return NO_ENGINE;
    if (this.#admitted.has(session_id)) return null;
    const verdicts = verdictsOf(queue);
    const verdict = verdicts.get(session_id);
    if (verdict !== undefined && verdict.is !== 'admitted') return queueReason(verdict, verdicts);
    this.#admitted.add(session_id);
    return null;
  }

  /** For what a session that was started now would wait; null when for nothing. */
  foresee(candidate: Candidate): string | null {
    const queue = this.#queue();
    if (queue === null) return NO_ENGINE;
    const verdicts = verdictsOf(queue, [candidate]);
    const verdict = verdicts.get(candidate.session_id);
    return verdict === undefined || verdict.is === 'admitted' ? null : queueReason(verdict, verdicts);
  }

  #queue(): Queue | null {
    const info = this.#world.info();
    const states = this.#world.states();
    const queued = new Set(states.filter(isQueued).map(({ session_id }) => session_id));
    for (const session_id of this.#admitted) if (!queued.has(session_id)) this.#admitted.delete(session_id);
    if (info === null) return null;
    return { states, ended: (id) => latest(id, this.#world.ended()), info, admitted: this.#admitted };
  }
}

const NO_ENGINE = 'the engine does not answer';

interface Standing {
  readonly queue: Queue;
  readonly taken: number;
  readonly promised: number;
  readonly before: readonly Candidate[];
}

function judge(one: Candidate, { queue, taken, promised, before }: Standing): Verdict {
  const agents = one.agent.depends_on.map((needed) => dependedOn(needed, queue)).filter((on) => !isMet(on, one));
  if (agents.length > 0) return { is: 'waiting for agents', agents };
  const { max_parallel: places } = one;
  if (places !== null && taken + before.length >= places)
    return { is: 'waiting for a place', taken, places, before: before.length };
  const wanted = one.agent.resources.memory_bytes;
  const total = queue.info.memory_bytes;
  if (promised + memoryOf(before) + wanted <= total) return { is: 'admitted' };
  return { is: 'waiting for memory', wanted, promised, holders: taken, total, before: before.length };
}

function dependedOn(needed: Dependency, { states, ended }: Queue): DependedOn {
  const known = states.filter(({ agent }) => agent.id === needed.id);
  const live = known.find((state) => !isOver(state.stage)) ?? null;
  if (live !== null) return { needed, live, ended: null };
  // Over, and not put away yet.
  const { stage, rehearsal } = known.at(-1) ?? { stage: null, rehearsal: null };
  if (stage === null || (stage.phase !== 'stopped' && stage.phase !== 'failed'))
    return { needed, live, ended: ended(needed.id) };
  const reached = known.flatMap((state) => reachedOf(state));
  return { needed, live, ended: { phase: stage.phase, reached, ended_ms: stage.at_ms, rehearsal } };
}

/**
 * A live session counts for all it has met. One that has ended counts too: what it did is there. But nothing of it runs any more, so it has `started` only for
 * those that were in the queue by then.
 */
function isMet({ needed: { condition }, live, ended }: DependedOn, one: Candidate): boolean {
  if (live !== null) return reachedOf(live).includes(condition);
  if (ended === null || !ended.reached.includes(condition)) return false;
  return condition !== 'started' || ended.ended_ms >= one.started_ms;
}

function latest(id: string, ended: Iterable<{ readonly row: SessionRow }>): EndedAgent | null {
  let found: SessionRow | undefined;
  for (const { row } of ended)
    if (row.id === id && (found === undefined || row.started_at > found.started_at)) found = row;
  if (found === undefined) return null;
  const { phase, reached, ended_at, rehearsal } = found;
  return {
    phase: phase === 'failed' ? phase : 'stopped',
    reached,
    ended_ms: ended_at === null ? 0 : Date.parse(ended_at),
    rehearsal,
  };
}

function isQueued({ stage, desired }: SessionState): boolean {
  return stage.phase === 'queued' && desired === 'running';
}

function isLetIn(state: SessionState, { admitted }: Queue): boolean {
  return isQueued(state) && admitted.has(state.session_id);
}

function holds(state: SessionState): boolean {
  return state.stage.phase !== 'queued' && !isOver(state.stage);
}

function memoryOf(sessions: readonly Pick<Candidate, 'agent'>[]): number {
  return sessions.reduce((sum, { agent }) => sum + agent.resources.memory_bytes, 0);
}
