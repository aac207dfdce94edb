import type { Prompt } from '../contract/session.js';

/** What a prompt asks, for a line that names the agent already: `wants to run …` instead of `docs (DOCUMENTATION) wants to run …`. */
export function asksWords({ id, role, summary }: Pick<Prompt, 'id' | 'role' | 'summary'>): string {
  const who = `${id} (${role}) `;
  return summary.startsWith(who) ? summary.slice(who.length).replace(/^asks: /, '') : summary;
}
