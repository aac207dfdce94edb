import { createHash } from 'node:crypto';

/** The id of a prompt: the same request of the same attempt always has the same one, another attempt's request "0" never does. */
export function promptId(session_id: string, attempt: number, request_id: string | number): string {
  const key = JSON.stringify([session_id, attempt, request_id]);
  return `p-${createHash('sha256').update(key).digest('hex').slice(0, 10)}`;
}
