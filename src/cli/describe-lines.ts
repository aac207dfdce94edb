import type { SessionDetail } from '../contract/api-shapes.js';
import { sayAge, sayCount } from './duration.js';
import { plural, stateWords } from './fleet-table.js';
import { styled, type Span } from './style.js';
import { entryBody } from './tail-entry.js';

/** A session for people, one fact a line. */
export function describeLines(detail: SessionDetail, now_ms: number): Span[][] {
  const { row, agent } = detail;
  return [
    [styled('bold', row.id), ` (${row.role})  `, stateWords(row)],
    ...facts([
      ['session', row.session_id],
      ['started', `${row.started_at} (${sayAge(row.started_at, now_ms)} ago)`],
      ['ended', row.ended_at],
      ['health', row.health],
      ['attempt', String(row.attempt)],
      ['branch', row.branch],
      [
        'synced',
        row.synced === null ? null : `${row.synced.commit.slice(0, 12)} into ${row.synced.into}, ${row.synced.at}`,
      ],
      [
        'tokens',
        `${sayCount(row.tokens.total)} (${sayCount(row.tokens.input)} in, ${sayCount(row.tokens.cached_input)} of them cached, ${sayCount(row.tokens.output)} out)`,
      ],
      ['thread', row.thread_id],
      ['turn', row.turn_id],
      ['container', row.container_name],
      ['model', row.rehearsal === null ? null : `rehearsal ${row.rehearsal}`],
      ['image', agent.image],
      ['network', typeof agent.network === 'string' ? agent.network : `only ${agent.network.allow.join(', ')}`],
      ['workspace', row.workspace],
      ['codex home', row.codex_home],
      ['folder', detail.folder],
      ['transcript', row.transcript],
      [
        'manifest',
        `${agent.source.file}:${agent.source.line}${row.manifest_changed ? ' (changed since this session was started)' : ''}`,
      ],
      ['tags', row.tags.join(', ')],
    ]),
    ...section(
      `open ${plural(detail.prompts.length, 'prompt')}`,
      detail.prompts.map((prompt) => [styled('yellow', prompt.prompt_id), ` ${prompt.summary}`]),
    ),
    ...section(
      plural(detail.queued_messages.length, 'queued message'),
      detail.queued_messages.map((message) => [`${message.from}: ${firstLine(message.text)}`]),
    ),
    ...section(
      'attempts',
      detail.attempts.map((attempt) => [
        `${attempt.attempt}  ${attempt.started_at}${attempt.ended_at === null ? '' : ` – ${attempt.ended_at}`}  ${attempt.end_reason ?? ''}`.trimEnd(),
      ]),
    ),
    ...section(
      'last entries',
      detail.last_entries.map((entry) => [`${entry.from}: `, ...(entryBody(entry)[0] ?? [])]),
    ),
  ];
}

function facts(known: readonly (readonly [name: string, value: string | null])[]): Span[][] {
  return known.flatMap(([name, value]) =>
    value === null || value === '' ? [] : [[styled('dim', `  ${name.padEnd(11)}`), value]],
  );
}

function section(title: string, lines: readonly (readonly Span[])[]): Span[][] {
  return lines.length === 0 ? [] : [[], [styled('bold', title)], ...lines.map((line): Span[] => ['  ', ...line])];
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
