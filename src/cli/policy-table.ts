import type { TestedApproval } from '../inbox/policy-test.js';
import { showHidden } from '../transcript/sanitize.js';
import { styled, type Span } from './style.js';
import { tableLines } from './table.js';

const STYLES = { approve: 'green', ask: 'blue', reject: 'red' } as const;

/** What the policy would say, beside what was said, as a table; where they differ, the line begins with `≠`. */
export function policyTestTable(approvals: readonly TestedApproval[], columns: number): Span[][] {
  const head = [
    { title: ' ' },
    { title: 'WOULD' },
    { title: 'WAS', shrink: true },
    { title: 'AGENT', shrink: true },
    { title: 'RULE', shrink: true },
    { title: 'ASKED', shrink: true },
  ];
  const rows = approvals.map((one): Span[] => [
    one.differs ? styled('yellow', '≠') : ' ',
    styled(STYLES[one.would], one.would),
    one.was === null ? styled('dim', 'nothing') : `${one.was.choice} by ${one.was.by}`,
    styled('bold', one.id),
    one.rule ?? styled('dim', 'none'),
    showHidden(one.summary),
  ]);
  return tableLines(head, rows, columns);
}
