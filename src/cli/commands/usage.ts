import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import type { UsageRow } from '../../contract/api-shapes.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { parseMoment } from '../duration.js';
import { styled, type Span } from '../style.js';
import { tableLines } from '../table.js';

const GROUPS = ['agent', 'role', 'day'] as const;
type Group = (typeof GROUPS)[number];

/** `usage`: tokens used, kept when sessions end. */
export function usageCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('usage', 'Tokens used by agent, role and day; kept when sessions end', [
    'filare-agents usage',
    'filare-agents usage --by role --since 7d',
    'filare-agents usage --json',
  ])
    .addOption(new Option('--by <what>', 'one line for each agent, role or day').choices(GROUPS))
    .option('-s, --since <moment>', 'from then on: 12h, 7d, or RFC 3339')
    .addHelpText('after', '\nDays are days of UTC. --json gives one row for each agent and day.')
    .action(async (options) => {
      const since = options.since === undefined ? undefined : parseMoment(options.since, '--since', context.now_ms());
      await using fleet = await context.openFleet();
      const rows = await fleet.usage(since === undefined ? {} : { since });
      if (context.globals.json === true) context.out.json(rows);
      else if (rows.length === 0) context.out.note('no tokens were used');
      else for (const line of usageTable(rows, options.by, context)) context.out.line(...line);
    });
}

function usageTable(rows: readonly UsageRow[], by: Group | undefined, context: CliContext): Span[][] {
  const columns = context.out.is_terminal ? context.out.size.columns : Number.MAX_SAFE_INTEGER;
  const right = { align: 'right' } as const;
  const named =
    by === undefined ? [{ title: 'DAY' }, { title: 'AGENT' }, { title: 'ROLE' }] : [{ title: by.toUpperCase() }];
  const numbers = ['TURNS', 'TOKENS', 'INPUT', 'CACHED', 'OUTPUT', 'REASONING'].map((title) => ({ title, ...right }));
  const lines = by === undefined ? rows.map((row) => ({ name: [row.day, row.id, row.role], row })) : summed(rows, by);
  const total = { name: ['total', ...named.slice(1).map(() => '')], row: rows.reduce(plus) };
  return tableLines(
    [...named, ...numbers],
    [...lines, total].map(({ name, row }): Span[] => [
      ...name.map((word) => styled('bold', word)),
      ...[row.turns, row.total, row.input, row.cached_input, row.output, row.reasoning].map((n) =>
        n.toLocaleString('en'),
      ),
    ]),
    columns,
  );
}

function summed(rows: readonly UsageRow[], by: Group): { readonly name: string[]; readonly row: UsageRow }[] {
  const sums = new Map<string, UsageRow>();
  for (const row of rows) {
    const name = by === 'day' ? row.day : by === 'role' ? row.role : row.id;
    const before = sums.get(name);
    sums.set(name, before === undefined ? row : plus(before, row));
  }
  return [...sums].map(([name, row]) => ({ name: [name], row }));
}

function plus(a: UsageRow, b: UsageRow): UsageRow {
  return {
    ...a,
    sessions: a.sessions + b.sessions,
    turns: a.turns + b.turns,
    total: a.total + b.total,
    input: a.input + b.input,
    cached_input: a.cached_input + b.cached_input,
    output: a.output + b.output,
    reasoning: a.reasoning + b.reasoning,
  };
}
