import { unreachable } from '../contract/errors.js';
import { startAgain } from '../contract/start-again.js';
import { untilWords } from '../contract/start-order.js';
import type { DependedOn, Verdict } from './admission.js';
import { gib } from './gib.js';

/**
 * For what a session waits, as a sentence. It changes only when something has to be done or has been done about it: each change is an entry of its
 * transcript. `verdicts` are those of all that wait.
 */
export function queueReason(
  verdict: Exclude<Verdict, { is: 'admitted' }>,
  verdicts: ReadonlyMap<string, Verdict>,
): string {
  switch (verdict.is) {
    case 'waiting for agents':
      return verdict.agents.map((on) => agentReason(on, verdicts)).join('; ');
    case 'waiting for a place': {
      const { taken, places, before } = verdict;
      return `waits for a free place: ${String(taken)} of ${String(places)} run${queueBefore(before)}`;
    }
    case 'waiting for memory': {
      const { wanted, promised, total, holders, before } = verdict;
      return `needs ${gib(wanted)} of memory; ${gib(promised)} of ${gib(total)} are promised to ${String(holders)} running agents${queueBefore(before)}`;
    }
    default:
      return unreachable(verdict);
  }
}

function agentReason({ needed, live, ended }: DependedOn, verdicts: ReadonlyMap<string, Verdict>): string {
  const { id, condition } = needed;
  const waits = `waits until ${untilWords(needed)}`;
  const again = startAgain(id, ended?.rehearsal ?? null);
  if (live === null) {
    if (ended === null) return `${waits}; it is not started: ${again}`;
    if (condition === 'synced') return `${waits}: filare-agents sync ${id}; its session has ended`;
    return `${waits}; its session ${ended.phase === 'failed' ? 'has failed' : 'has ended'}: ${again}`;
  }
  const { stage, desired, session_id } = live;
  if (desired === 'stopped') return `${waits}; it is being stopped`;
  const verdict = verdicts.get(session_id);
  if (stage.phase !== 'queued' || verdict === undefined) {
    const hint = condition === 'synced' && live.progress !== 'none' ? `: filare-agents sync ${id}` : '';
    return `${waits}${hint}`;
  }
  switch (verdict.is) {
    case 'admitted':
      return waits;
    case 'waiting for agents':
      return `${waits}; it waits for other agents itself`;
    case 'waiting for a place':
      return `${waits}; it waits itself for a place that agents hold until they end (${String(verdict.taken)} of ${String(verdict.places)} run)`;
    case 'waiting for memory':
      return `${waits}; it waits for memory itself`;
    default:
      return unreachable(verdict);
  }
}

function queueBefore(before: number): string {
  return before === 0 ? '' : `, ${String(before)} in the queue before it`;
}
