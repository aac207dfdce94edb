/**
 * The interactive inbox as plain data. Contract:
 * - a key acts on the prompt that was on the screen when it was pressed, with that prompt's revision, or on nothing;
 * - the selection stays on its prompt while others come and go; what takes the place of one that went cannot be acted on for GUARD_MS;
 * - what is typed into a line never becomes keys, also when its prompt closes meanwhile;
 * - a rule is shown before it is written.
 */
import type { Prompt, StandingRule } from '../../contract/session.js';
import type { Style } from '../style.js';
import type { InputLine } from './input-line.js';

/** How long what has just slid under the finger cannot be acted on, in milliseconds. */
export const GUARD_MS = 300;

/** What the keyboard is for. `over`: the prompt closed meanwhile, in words. */
export type InboxMode =
  | { readonly type: 'list' }
  | { readonly type: 'help' }
  | {
      readonly type: 'line';
      readonly purpose: 'reject' | 'answer';
      /** As it was when the line was opened. */
      readonly prompt: Prompt;
      readonly line: InputLine;
      readonly over: string | null;
    }
  | {
      readonly type: 'rule';
      readonly scope: StandingRule['scope'];
      readonly prompt: Prompt;
      readonly over: string | null;
    };

/** What is shown, and what keys mean. */
export interface InboxState {
  /** Open prompts, oldest first. */
  readonly prompts: readonly Prompt[];
  /** Id of the prompt that keys are about. */
  readonly selected: string | null;
  /** When another prompt, or another revision of it, took the place of what was selected without a key, in milliseconds. */
  readonly slid_ms: number;
  /** Lines of the detail that are scrolled away. */
  readonly scroll: number;
  /** All of the prompt is shown, diffs too. */
  readonly whole: boolean;
  readonly mode: InboxMode;
  /** What happened last. */
  readonly note: { readonly words: string; readonly style: Style } | null;
  /** Prompts whose decision is on its way. */
  readonly deciding: ReadonlySet<string>;
  readonly is_connected: boolean;
  /** How many were decided here. */
  readonly decided: number;
}

/** An inbox that has not been read yet. */
export const EMPTY_INBOX: InboxState = {
  prompts: [],
  selected: null,
  slid_ms: Number.NEGATIVE_INFINITY,
  scroll: 0,
  whole: false,
  mode: { type: 'list' },
  note: { words: 'reading the inbox', style: 'dim' },
  deciding: new Set(),
  is_connected: true,
  decided: 0,
};

/** What the reducer wants done. */
export type InboxEffect =
  | {
      readonly type: 'decide';
      readonly prompt: Prompt;
      readonly choice: string;
      readonly reason?: string;
      readonly remember?: { readonly scope: StandingRule['scope']; readonly when: NonNullable<Prompt['rule_offer']> };
    }
  | { readonly type: 'ring'; readonly prompt: Prompt }
  | { readonly type: 'redraw' }
  | { readonly type: 'leave'; readonly interrupted: boolean };

/** A new state, and what is to be done. */
export interface InboxStep {
  readonly state: InboxState;
  readonly effects: readonly InboxEffect[];
}

/** A step that only changes what is shown. */
export function only(state: InboxState): InboxStep {
  return { state, effects: [] };
}

/** The state with a sentence on what happened. */
export function noted(state: InboxState, words: string, style: Style): InboxState {
  return { ...state, note: { words, style } };
}

/** The prompt that keys are about. */
export function selectedPrompt(state: InboxState): Prompt | undefined {
  return state.prompts.find((prompt) => prompt.prompt_id === state.selected);
}

/** The prompt that is told in full: while something is typed for one, that one as it was, whatever became of it. */
export function viewedPrompt(state: InboxState): Prompt | undefined {
  return state.mode.type === 'line' || state.mode.type === 'rule' ? state.mode.prompt : selectedPrompt(state);
}

/** What a prompt on the screen is known by. */
export function faceOf(prompt: Prompt): string {
  return `${prompt.prompt_id} ${prompt.revision}`;
}
