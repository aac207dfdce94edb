import type { TranscriptEntry } from '../contract/transcript.js';
import { showHidden } from './sanitize.js';

/** A text of an entry under a word that says what it is. */
export interface ExportPart {
  readonly label: string;
  readonly text: string;
}

/** An entry as an export shows it: a line that says who and when, and its texts. Nothing in it is invisible. */
export interface ExportEntry {
  readonly seq: number;
  readonly kind: TranscriptEntry['kind'];
  readonly direction: TranscriptEntry['direction'];
  readonly title: string;
  readonly parts: readonly ExportPart[];
}

/** Facts that the text or the title says already. */
const SAID = new Set(['output', 'exit_code', 'changes', 'item_id', 'turn_id', 'message_id', 'phase']);

/** The entry, to be shown. */
export function exportEntry(entry: TranscriptEntry): ExportEntry {
  const { seq, kind, direction, timestamp, from, attempt, text = '', data = {} } = entry;
  const exit = typeof data['exit_code'] === 'number' ? ` (exit ${data['exit_code']})` : '';
  const parts: ExportPart[] = [{ label: kind, text }];
  if (typeof data['output'] === 'string' && data['output'] !== '')
    parts.push({ label: 'output', text: data['output'] });
  if (Array.isArray(data['changes'])) parts.push(...data['changes'].map(changePart));
  const rest = Object.entries(data).filter(([name, value]) => !SAID.has(name) && value !== null);
  if (rest.length > 0) parts.push({ label: 'facts', text: JSON.stringify(Object.fromEntries(rest), null, 2) });
  return {
    seq,
    kind,
    direction,
    title: showHidden(`${seq} · ${timestamp} · ${from} · ${kind}${exit}${attempt > 1 ? ` · attempt ${attempt}` : ''}`),
    parts: parts.filter((part) => part.text !== '').map((part) => ({ ...part, text: showHidden(part.text) })),
  };
}

function changePart(change: unknown): { label: string; text: string } {
  const { path, diff }: { path?: unknown; diff?: unknown } =
    typeof change === 'object' && change !== null ? change : {};
  const name = typeof path === 'string' ? path : 'a file';
  return { label: 'change', text: `${name}\n${typeof diff === 'string' ? diff : ''}` };
}
