import type { Prompt } from '../../contract/session.js';
import { choiceOf } from '../verdict.js';
import { noted, only, type InboxMode, type InboxState, type InboxStep } from './inbox-state.js';
import { editLine, lineWith, type InputLine } from './input-line.js';
import type { Key } from './key-decoder.js';

type LineMode = Extract<InboxMode, { type: 'line' }>;

/** The inbox after a key while a line is typed: Enter sends, Esc goes back, a digit picks a choice, Tab takes the suggested reply, all else is text. */
export function takeLineKey(state: InboxState, mode: LineMode, key: Key): InboxStep {
  if (key.type === 'named' && key.name === 'escape') {
    return only(noted({ ...state, mode: { type: 'list' } }, mode.over ?? 'nothing was sent', 'dim'));
  }
  if (key.type === 'named' && key.name === 'enter') return send(state, mode);
  return only({ ...state, mode: { ...mode, line: edited(mode, key) } });
}

function edited(mode: LineMode, key: Key): InputLine {
  const { prompt, line, purpose } = mode;
  if (purpose === 'answer') {
    if (key.type === 'named' && key.name === 'tab' && prompt.suggested_reply !== null) {
      return lineWith(prompt.suggested_reply);
    }
    const picked = key.type === 'text' && canPick(prompt, line) ? choiceOfDigit(prompt, key.text) : undefined;
    if (picked !== undefined) return lineWith(picked);
  }
  return editLine(line, key);
}

/** A digit picks while nothing was typed, or in place of what another digit picked. */
function canPick(prompt: Prompt, line: InputLine): boolean {
  return line.text === '' || prompt.choices.includes(line.text);
}

function choiceOfDigit(prompt: Prompt, digit: string): string | undefined {
  return /^[1-9]$/.test(digit) ? prompt.choices[Number(digit) - 1] : undefined;
}

function send(state: InboxState, mode: LineMode): InboxStep {
  const { prompt, purpose } = mode;
  const text = mode.line.text.trim();
  const back: InboxState = { ...state, mode: { type: 'list' }, note: null };
  if (mode.over !== null) return only(noted(back, mode.over, 'yellow'));
  if (purpose === 'answer' && text === '') {
    return only(noted(state, 'type an answer, or Esc to go back', 'yellow'));
  }
  const choice = purpose === 'answer' ? text : choiceOf(prompt, 'reject');
  return {
    state: { ...back, deciding: new Set([...state.deciding, prompt.prompt_id]) },
    effects: [{ type: 'decide', prompt, choice, ...(purpose === 'reject' && text !== '' ? { reason: text } : {}) }],
  };
}
