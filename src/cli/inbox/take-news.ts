import type { Prompt, PromptRecord } from '../../contract/session.js';
import { unreachable } from '../../contract/errors.js';
import { decisionWords } from '../decision-words.js';
import type { InboxNews } from './inbox-feed.js';
import { faceOf, noted, only, type InboxState, type InboxStep } from './inbox-state.js';

/** What an own decision came to. */
export type DecisionNews =
  | { readonly type: 'decided'; readonly record: PromptRecord }
  | { readonly type: 'refused'; readonly prompt_id: string; readonly words: string };

/** The inbox after something that was not a key. */
export function takeNews(state: InboxState, news: InboxNews | DecisionNews, now_ms: number): InboxStep {
  switch (news.type) {
    case 'start':
      return only({ ...withPrompts(state, news.prompts, now_ms), note: null });
    case 'prompt':
      return opened(state, news.prompt, now_ms);
    case 'closed':
      return only(closed(state, news.prompt_id, news.record, now_ms));
    case 'lost':
      return only({ ...state, is_connected: false });
    case 'found':
      return only({ ...state, is_connected: true });
    case 'decided':
      return only(decided(state, news.record, now_ms));
    case 'refused':
      return only(noted(notDeciding(state, news.prompt_id), news.words, 'red'));
    default:
      return unreachable(news);
  }
}

function opened(state: InboxState, prompt: Prompt, now_ms: number): InboxStep {
  const known = state.prompts.find((one) => one.prompt_id === prompt.prompt_id);
  const others = state.prompts.filter((one) => one !== known);
  const next = withPrompts(state, [...others, prompt], now_ms);
  if (known === undefined) return { state: next, effects: [{ type: 'ring', prompt }] };
  if (prompt.prompt_id !== state.selected || faceOf(known) === faceOf(prompt)) return only(next);
  // What is asked has changed under the finger, as if it were another one.
  return only(noted({ ...next, slid_ms: now_ms, scroll: 0 }, `${prompt.prompt_id} has changed: look again`, 'yellow'));
}

function closed(state: InboxState, prompt_id: string, record: PromptRecord | null, now_ms: number): InboxState {
  const gone = state.prompts.find((prompt) => prompt.prompt_id === prompt_id);
  if (gone === undefined) return state;
  const rest = withPrompts(
    state,
    state.prompts.filter((prompt) => prompt !== gone),
    now_ms,
  );
  // Of what was decided here, its own answer tells.
  if (state.deciding.has(prompt_id)) return rest;
  const { decision = null } = record ?? {};
  const words = decision === null ? 'is not open any more' : `is closed: ${decisionWords(decision)}`;
  const told = noted(rest, `${prompt_id} of ${gone.id} ${words}`, 'yellow');
  const { mode } = state;
  if ((mode.type === 'line' || mode.type === 'rule') && mode.prompt.prompt_id === prompt_id) {
    return { ...told, mode: { ...mode, over: `${prompt_id} ${words}` } };
  }
  return told;
}

function decided(state: InboxState, record: PromptRecord, now_ms: number): InboxState {
  const rest = withPrompts(
    state,
    state.prompts.filter((prompt) => prompt.prompt_id !== record.prompt_id),
    now_ms,
  );
  const words = record.decision === null ? 'decided' : decisionWords(record.decision);
  const told = noted(rest, `${record.prompt_id} of ${record.id}: ${words}`, 'green');
  return { ...notDeciding(told, record.prompt_id), decided: state.decided + 1 };
}

function notDeciding(state: InboxState, prompt_id: string): InboxState {
  return { ...state, deciding: new Set([...state.deciding].filter((id) => id !== prompt_id)) };
}

/** The state with these prompts. The selection stays; where its prompt is gone, the next one takes its place, guarded for a while. */
function withPrompts(state: InboxState, unsorted: readonly Prompt[], now_ms: number): InboxState {
  const prompts = [...unsorted].sort(
    (a, b) => a.created_at.localeCompare(b.created_at) || a.prompt_id.localeCompare(b.prompt_id),
  );
  if (prompts.some((prompt) => prompt.prompt_id === state.selected)) return { ...state, prompts };
  const place = state.prompts.findIndex((prompt) => prompt.prompt_id === state.selected);
  const next = prompts[Math.min(Math.max(0, place), prompts.length - 1)];
  return { ...state, prompts, selected: next?.prompt_id ?? null, slid_ms: now_ms, scroll: 0 };
}
