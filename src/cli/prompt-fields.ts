/**
 * What a person is told of a prompt before deciding. Contract: nothing of what would be done is left out or hidden: a command is there whole and
 * byte-exact, characters that a terminal would obey or not show are written out (`<U+202E>`); where a long diff or text is cut, it says how much is missing
 * and how to see it.
 */
import type { Prompt, PromptRecord } from '../contract/session.js';
import { showHidden } from '../transcript/sanitize.js';
import { decisionWords } from './decision-words.js';
import { diffLines, fileChanges, type FileChange } from './file-changes.js';
import { safeJson } from './output.js';
import { conditionWords } from './rule-words.js';
import { styled, type Span, type Style } from './style.js';

/** One fact of a prompt: its name, and its value in lines. */
export interface PromptField {
  readonly name: string;
  readonly lines: readonly (readonly Span[])[];
  /** Every character counts: not to be broken as words are. */
  readonly is_exact?: true;
}

/** How much to tell. */
export interface FieldOptions {
  /** `brief`: what is needed to decide. `whole`: also where it comes from. */
  readonly detail: 'brief' | 'whole';
  /** Nothing is cut. */
  readonly full: boolean;
  /** How to see what was cut: `add --full`. */
  readonly more: string;
}

/** Most characters of a text, other than a command, that is not told in full. */
const MAX_TEXT_CHARS = 4000;
/** Most lines of diffs that are not told in full. */
const MAX_DIFF_LINES = 120;

/** The facts of a prompt, and once it is closed how. See the top of this file. */
export function promptFields(prompt: PromptRecord, options: FieldOptions): PromptField[] {
  const tell = new Teller(options);
  const whole = options.detail === 'whole';
  const { requested_action: action } = prompt;
  return [
    ...(whole ? whereFrom(prompt, tell) : []),
    ...tell.text('asks', prompt.summary),
    ...actionFields(action, prompt.summary, tell),
    ...tell.text('reason', prompt.reason),
    ...tell.text('categories', prompt.categories.join(', '), 'yellow'),
    ...choiceFields(prompt, tell),
    ...tell.text('suggested', prompt.suggested_reply),
    ...contactFields(action['operator_contact'], tell),
    ...ruleFields(prompt, tell),
    ...(whole ? tell.text('since', prompt.created_at) : []),
    ...tell.text('deadline', prompt.deadline),
    ...(prompt.decision === null
      ? []
      : [
          ...tell.text('decided', decisionWords(prompt.decision), 'yellow'),
          ...tell.text('decided at', prompt.decision.at),
        ]),
  ];
}

/** Makes fields of values; one without a value is none. */
class Teller {
  readonly #options: FieldOptions;

  constructor(options: FieldOptions) {
    this.#options = options;
  }

  /** A text, cut where it is very long. */
  text(name: string, text: string | null | undefined, style?: Style): PromptField[] {
    if (text === null || text === undefined || text === '') return [];
    const too_long = !this.#options.full && text.length > MAX_TEXT_CHARS;
    const kept = too_long ? text.slice(0, MAX_TEXT_CHARS).replace(/[\ud800-\udbff]$/, '') : text;
    const lines = showHidden(kept)
      .split('\n')
      .map((line): Span[] => [style === undefined ? line : styled(style, line)]);
    if (too_long) lines.push([styled('dim', `… ${text.length - kept.length} more characters: ${this.#options.more}`)]);
    return [{ name, lines }];
  }

  /** What would be run, to the byte; never cut. */
  exact(name: string, text: string | null): PromptField[] {
    if (text === null || text === '') return [];
    const shown = showHidden(text).replaceAll('\t', '<U+0009>').split('\n');
    return [{ name, lines: shown.map((line) => [styled('bold', line)]), is_exact: true }];
  }

  lines(name: string, lines: readonly (readonly Span[])[]): PromptField[] {
    return lines.length === 0 ? [] : [{ name, lines, is_exact: true }];
  }

  json(name: string, value: Readonly<Record<string, unknown>>): PromptField[] {
    return Object.keys(value).length === 0 ? [] : this.text(name, safeJson(value, 2));
  }

  /** Files that would change: each with its diff, in `brief` only by name. */
  changes(changes: readonly FileChange[]): PromptField[] {
    const { detail, full, more } = this.#options;
    const names = changes.map(({ kind, path }): Span[] => [styled('bold', showHidden(`${kind} ${path}`.trim()))]);
    if (detail === 'brief') {
      return this.lines('changes', names);
    }
    const lines = changes.flatMap((change, at) => [names[at] ?? [], ...diffLines(change)]);
    const kept = full ? lines : lines.slice(0, MAX_DIFF_LINES);
    const missing = lines.length - kept.length;
    return this.lines('changes', [
      ...kept,
      ...(missing > 0 ? [[styled('dim', `… ${missing} more lines: ${more}`)]] : []),
    ]);
  }
}

