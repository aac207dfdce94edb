import { asFilareError } from '../../contract/errors.js';
import type { Prompt, StandingRule } from '../../contract/session.js';
import { choiceOf, type Verdict } from '../verdict.js';
import { faceOf, GUARD_MS, noted, only, selectedPrompt, type InboxState, type InboxStep } from './inbox-state.js';
import { lineWith } from './input-line.js';
import type { Key } from './key-decoder.js';
import { takeLineKey } from './take-line-key.js';

/** A key that was pressed, and what was on the screen then. */
export interface KeyPress {
  readonly key: Key;
  readonly now_ms: number;
  /** The prompt that was drawn last, as `faceOf` names it; null when none could be seen. */
  readonly shown: string | null;
  /** The part of the screen with the detail: its height, and how many lines there are. */
  readonly pane: { readonly height: number; readonly lines: number };
}

/** The inbox after a key. */
export function takeKey(state: InboxState, press: KeyPress): InboxStep {
  const { key } = press;
  const { mode } = state;
  if (key.type === 'named' && key.name === 'ctrl_c') return leave(state, true);
  if (key.type === 'named' && key.name === 'ctrl_l') return { state, effects: [{ type: 'redraw' }] };
  switch (mode.type) {
    case 'line':
      return takeLineKey(state, mode, key);
    case 'help':
      return only({ ...state, mode: { type: 'list' } });
    case 'rule': {
      const scrolled = takeScroll(state, press);
      if (scrolled !== undefined) return only(scrolled);
      const left: InboxState = { ...state, mode: { type: 'list' }, scroll: 0 };
      if (key.type !== 'text' || key.text !== 'y') return only(noted(left, 'no rule was written', 'dim'));
      if (mode.over !== null) return only(noted(left, mode.over, 'yellow'));
      return approveWithRule(left, mode.prompt, mode.scope);
    }
    case 'list':
      return takeListKey(state, press);
  }
}

function takeListKey(state: InboxState, press: KeyPress): InboxStep {
  const { key } = press;
  const scrolled = takeScroll(state, press);
  if (scrolled !== undefined) return only(scrolled);
  if (key.type === 'paste') {
    // What follows a paste may be its rest, where the terminal did not mark its end.
    return only(
      noted({ ...state, slid_ms: press.now_ms }, 'pasted text is no key; answer with e, then paste', 'yellow'),
    );
  }
  switch (key.type === 'text' ? key.text : key.name) {
    case 'q':
      return leave(state, false);
    case '?':
      return only({ ...state, mode: { type: 'help' } });
    case 'd':
      return only({ ...state, whole: !state.whole, scroll: 0 });
    case 'j':
    case 'down':
      return only(moved(state, 1, false));
    case 'k':
    case 'up':
      return only(moved(state, -1, false));
    case 'n':
    case 'right':
      return only(moved(state, 1, true));
    case 'left':
      return only(moved(state, -1, true));
    case 'a':
      return act(state, press, (prompt) => decide(state, prompt, 'approve'));
    case 'c':
      return act(state, press, (prompt) => decide(state, prompt, 'cancel'));
    case 'r':
      return act(state, press, (prompt) => {
        choiceOf(prompt, 'reject');
        return only({ ...state, mode: { type: 'line', purpose: 'reject', prompt, line: lineWith(''), over: null } });
      });
    case 'e':
    case 'enter':
      return act(state, press, (prompt) =>
        prompt.kind === 'approval'
          ? only(noted(state, 'an approval takes yes or no: a approves, r rejects', 'yellow'))
          : only({ ...state, mode: { type: 'line', purpose: 'answer', prompt, line: lineWith(''), over: null } }),
      );
    case 's':
      return act(state, press, (prompt) => askForRule(state, prompt, 'session'));
    case 'S':
      return act(state, press, (prompt) => askForRule(state, prompt, 'always'));
    case 'other':
    case 'escape':
      return only(state);
    default:
      return only(noted(state, '? shows the keys', 'dim'));
  }
}

/** Does it to the prompt that was on the screen, if it still is there and did not get there just now. */
function act(state: InboxState, press: KeyPress, work: (prompt: Prompt) => InboxStep): InboxStep {
  const prompt = selectedPrompt(state);
  if (prompt === undefined) return only(noted(state, 'nothing waits for you', 'dim'));
  if (press.now_ms - state.slid_ms < GUARD_MS || press.shown !== faceOf(prompt)) {
    return only(noted(state, 'ignored: this has just come under your finger', 'yellow'));
  }
  if (state.deciding.has(prompt.prompt_id)) return only(noted(state, `${prompt.prompt_id} is being decided`, 'dim'));
  try {
    return work(prompt);
  } catch (error) {
    const words = prompt.kind === 'question' ? 'a question takes an answer: e opens a line for it' : undefined;
    return only(noted(state, words ?? asFilareError(error).message, 'yellow'));
  }
}

function decide(state: InboxState, prompt: Prompt, verdict: Verdict): InboxStep {
  const choice = choiceOf(prompt, verdict);
  return {
    state: { ...state, deciding: new Set([...state.deciding, prompt.prompt_id]), note: null },
    effects: [{ type: 'decide', prompt, choice }],
  };
}

function askForRule(state: InboxState, prompt: Prompt, scope: StandingRule['scope']): InboxStep {
  choiceOf(prompt, 'approve');
  if (prompt.rule_offer === null) {
    return only(noted(state, 'no rule can be made of this: approve it once with a', 'yellow'));
  }
  return only({ ...state, mode: { type: 'rule', scope, prompt, over: null }, scroll: 0, note: null });
}

function approveWithRule(state: InboxState, prompt: Prompt, scope: StandingRule['scope']): InboxStep {
  const { rule_offer: when } = prompt;
  if (when === null) return only(state);
  const step = decide(state, prompt, 'approve');
  return {
    state: step.state,
    effects: [{ type: 'decide', prompt, choice: choiceOf(prompt, 'approve'), remember: { scope, when } }],
  };
}

/** The state with another part of the detail in view; undefined for a key that does not scroll. */
function takeScroll(state: InboxState, { key, pane }: KeyPress): InboxState | undefined {
  const page = Math.max(1, pane.height - 1);
  const last = Math.max(0, pane.lines - pane.height);
  const pages: Readonly<Record<string, number>> = {
    page_down: state.scroll + page,
    ' ': state.scroll + page,
    page_up: state.scroll - page,
    home: 0,
    end: last,
  };
  const to = key.type === 'paste' ? undefined : pages[key.type === 'named' ? key.name : key.text];
  return to === undefined ? undefined : { ...state, scroll: Math.min(Math.max(0, to), last) };
}

function moved(state: InboxState, by: number, around: boolean): InboxState {
  const { prompts } = state;
  const place = prompts.findIndex((prompt) => prompt.prompt_id === state.selected);
  const wanted = place + by;
  const to = around ? (wanted + prompts.length) % Math.max(1, prompts.length) : wanted;
  const next = prompts[Math.min(Math.max(0, to), prompts.length - 1)];
  if (next === undefined || next.prompt_id === state.selected) return state;
  return { ...state, selected: next.prompt_id, scroll: 0, note: null };
}

function leave(state: InboxState, interrupted: boolean): InboxStep {
  return { state, effects: [{ type: 'leave', interrupted }] };
}
