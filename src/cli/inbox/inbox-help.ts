import type { Prompt } from '../../contract/session.js';
import { showHidden } from '../../transcript/sanitize.js';
import { styled, type Span } from '../style.js';
import type { InboxMode } from './inbox-state.js';

const KEYS: readonly (readonly [keys: string, does: string])[] = [
  ['↑ ↓ k j', 'another prompt'],
  ['n → ←', 'skip to the next one, or back; round and round'],
  ['PgDn PgUp space', 'scroll what it asks'],
  ['d', 'all of it, diffs too; again: what is needed to decide'],
  ['a', 'approve'],
  ['s S', 'approve, and write the rule that is shown: for this session, always'],
  ['r', 'reject, with a reason if you like'],
  ['c', 'reject and end the turn'],
  ['e Enter', 'answer a question; on its line a digit picks a choice,'],
  ['', 'Tab takes the suggested reply, Enter sends, Esc goes back'],
  ['q Ctrl-C', 'leave; what is open stays open'],
];

/** What the keys do, and what happens with keys that came too early. */
export const HELP_LINES: readonly (readonly Span[])[] = [
  ...KEYS.map(([keys, does]): Span[] => [styled('bold', `  ${keys.padEnd(17)}`), does]),
  [],
  [styled('dim', '  Where another prompt has just taken the place of yours, keys wait for 0.3 s.')],
  [styled('dim', '  Any key goes back.')],
];

/** The keys that matter now, in one line. */
export function hintsFor(mode: InboxMode, prompt: Prompt | undefined): Span[] {
  return [styled('dim', hintWords(mode, prompt))];
}

function hintWords(mode: InboxMode, prompt: Prompt | undefined): string {
  switch (mode.type) {
    case 'line':
      if (mode.over !== null) return `Esc goes back: ${showHidden(mode.over).replaceAll(/\s+/g, ' ')}`;
      return mode.purpose === 'reject'
        ? 'Enter rejects · Esc goes back'
        : ['Enter sends', pickWords(mode.prompt), 'Esc goes back'].filter((word) => word !== '').join(' · ');
    case 'rule':
      return 'y writes the rule · any other key goes back';
    case 'help':
      return '';
    case 'list':
      break;
  }
  if (prompt === undefined) return '? keys · q leave';
  if (prompt.kind === 'question') return 'e answer · n next · d more · ? keys · q leave';
  const cancel = prompt.choices.includes('cancel') ? ' · c cancel' : '';
  const rule = prompt.rule_offer === null ? '' : ' · s session · S always';
  return `a approve · r reject${cancel}${rule} · n next · d more · ? · q`;
}

function pickWords(prompt: Prompt): string {
  const count = Math.min(9, prompt.choices.length);
  const picks = count === 0 ? '' : `1${count > 1 ? `-${count}` : ''} picks`;
  const suggested = prompt.suggested_reply === null ? '' : 'Tab: suggested';
  return [picks, suggested].filter((word) => word !== '').join(' · ');
}
