import type { AgentSpec } from './agent-spec.js';

/**
 * In which order agents come: each wave holds those that wait only for agents of waves before it, or for agents that are not among these. Within a
 * wave they stand as given. Agents that wait for one another, which `validate` refuses, come last.
 */
export function startWaves(agents: readonly AgentSpec[]): readonly (readonly AgentSpec[])[] {
  const waves: AgentSpec[][] = [];
  let left = [...agents];
  while (left.length > 0) {
    const ids = new Set(left.map(({ id }) => id));
    const free = left.filter((agent) => !agent.depends_on.some(({ id }) => ids.has(id)));
    const wave = free.length === 0 ? left : free;
    waves.push(wave);
    left = left.filter((agent) => !wave.includes(agent));
  }
  return waves;
}

/** The order of agents in words, a line each wave; empty where none waits for another. */
export function orderLines(agents: readonly AgentSpec[]): readonly string[] {
  if (!agents.some(({ depends_on }) => depends_on.length > 0)) return [];
  return startWaves(agents).map((wave, at) => `${String(at + 1)}. ${wave.map(withReasons).join(', ')}`);
}

function withReasons({ id, depends_on }: AgentSpec): string {
  if (depends_on.length === 0) return id;
  return `${id} (when ${depends_on.map((needed) => untilWords(needed)).join(' and ')})`;
}

/** What is waited for, as the rest of a sentence that begins with `until` or `when`. */
export function untilWords({ id, condition }: AgentSpec['depends_on'][number]): string {
  switch (condition) {
    case 'started':
      return `${id} has started`;
    case 'idle':
      return `${id} is idle after its first turn`;
    case 'synced':
      return `the work of ${id} is brought home`;
  }
}
