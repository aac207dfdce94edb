import type { Prompt } from '../../contract/session.js';
import { showHidden } from '../../transcript/sanitize.js';
import { sayAge } from '../duration.js';
import { plural } from '../fleet-table.js';
import type { ScreenCursor } from '../full-screen.js';
import { deadlineSpan, severitySpan } from '../prompt-table.js';
import { ruleWords } from '../rule-words.js';
import { styled, textOf, type Span } from '../style.js';
import { displayWidth, tableLines } from '../table.js';
import { wrapLine } from '../wrap-line.js';
import { HELP_LINES, hintsFor } from './inbox-help.js';
import { faceOf, viewedPrompt, type InboxMode, type InboxState } from './inbox-state.js';
import { renderInput } from './render-input.js';
import { asksWords } from '../asks-words.js';

/** What the drawing needs to know. */
export interface InboxSight {
  readonly columns: number;
  readonly rows: number;
  readonly now_ms: number;
  /** The facts of the prompt that `viewedPrompt` names, wrapped to `columns`. */
  readonly detail: readonly (readonly Span[])[];
}

/** A drawn inbox: at most `rows` lines, and what keys need to know of it. */
export interface InboxPicture {
  readonly lines: readonly (readonly Span[])[];
  readonly cursor: ScreenCursor | null;
  readonly pane: { readonly height: number; readonly lines: number };
  /** The prompt that can be read, as `faceOf` names it. */
  readonly shown: string | null;
}

/** The smallest terminal in which something can be read well enough to decide about it. */
const MIN_COLUMNS = 30;
const MIN_ROWS = 8;
/** Lines that are neither list nor detail: title, divider, what happened, keys. */
const FIXED_ROWS = 4;
/** Characters of a summary that can be of use in the list. */
const SUMMARY_CHARS = 400;

/** Draws the inbox. Pure; every text of an agent may still hold what only `Output` makes safe. */
export function renderInbox(state: InboxState, sight: InboxSight): InboxPicture {
  const { columns, rows } = sight;
  const nothing = { cursor: null, pane: { height: 0, lines: 0 }, shown: null };
  if (columns < MIN_COLUMNS || rows < MIN_ROWS) {
    const words = `too small: ${MIN_COLUMNS}x${MIN_ROWS} needed. q leaves`;
    return { ...nothing, lines: wrapLine([styled('yellow', words)], columns, 'words').slice(0, rows) };
  }
  if (state.mode.type === 'help') return { ...nothing, lines: [titleLine(state), [], ...HELP_LINES].slice(0, rows) };
  const list = listLines(state, sight);
  const height = rows - FIXED_ROWS - list.length;
  const pane = state.mode.type === 'rule' ? ruleLines(state.mode, columns) : sight.detail;
  const scroll = Math.min(state.scroll, Math.max(0, pane.length - height));
  const visible = pane.slice(scroll, scroll + height);
  const padding = Array.from({ length: height - visible.length }, (): Span[] => []);
  const input = state.mode.type === 'line' ? renderInput(state.mode, columns) : undefined;
  const prompt = viewedPrompt(state);
  return {
    lines: [
      titleLine(state),
      ...list,
      dividerLine(state, prompt, { ...sight, from: scroll, height, total: pane.length }),
      ...visible,
      ...padding,
      input?.line ?? noteLine(state),
      hintsFor(state.mode, prompt),
    ],
    cursor: input === undefined ? null : { row: rows - 2, column: input.column },
    pane: { height, lines: pane.length },
    shown: prompt === undefined ? null : faceOf(prompt),
  };
}

function titleLine(state: InboxState): Span[] {
  const critical = state.prompts.filter((prompt) => prompt.severity === 'critical').length;
  return [
    styled('bold', 'inbox  '),
    styled(state.prompts.length > 0 ? 'yellow' : 'dim', plural(state.prompts.length, 'prompt')),
    ...(critical > 0 ? [' · ', styled('red', `${critical} critical`)] : []),
    ...(state.is_connected ? [] : [styled('red', '  the daemon does not answer; any command starts it again')]),
  ];
}

