import type { AgentSpec } from '../contract/agent-spec.js';
import type { EngineInfo } from '../engine/engine.js';
import type { SessionState } from '../session/state.js';

/**
 * Null when the host's memory holds one more agent; else the sentence that says why not, and after whom it comes. Promised memory counts, not used
 * memory; those that queued first start first. Pure.
 */
export function noRoomFor(
  session_id: string,
  agent: AgentSpec,
  states: readonly SessionState[],
  info: EngineInfo | null,
): string | null {
  if (info === null) return null;
  const wanted = agent.resources.memory_bytes;
  const holding = states.filter((s) => s.session_id !== session_id && holdsMemory(s));
  const promised = holding.reduce((sum, s) => sum + s.agent.resources.memory_bytes, 0);
  const own = states.find((s) => s.session_id === session_id);
  const before = states.filter(
    (s) =>
      s.session_id !== session_id &&
      s.stage.phase === 'queued' &&
      s.desired === 'running' &&
      own !== undefined &&
      comesBefore(s, own),
  );
  const ahead = before.reduce((sum, s) => sum + s.agent.resources.memory_bytes, 0);
  if (promised + ahead + wanted <= info.memory_bytes) return null;
  const queue = before.length === 0 ? '' : `, ${String(before.length)} in the queue before it`;
  return `needs ${gib(wanted)} of memory; ${gib(promised)} of ${gib(info.memory_bytes)} are promised to ${String(holding.length)} running agents${queue}`;
}

function holdsMemory(state: SessionState): boolean {
  const { phase } = state.stage;
  return (
    phase === 'preparing' ||
    phase === 'starting' ||
    phase === 'running' ||
    phase === 'stopping' ||
    phase === 'backing_off'
  );
}

function comesBefore(a: SessionState, b: SessionState): boolean {
  return a.started_ms < b.started_ms || (a.started_ms === b.started_ms && a.session_id < b.session_id);
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
