import { Document, YAMLMap, YAMLSeq, isMap } from 'yaml';
import type { Suggestion } from './suggest-rules.js';

const MAX_COVERED = 6;

/** Suggested rules as a piece of a manifest, each with what justifies it, to be read by a person before it holds. */
export function rulesYaml(suggestions: readonly Suggestion[]): string {
  const rules = suggestions.map(({ rule }) => rule);
  const document = new Document({ escalation: { rules } });
  document.commentBefore =
    ' Rules that past answers of people justify. Read each one: it holds for every request it matches,\n and an approved program may do whatever it is able to.';
  const list = document.getIn(['escalation', 'rules']);
  if (list instanceof YAMLSeq) {
    for (const [index, item] of list.items.entries()) {
      if (!isMap(item)) continue;
      const suggestion = suggestions[index];
      if (suggestion !== undefined) item.commentBefore = comment(suggestion);
      const when: unknown = item.get('when');
      if (when instanceof YAMLMap) when.flow = true;
    }
  }
  return document.toString({ lineWidth: 0 });
}

function comment({ rule, evidence }: Suggestion): string {
  const { approved, refused, agents, first, last, covers } = evidence;
  const counted =
    rule.do === 'reject' ? `refused ${refused} times, never approved` : `approved ${approved} times, never refused`;
  const days =
    first.slice(0, 10) === last.slice(0, 10) ? first.slice(0, 10) : `${first.slice(0, 10)} to ${last.slice(0, 10)}`;
  const lines = [` ${counted}; asked by ${agents.join(', ')}; ${days}`];
  for (const one of covers.slice(0, MAX_COVERED)) lines.push(`   ${one}`);
  if (covers.length > MAX_COVERED) lines.push(`   and ${covers.length - MAX_COVERED} more`);
  return lines.join('\n');
}
