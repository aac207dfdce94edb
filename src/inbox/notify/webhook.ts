import { notificationId, notificationText, type Notification } from './notification.js';
import type { Telling, Try } from './outcome.js';
import type { Surroundings } from './surroundings.js';
import { judgeStatus, webhookBackOffMs } from './webhook-answer.js';
import { readSigner } from './webhook-secret.js';
import { withDeadline } from './with-deadline.js';

/** Tries of one webhook for one notification; with their waits they take about five minutes. */
export const MAX_WEBHOOK_TRIES = 6;

/** Where a webhook is, and what signs what it is sent. */
export interface WebhookWay {
  readonly webhook: string;
  readonly secret_file?: string | undefined;
}

/**
 * Tells by a POST of the notification, with the headers of Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md);
 * signed where a secret file is named, and never sent unsigned where it cannot be read. Redirects are not followed, answers are not read beyond their status,
 * connections are not kept. What is told of the address is its origin alone: the rest of it, like the secret, may be a password.
 */
export function webhookTelling(
  { webhook, secret_file }: WebhookWay,
  deadline_ms: number,
  around: Pick<Surroundings, 'fetch' | 'now'>,
): Telling {
  const address = addressOf(webhook);
  return {
    way: 'webhook',
    target: address?.target ?? '***',
    max_tries: MAX_WEBHOOK_TRIES,
    backOffMs: webhookBackOffMs,
    attempt: async (made, signal) => {
      if (address === undefined) return failed('is no http:// or https:// address', 'bad_address', false);
      const at = new Date(around.now());
      const headers = await headersOf(made, at, secret_file);
      if ('error' in headers) return failed(headers.error, 'secret_file', false);
      return withDeadline(deadline_ms, signal, (over, late) =>
        post(address, headers, made, { signal: over, late, deadline_ms }, around),
      );
    },
  };
}

interface Address {
  /** Without user and password: fetch refuses them. */
  readonly url: string;
  readonly authorization: string | undefined;
  readonly target: string;
}

function addressOf(webhook: string): Address | undefined {
  if (!URL.canParse(webhook)) return undefined;
  const url = new URL(webhook);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  const { username, password } = url;
  const authorization =
    username === '' && password === ''
      ? undefined
      : `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;
  url.username = '';
  url.password = '';
  url.hash = '';
  return { url: url.href, authorization, target: `${url.origin}/***` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function headersOf(
  made: Notification,
  at: Date,
  secret_file: string | undefined,
): Promise<Readonly<Record<string, string>> | { readonly error: string }> {
  const id = notificationId(made);
  const seconds = Math.floor(at.getTime() / 1000);
  const plain = { 'webhook-id': id, 'webhook-timestamp': String(seconds) };
  if (secret_file === undefined) return plain;
  const signer = await readSigner(secret_file);
  if (typeof signer !== 'function') return signer;
  return { ...plain, 'webhook-signature': signer(id, at, notificationText(made)) };
}

async function post(
  address: Address,
  headers: Readonly<Record<string, string>>,
  made: Notification,
  until: { readonly signal: AbortSignal; readonly late: () => boolean; readonly deadline_ms: number },
  around: Pick<Surroundings, 'fetch' | 'now'>,
): Promise<Try> {
  try {
    const response = await around.fetch(address.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'filare-agents',
        connection: 'close',
        ...(address.authorization === undefined ? {} : { authorization: address.authorization }),
        ...headers,
      },
      body: notificationText(made),
      redirect: 'manual',
      signal: until.signal,
    });
    return judgeStatus(response.status, response.headers.get('retry-after'), around.now());
  } catch (error) {
    if (until.late()) return failed(`did not answer within ${until.deadline_ms / 1000} s`, 'timeout', true);
    if (until.signal.aborted) return failed('was stopped', 'aborted', false);
    return unreachable(error);
  }
}

/** Only the code is told: messages of fetch repeat the address. */
function unreachable(error: unknown): Try {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code: unknown = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  if (typeof code === 'string') return failed(`cannot be reached (${code})`, code, true);
  if (cause instanceof Error && cause.message === 'bad port')
    return failed('has a port that is kept for another protocol', 'bad_address', false);
  return failed('cannot be reached', 'network', true);
}

function failed(error: string, error_kind: string, again: boolean): Try {
  return { outcome: 'failed', error, error_kind, again };
}
