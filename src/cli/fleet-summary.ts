import type { Fleet } from '../client/fleet.js';
import type { SessionRow } from '../contract/session.js';
import type { TranscriptEntry } from '../contract/transcript.js';
import type { CliContext } from './context.js';
import { plural } from './fleet-table.js';
import { styled } from './style.js';

/** How much of a last reply is shown, in characters. */
const REPLY_CHARS = 240;

/** Says what each agent did so far, where its transcript and branch are, and what to type next. */
export async function sayFleetSummary(context: CliContext, fleet: Fleet, rows: readonly SessionRow[]): Promise<void> {
  const { out } = context;
  for (const row of rows) {
    const did = await deeds(fleet, row);
    out.line('');
    out.line(styled('bold', row.id), ` (${row.role}): ${did.counts}`);
    if (did.reply !== null) out.line('  said        ', did.reply);
    out.line(
      '  branch      ',
      row.branch === null ? 'none, the workspace is no git repository' : `${row.branch} in ${row.workspace}`,
    );
    out.line('  transcript  ', row.transcript);
  }
  const [first] = rows;
  if (first === undefined) return;
  out.line('');
  out.line(`The agents stay up. In ${fleet.project.root}:`);
  const next = [
    [`filare-agents send ${first.id} "status" --wait`, 'talk to one'],
    [`filare-agents tail ${first.id} --follow`, 'read along'],
    ['filare-agents dashboard', 'watch them all'],
    ['filare-agents stop --all', 'stop them; records stay'],
  ] as const;
  const width = Math.max(...next.map(([command]) => command.length));
  for (const [command, what] of next) out.line('  ', styled('bold', command.padEnd(width)), `   ${what}`);
}

async function deeds(
  fleet: Fleet,
  row: SessionRow,
): Promise<{ readonly counts: string; readonly reply: string | null }> {
  const count = { command: 0, file_change: 0, reply: 0 };
  let reply: string | null = null;
  for await (const event of fleet.tail(row.session_id)) {
    if (event.type !== 'entry') continue;
    const { kind } = event.entry;
    if (kind === 'command' || kind === 'file_change' || kind === 'reply') count[kind] += 1;
    if (kind === 'reply') reply = firstLines(event.entry);
  }
  const counts = [
    plural(count.command, 'command'),
    plural(count.file_change, 'file change'),
    `${String(row.tokens.total)} tokens`,
  ];
  return { counts: counts.join(', '), reply };
}

function firstLines(entry: TranscriptEntry): string {
  const text = (entry.text ?? '').replaceAll(/\s+/g, ' ').trim();
  return text.length > REPLY_CHARS ? `${text.slice(0, REPLY_CHARS)}…` : text;
}
