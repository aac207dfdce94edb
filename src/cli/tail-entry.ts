import type { TranscriptEntry } from '../contract/transcript.js';
import { unreachable } from '../contract/errors.js';
import { sayDuration } from './duration.js';
import { styled, type Span, type Style } from './style.js';

/** One line of an entry's text, without time and speaker. */
export type BodyLine = readonly Span[];

/** The readable lines of a finished entry; for a command the first is how it ended, the others its output. */
export function entryBody(entry: TranscriptEntry): BodyLine[] {
  const text = entry.text ?? '';
  const data = entry.data ?? {};
  switch (entry.kind) {
    case 'message':
    case 'reply':
      return lines(text);
    case 'reasoning':
      return lines(`thinks: ${text}`, 'dim');
    case 'plan':
      return lines(`plan:\n${text}`);
    case 'command':
      return [commandLine(text, data), ...lines(textField(data, 'output'), 'dim')];
    case 'file_change':
      return lines(`changed ${text}`, 'blue');
    case 'tool':
      return lines(`tool ${text}`, 'blue');
    case 'prompt':
      return [
        ...lines(`asks: ${text}`, 'yellow'),
        ...(entry.requires_operator
          ? [[styled('dim', `filare-agents feedback show ${textField(data, 'prompt_id')}`)]]
          : []),
      ];
    case 'decision':
      return lines(`decided: ${text}`, 'yellow');
    case 'warning':
      return lines(text, 'yellow');
    case 'error':
      return lines(text, 'red');
    case 'usage':
    case 'state':
    case 'note':
    case 'raw':
      return lines(text, 'dim');
    default:
      return unreachable(entry.kind);
  }
}

function commandLine(command: string, data: Readonly<Record<string, unknown>>): BodyLine {
  const exit_code = data['exit_code'];
  const duration_ms = data['duration_ms'];
  // Codex says 0 of what ended before it looked: nothing is known, so nothing is said.
  const took = typeof duration_ms === 'number' && duration_ms > 0 ? `, ${sayDuration(duration_ms)}` : '';
  const ended = typeof exit_code === 'number' ? `exit ${exit_code}` : textField(data, 'status');
  return [
    styled('bold', `$ ${command.replaceAll('\n', '\n    ')}`),
    styled(exit_code === 0 || exit_code === undefined || exit_code === null ? 'dim' : 'red', `  [${ended}${took}]`),
  ];
}

function lines(text: string, style?: Style): BodyLine[] {
  const trimmed = text.replace(/\n+$/, '');
  if (trimmed === '') return [];
  return trimmed.split('\n').map((line) => [style === undefined ? line : styled(style, line)]);
}

function textField(data: Readonly<Record<string, unknown>>, name: string): string {
  return typeof data[name] === 'string' ? data[name] : '';
}
