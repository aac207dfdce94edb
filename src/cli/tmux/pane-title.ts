import { unreachable } from '../../contract/errors.js';
import type { SessionRow } from '../../contract/session.js';
import { plural } from '../fleet-table.js';

/** Everything that is not plainly a letter or digit of any script, or harmless: tmux runs what stands in `#(…)`, and styles what stands in `#[…]`. */
const NOT_PLAIN = /[^\p{L}\p{M}\p{N} _.,:()/-]/gu;

/** A text that tmux shows as it is, and only shows. */
export function plainTitle(text: string): string {
  return text.replace(NOT_PLAIN, '_');
}

/** The title over an agent's pane: id, state, how many prompts wait, and role: last, for a narrow pane cuts the end off. */
export function paneTitle(row: SessionRow): string {
  const state = row.phase === 'running' ? (row.activity ?? 'running') : row.phase.replace('_', ' ');
  const health = row.phase !== 'running' || ['ok', 'unknown'].includes(row.health) ? [] : [row.health];
  const prompts = row.pending_prompts === 0 ? [] : [plural(row.pending_prompts, 'prompt')];
  return plainTitle(`${row.id}: ${[state, ...health, ...prompts].join(', ')} (${row.role})`);
}

/** The colour of that title, by tmux's name: what waits for a person in yellow, what went wrong in red. */
export function paneColor(row: SessionRow): string {
  switch (row.phase) {
    case 'failed':
      return 'red';
    case 'queued':
    case 'backing_off':
      return 'yellow';
    case 'preparing':
    case 'starting':
    case 'stopping':
      return 'blue';
    case 'stopped':
      return 'default';
    case 'running':
      break;
    default:
      return unreachable(row.phase);
  }
  if (row.health !== 'ok' && row.health !== 'unknown') return 'red';
  if (row.pending_prompts > 0 || row.activity === 'waiting' || row.activity === 'paused') return 'yellow';
  return row.activity === 'working' ? 'green' : 'default';
}