function listLines(state: InboxState, { columns, rows, now_ms }: InboxSight): Span[][] {
  const { prompts } = state;
  if (prompts.length === 0) return [];
  const count = Math.min(prompts.length, Math.max(1, Math.floor((rows - FIXED_ROWS) / 3)));
  const place = prompts.findIndex((prompt) => prompt.prompt_id === state.selected);
  const first = Math.min(Math.max(0, place - Math.floor(count / 2)), prompts.length - count);
  const cells = prompts.slice(first, first + count).map((prompt): Span[] => {
    const is_selected = prompt.prompt_id === state.selected;
    const text = asksWords(prompt)
      .slice(0, SUMMARY_CHARS)
      .replace(/[\ud800-\udbff]$/, '');
    const summary = showHidden(text);
    return [
      is_selected ? styled('cyan', '>') : '',
      prompt.severity === 'critical' ? styled('red', '!') : '',
      styled(is_selected ? 'bold' : 'yellow', prompt.prompt_id),
      is_selected ? styled('bold', prompt.id) : prompt.id,
      state.deciding.has(prompt.prompt_id) ? styled('dim', 'deciding') : prompt.kind,
      sayAge(prompt.created_at, now_ms),
      deadlineSpan(prompt, now_ms),
      is_selected ? styled('bold', summary) : summary,
    ];
  });
  return tableLines(COLUMNS, cells, columns).slice(1);
}

const COLUMNS = [
  { title: '' },
  { title: '' },
  { title: '', shrink: true },
  { title: '', shrink: true },
  { title: '' },
  { title: '', align: 'right' as const },
  { title: '', align: 'right' as const },
  { title: '', shrink: true },
];

interface Divider {
  readonly columns: number;
  readonly now_ms: number;
  /** Lines of the detail that are scrolled away, that can be seen, and that there are. */
  readonly from: number;
  readonly height: number;
  readonly total: number;
}

function dividerLine(state: InboxState, prompt: Prompt | undefined, divider: Divider): Span[] {
  const { columns, now_ms, from, height, total } = divider;
  if (prompt === undefined) return [styled('dim', '─'.repeat(columns))];
  const at = state.prompts.findIndex((one) => one.prompt_id === prompt.prompt_id);
  const place = at === -1 ? 'closed' : `${at + 1} of ${state.prompts.length}`;
  const scrolled = total > height ? ` lines ${from + 1}-${Math.min(total, from + height)} of ${total}` : '';
  const said: Span[] = [
    styled('dim', '── '),
    styled('bold', prompt.prompt_id),
    styled('dim', ` ${place} · `),
    styled('bold', prompt.id),
    styled('dim', ` · ${prompt.kind} · `),
    severitySpan(prompt),
    styled('dim', ` · ${sayAge(prompt.created_at, now_ms)} `),
    ...(prompt.deadline === null ? [] : [styled('dim', '· '), deadlineSpan(prompt, now_ms), ' ']),
  ];
  const used = said.reduce((sum, span) => sum + displayWidth(textOf(span)), 0);
  const rest = Math.max(0, columns - used - scrolled.length - 3);
  return [...said, styled('dim', '─'.repeat(rest)), scrolled === '' ? styled('dim', '───') : styled('cyan', scrolled)];
}

function ruleLines(mode: Extract<InboxMode, { type: 'rule' }>, columns: number): Span[][] {
  const { prompt, scope, over } = mode;
  const { rule_offer: when } = prompt;
  if (when === null) return [];
  return [
    [`This approves ${prompt.prompt_id}, and writes a rule:`],
    [],
    ...wrapLine([styled('bold', ruleWords({ when, do: 'approve', id: prompt.id, scope }))], columns, 'exact'),
    [],
    over === null ? [styled('yellow', 'y writes it; any other key goes back')] : [styled('yellow', over)],
  ];
}

function noteLine(state: InboxState): Span[] {
  if (state.note === null) {
    return state.prompts.length === 0 ? [styled('dim', 'nothing waits for you; what agents ask appears here')] : [];
  }
  return [styled(state.note.style, showHidden(state.note.words).replaceAll(/\s+/g, ' '))];
}
