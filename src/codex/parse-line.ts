import type { JournalLine } from '../channel/channel.js';
import { isRecord } from './fields.js';

/** One line of the journal, as what JSON-RPC makes of it. */
export type WireMessage =
  | {
      readonly kind: 'notification';
      readonly method: string;
      readonly params: Readonly<Record<string, unknown>>;
      readonly emitted_ms: number | null;
    }
  | {
      readonly kind: 'request';
      readonly id: string | number;
      readonly method: string;
      readonly params: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: 'response';
      readonly id: string | number;
      readonly result: unknown;
      readonly error: { readonly code: number; readonly message: string } | null;
    }
  | { readonly kind: 'blank' }
  | {
      readonly kind: 'unparsed';
      readonly reason: 'not_json' | 'not_utf8' | 'too_long';
      readonly preview: string;
      readonly bytes: number;
    };

/** What is kept of a line that is no message, in characters. */
export const UNPARSED_PREVIEW_CHARS = 4096;

/** Reads one journal line. Never throws: what is no message of the protocol is `unparsed`, with the beginning of its text. */
export function parseLine(line: JournalLine): WireMessage {
  if (line.damage !== 'none') return unparsed(line, line.damage);
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch {
    return line.text.trim() === '' ? { kind: 'blank' } : unparsed(line, 'not_json');
  }
  if (!isRecord(value)) return unparsed(line, 'not_json');
  const { method, id } = value;
  const known = typeof id === 'string' || typeof id === 'number';
  if (typeof method === 'string') {
    const params = isRecord(value['params']) ? value['params'] : {};
    if (known) return { kind: 'request', id, method, params };
    const emitted = value['emittedAtMs'];
    return { kind: 'notification', method, params, emitted_ms: typeof emitted === 'number' ? emitted : null };
  }
  if (!known) return unparsed(line, 'not_json');
  return { kind: 'response', id, result: value['result'], error: errorOf(value['error']) };
}

function errorOf(value: unknown): { readonly code: number; readonly message: string } | null {
  if (value === undefined || value === null) return null;
  if (!isRecord(value)) return { code: 0, message: JSON.stringify(value) };
  const { code, message } = value;
  return {
    code: typeof code === 'number' ? code : 0,
    message: typeof message === 'string' ? message : 'no reason given',
  };
}

function unparsed(line: JournalLine, reason: 'not_json' | 'not_utf8' | 'too_long'): WireMessage {
  return {
    kind: 'unparsed',
    reason,
    preview: line.text.slice(0, UNPARSED_PREVIEW_CHARS),
    bytes: line.end - line.offset,
  };
}
