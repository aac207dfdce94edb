import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentSpec } from '../contract/agent-spec.js';
import { FilareError } from '../contract/errors.js';
import type { EngineInfo } from '../engine/engine.js';
import { bookedToStay } from '../session/booking.js';
import type { ForkPoint } from '../session/record.js';
import type { SessionMemory } from '../session/session-memory.js';
import type { Session } from '../session/session.js';
import type { FleetSurroundings } from './surroundings.js';
import { gib } from './gib.js';
import { openMemory } from './open-memory.js';

/** How a session is begun. */
export interface BeginOptions {
  /** Where the rehearsal's script was read from; null for the model. */
  readonly rehearsal: string | null;
  readonly by: string;
  /** It begins while fewer agents than this run. */
  readonly max_parallel: number | null;
  readonly fork?: ForkPoint;
  /** In place of a new id. */
  readonly session_id?: string;
}

/** The id of a new session of an agent. */
export function newSessionId(around: Pick<FleetSurroundings, 'now_ms' | 'random'>, id: string): string {
  const time = new Date(around.now_ms()).toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
  return `${id}-${time}-${around.random(4)}`;
}

/** Makes the record of a new session: its folder, booked, and the first lines of its ledger, on disk when this resolves. */
export async function beginRecord(
  around: FleetSurroundings,
  agent: AgentSpec,
  options: BeginOptions,
): Promise<{ readonly folder: string; readonly memory: SessionMemory }> {
  const { rehearsal, by, max_parallel, fork, session_id = newSessionId(around, agent.id) } = options;
  const folder = join(around.paths.outputs, agent.role, session_id);
  await bookedToStay(around.resources, { name: folder, session_id }, 'record of the session', () =>
    mkdir(folder, { recursive: true, mode: 0o700 }),
  );
  const memory = await openMemory(around, session_id, folder, {
    type: 'created',
    agent,
    rehearsal,
    by,
    rules: [...around.standing.of(agent.id)],
    ...(max_parallel === null ? {} : { max_parallel }),
    ...(fork === undefined ? {} : { fork }),
  });
  await sayGoal(around, memory);
  return { folder, memory };
}

/** Puts the agent's goal, its first message, into the outbox; harmless where it is, or was. A daemon may have died between the first two lines of a record. */
export async function sayGoal(around: Pick<FleetSurroundings, 'random'>, memory: SessionMemory): Promise<void> {
  const { agent, attempt, stage, outbox } = memory.state;
  // Nothing leaves the outbox before the first attempt.
  if (agent.goal === undefined || attempt > 0 || stage.phase !== 'queued') return;
  if (outbox.some((message) => message.from === 'goal')) return;
  await memory.commit({
    type: 'message',
    message_id: `m-${around.random(12)}`,
    from: 'goal',
    text: agent.goal,
    images: [],
    mode: 'queue',
  });
}

/** The session of that agent which is not over, among these; undefined when there is none. `conflict` when one stands in the way. */
export function runningSession(id: string, live: Iterable<Session>): Session | undefined {
  for (const session of live) {
    if (session.ended || session.state.agent.id.toLowerCase() !== id.toLowerCase()) continue;
    refuseOther(id, session);
    return session;
  }
  return undefined;
}

/** Refuses (`limit_exceeded`) an agent that the host can never hold. */
export function refuseTooLarge(agent: AgentSpec, info: EngineInfo | null): void {
  if (info === null || agent.resources.memory_bytes <= info.memory_bytes) return;
  throw new FilareError({
    code: 'limit_exceeded',
    message: `agent ${agent.id} asks for ${gib(agent.resources.memory_bytes)} of memory; the host has ${gib(info.memory_bytes)}`,
    hint: 'lower resources.memory in its manifest',
  });
}

/** Home, workspace and Codex home are found by the id, whatever its case; a session that is being stopped is not one that runs. */
function refuseOther(id: string, running: Session): void {
  const { agent, desired } = running.state;
  if (agent.id !== id) {
    throw new FilareError({
      code: 'conflict',
      message: `agent ${agent.id} is running; ${id} differs from it in case only`,
      hint: 'give one of them another id',
    });
  }
  if (desired === 'stopped') {
    throw new FilareError({
      code: 'conflict',
      message: `agent ${id} is being stopped`,
      hint: 'start it when it has stopped',
    });
  }
}