function whereFrom(prompt: Prompt, tell: Teller): PromptField[] {
  return [
    ...tell.text('prompt', prompt.prompt_id, 'yellow'),
    ...tell.text('agent', `${prompt.id} (${prompt.role})`),
    ...tell.text('session', prompt.session_id),
    ...tell.text('workspace', prompt.workspace),
    ...tell.text('branch', prompt.branch),
    ...tell.text('kind', `${prompt.kind}, ${prompt.severity}`, prompt.severity === 'critical' ? 'red' : undefined),
    ...tell.text('origin', ORIGIN_WORDS[prompt.origin]),
    ...tell.text('asked by', prompt.asked_by === prompt.id ? null : prompt.asked_by),
    ...tell.text(
      'blocking',
      prompt.blocking || prompt.origin !== 'ask_operator'
        ? null
        : 'no: the agent goes on, and the answer reaches it as a message',
    ),
  ];
}

const ORIGIN_WORDS: Readonly<Record<Prompt['origin'], string>> = {
  codex: 'Codex asks before it goes on',
  ask_operator: 'the agent asks its operator',
  pause: 'the session was paused with a question',
  limit: 'the session reached a limit of its manifest, and is held',
  stall: 'a turn has shown no sign for long',
  crash_loop: 'its attempts fail one after the other',
};

/** Facts of an action that are told by name where they are text, and those that are told in another way or say nothing to a person. */
const TEXT_FACTS = new Set(['command', 'script', 'cwd', 'host', 'protocol', 'grant_root', 'url', 'message']);
const OTHER_FACTS = new Set(
  'type changes questions operator_contact suggested_reply severity blocking item_id stdin'.split(' '),
);

function actionFields(action: Prompt['requested_action'], summary: string, tell: Teller): PromptField[] {
  const fact = (name: string): string | null => (typeof action[name] === 'string' ? action[name] : null);
  const command = fact('command');
  const script = fact('script');
  const host = fact('host');
  const questions = questionTexts(action['questions']).filter((question) => question !== summary);
  return [
    ...tell.text('reach', host === null ? null : `${host} over ${fact('protocol') ?? '?'}`, 'bold'),
    ...tell.exact('command', script ?? command),
    ...tell.exact('exactly', script === null || script === command ? null : command),
    ...tell.text('in', fact('cwd')),
    ...tell.text('types it', action['stdin'] === true ? 'into the command that runs' : null),
    ...tell.text('below', fact('grant_root'), 'bold'),
    ...tell.changes(fileChanges(action['changes'])),
    ...tell.text('open', fact('url'), 'bold'),
    ...tell.text('message', fact('message')),
    ...questions.flatMap((question) => tell.text('question', question)),
    ...tell.json('also', untoldFacts(action)),
  ];
}

function choiceFields(prompt: Prompt, tell: Teller): PromptField[] {
  if (prompt.kind === 'approval') return tell.text('choices', prompt.choices.join(', '));
  return tell.lines(
    'choices',
    prompt.choices.map((choice, at) => [styled('dim', `${at + 1} `), showHidden(choice)]),
  );
}

function contactFields(contact: unknown, tell: Teller): PromptField[] {
  if (typeof contact !== 'object' || contact === null) return [];
  const lines = Object.entries(contact).map(
    ([name, value]: [string, unknown]) => `${name}: ${typeof value === 'string' ? value : safeJson(value, 0)}`,
  );
  return tell.text('contact', lines.join('\n'));
}

function ruleFields(prompt: Prompt, tell: Teller): PromptField[] {
  if (prompt.rule_offer === null || prompt.kind === 'question') return [];
  return tell.text(
    'rule',
    `for this session, or always: when ${conditionWords(prompt.rule_offer)} → approve, for ${prompt.id}`,
  );
}

function untoldFacts(action: Prompt['requested_action']): Readonly<Record<string, unknown>> {
  const is_told = (name: string, value: unknown): boolean =>
    value === null || OTHER_FACTS.has(name) || (TEXT_FACTS.has(name) && typeof value === 'string');
  return Object.fromEntries(Object.entries(action).filter(([name, value]) => !is_told(name, value)));
}

function questionTexts(questions: unknown): string[] {
  if (!Array.isArray(questions)) return [];
  return questions.flatMap((question: unknown) =>
    typeof question === 'object' && question !== null && 'question' in question && typeof question.question === 'string'
      ? [question.question]
      : [],
  );
}
