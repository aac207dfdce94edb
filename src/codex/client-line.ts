import { isRecord } from './fields.js';

/** One line of a terminal interface that is attached to a thread, as what JSON-RPC makes of it. Ids are the client's own. */
export type ClientLine =
  | {
      readonly kind: 'request';
      readonly id: string | number;
      readonly method: string;
      readonly params: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'notification'; readonly method: string }
  /** Its answer to a request of Codex that it was shown. `result` undefined: it answered with an error. */
  | { readonly kind: 'answer'; readonly id: string | number; readonly result: unknown }
  | { readonly kind: 'garbage' };

/** Reads what a client sent. Never throws: what is no message of the protocol is `garbage`. */
export function readClientLine(text: string): ClientLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'garbage' };
  }
  if (!isRecord(value)) return { kind: 'garbage' };
  const { method, id } = value;
  const known = typeof id === 'string' || typeof id === 'number';
  if (typeof method === 'string') {
    if (!known) return { kind: 'notification', method };
    return { kind: 'request', id, method, params: isRecord(value['params']) ? value['params'] : {} };
  }
  return known ? { kind: 'answer', id, result: value['result'] } : { kind: 'garbage' };
}
