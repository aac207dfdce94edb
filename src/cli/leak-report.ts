import type { Finding } from '../leaks/finding.js';
import type { LeakReport } from '../leaks/find-leaks.js';
import type { CliContext } from './context.js';
import { plural } from './fleet-table.js';
import { styled, type Span } from './style.js';
import { tableLines } from './table.js';

/** What leaks, or could not be looked at: the exit code is 1. What is foreign is said and is no leak. */
export function leaks(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ verdict }) => verdict !== 'foreign');
}

/** Shows a leak report: a table, or one JSON object. */
export function sayLeaks({ out, globals }: CliContext, report: LeakReport): void {
  const { findings, balance, daemon, looked_at } = report;
  if (globals.json === true) {
    out.json({ findings, balance, daemon, looked_at });
    return;
  }
  const head = [
    { title: 'FOUND' },
    { title: 'KIND' },
    { title: 'NAME', shrink: true },
    { title: 'WHY', shrink: true },
    { title: 'FIX', shrink: true },
  ];
  const rows = findings.map((finding): Span[] => [
    styled(COLORS[finding.verdict], finding.verdict),
    finding.kind,
    finding.name,
    finding.detail,
    finding.fix,
  ]);
  const columns = out.is_terminal ? out.size.columns : Number.MAX_SAFE_INTEGER;
  if (rows.length > 0) for (const line of tableLines(head, rows, columns)) out.line(...line);
  const count = leaks(findings).length;
  const mark = count === 0 ? styled('green', '✓ nothing leaks') : styled('red', `✗ ${plural(count, 'leak')}`);
  out.line(
    mark,
    styled(
      'dim',
      `; the book: ${plural(balance.intended, 'thing')} ever made, ${String(balance.open)} open, ${String(balance.kept)} kept, ${String(balance.closed)} closed`,
    ),
  );
}

const COLORS = { leak: 'red', missing: 'yellow', foreign: 'dim', unknown: 'yellow' } as const;
