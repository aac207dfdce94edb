import type { SessionRow } from '../contract/session.js';
import { sayAge, sayCount } from './duration.js';
import { styled, type Span, type Style } from './style.js';
import { tableLines, type Column } from './table.js';

/** How to show rows. */
export interface FleetTableOptions {
  readonly now_ms: number;
  /** Characters of the terminal; Infinity where lines may be as long as they are. */
  readonly columns: number;
  /** Session ids beside agent ids: where one agent may be there more than once. */
  readonly session_ids?: boolean;
}

/** The sessions as a table: one line each, what needs a person in yellow, what went wrong in red. */
export function fleetTable(rows: readonly SessionRow[], options: FleetTableOptions): Span[][] {
  const head: Column[] = [
    { title: 'ID', shrink: true },
    ...(options.session_ids === true ? [{ title: 'SESSION', shrink: true }] : []),
    { title: 'ROLE', shrink: true },
    { title: 'PHASE' },
    { title: 'ACTIVITY' },
    { title: 'HEALTH' },
    { title: 'PROMPTS', align: 'right' },
    { title: 'TOKENS', align: 'right' },
    { title: 'AGE', align: 'right' },
    { title: 'BRANCH', shrink: true },
    { title: 'NOTE', shrink: true },
  ];
  const places = queuePlaces(rows);
  const cells = rows.map((row): Span[] => [
    styled('bold', row.id),
    ...(options.session_ids === true ? [row.session_id] : []),
    row.role,
    styled(PHASE_STYLES[row.phase], row.attempt > 1 ? `${row.phase} (${row.attempt})` : row.phase),
    activitySpan(row),
    row.health === 'ok' ? 'ok' : styled(row.health === 'unknown' ? 'dim' : 'red', row.health),
    row.pending_prompts > 0 ? styled('yellow', String(row.pending_prompts)) : styled('dim', '0'),
    sayCount(row.tokens.total),
    sayAge(row.started_at, row.ended_at === null ? options.now_ms : Date.parse(row.ended_at)),
    row.branch ?? styled('dim', '-'),
    noteOf(row, places.get(row.session_id)),
  ]);
  return tableLines(head, cells, options.columns);
}

/** The sessions counted for one line: `3 sessions · 2 idle · 1 working · 0 prompts · 12.3k tokens`. */
export function fleetTotals(rows: readonly SessionRow[]): Span[] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const word = row.phase === 'running' ? (row.activity ?? 'running') : row.phase;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const prompts = rows.reduce((sum, row) => sum + row.pending_prompts, 0);
  const tokens = rows.reduce((sum, row) => sum + row.tokens.total, 0);
  const said = [
    plural(rows.length, 'session'),
    ...[...counts].map(([word, count]) => `${count} ${word}`),
    plural(prompts, 'prompt'),
    `${sayCount(tokens)} tokens`,
  ];
  return [styled(prompts > 0 ? 'yellow' : 'dim', said.join(' · '))];
}

/** One sentence on what a session is now, for plain lines: `running, working`. */
export function stateWords(row: SessionRow): string {
  const note = [row.waiting_for ?? row.end_reason ?? [], notHomeWords(row) ?? []].flat().join('; ');
  const activity = row.phase === 'running' && row.activity !== null ? `, ${row.activity}` : '';
  const health = row.health === 'ok' || row.health === 'unknown' ? '' : `, ${row.health}`;
  const prompts = row.pending_prompts > 0 ? `, ${plural(row.pending_prompts, 'open prompt')}` : '';
  return `${row.phase}${activity}${health}${prompts}${note === '' ? '' : `: ${note}`}`;
}

function notHomeWords({ not_brought_home }: SessionRow): string | null {
  return not_brought_home === null ? null : `not brought home: ${not_brought_home}`;
}

/** `1 session`, `2 sessions`. */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

const PHASE_STYLES: Readonly<Record<SessionRow['phase'], Style>> = {
  queued: 'yellow',
  preparing: 'blue',
  starting: 'blue',
  running: 'green',
  stopping: 'blue',
  backing_off: 'yellow',
  stopped: 'dim',
  failed: 'red',
};

function activitySpan(row: SessionRow): Span {
  if (row.activity === null) return styled('dim', '-');
  const style: Readonly<Record<typeof row.activity, Style>> = {
    idle: 'dim',
    working: 'cyan',
    waiting: 'yellow',
    paused: 'yellow',
  };
  return styled(style[row.activity], row.activity);
}

/** Where each session of the queue stands in it, from 1. */
function queuePlaces(rows: readonly SessionRow[]): ReadonlyMap<string, number> {
  const queue = rows
    .filter((row) => row.phase === 'queued')
    .sort((a, b) => a.started_at.localeCompare(b.started_at) || (a.session_id < b.session_id ? -1 : 1));
  return new Map(queue.map((row, at) => [row.session_id, at + 1]));
}

function noteOf(row: SessionRow, place: number | undefined): Span {
  const why = row.waiting_for ?? row.end_reason;
  const said = place === undefined ? why : `${place}. in the queue${why === null ? '' : `: ${why}`}`;
  // Of one that was stopped as asked, that it was is known; what is left to do is not.
  const left = row.phase === 'stopped' ? notHomeWords(row) : null;
  if (left !== null) return styled('yellow', left);
  if (said !== null) return row.phase === 'failed' ? styled('red', said) : styled('dim', said);
  return row.manifest_changed ? styled('yellow', 'manifest changed since') : '';
}
