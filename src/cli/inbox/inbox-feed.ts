import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../../client/fleet.js';
import { DaemonUnreachable } from '../../client/http-request.js';
import type { Prompt, PromptRecord } from '../../contract/session.js';

/** What happens to the inbox. `start` comes first. `lost`: the daemon does not answer, until `found`. `record` is null where nobody knows any more. */
export type InboxNews =
  | { readonly type: 'start'; readonly prompts: readonly Prompt[] }
  | { readonly type: 'prompt'; readonly prompt: Prompt }
  | { readonly type: 'closed'; readonly prompt_id: string; readonly record: PromptRecord | null }
  | { readonly type: 'lost' }
  | { readonly type: 'found' };

/** The inbox, as far as it is read. */
type InboxDoor = Pick<Fleet, 'prompts' | 'prompt' | 'watch'>;

/** How often a daemon that does not answer is tried, in milliseconds. */
const RETRY_MS = 2000;

/**
 * The open prompts, then each that opens, changes or closes, over restarts of the daemon, until the signal: every change once, also those that happened
 * while nobody listened. A failure other than a daemon that does not answer is thrown.
 */
export async function* inboxNews(fleet: InboxDoor, signal: AbortSignal): AsyncGenerator<InboxNews, void, undefined> {
  const known: Known = { open: new Map(), closed: new Set() };
  let is_lost = false;
  const start = await fleet.prompts();
  for (const prompt of start) known.open.set(prompt.prompt_id, JSON.stringify(prompt));
  yield { type: 'start', prompts: start };
  for (;;) {
    try {
      if (is_lost) {
        yield* readAgain(fleet, known);
        yield { type: 'found' };
        is_lost = false;
      }
      yield* watchInbox(fleet, known, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof DaemonUnreachable)) throw error;
      if (!is_lost) yield { type: 'lost' };
      is_lost = true;
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** What was told: open prompts as they are, and ids of those that closed. */
interface Known {
  readonly open: Map<string, string>;
  readonly closed: Set<string>;
}

async function* watchInbox(
  fleet: InboxDoor,
  known: Known,
  signal: AbortSignal,
): AsyncGenerator<InboxNews, void, undefined> {
  let is_new = true;
  for await (const event of fleet.watch({ signal })) {
    if (event.type === 'lost') continue;
    // What happened between the reading and the listening is in no event.
    if (is_new || event.type === 'reconnected') yield* readAgain(fleet, known);
    is_new = false;
    if (event.type === 'prompt') {
      // An event that was on its way while the inbox was read anew may be older than that: what is closed never opens again.
      if (!known.closed.has(event.prompt.prompt_id)) yield* opened(known, event.prompt);
    } else if (event.type === 'prompt_closed') {
      if (event.prompt_id === null) yield* readAgain(fleet, known);
      else yield* closed(fleet, known, event.prompt_id);
    }
  }
}

async function* readAgain(fleet: InboxDoor, known: Known): AsyncGenerator<InboxNews, void, undefined> {
  const open = await fleet.prompts();
  const ids = new Set(open.map((prompt) => prompt.prompt_id));
  for (const id of [...known.open.keys()]) if (!ids.has(id)) yield* closed(fleet, known, id);
  for (const prompt of open) yield* opened(known, prompt);
}

function* opened(known: Known, prompt: Prompt): Generator<InboxNews, void, undefined> {
  const face = JSON.stringify(prompt);
  if (known.open.get(prompt.prompt_id) === face) return;
  known.open.set(prompt.prompt_id, face);
  yield { type: 'prompt', prompt };
}

async function* closed(fleet: InboxDoor, known: Known, prompt_id: string): AsyncGenerator<InboxNews, void, undefined> {
  known.closed.add(prompt_id);
  if (!known.open.delete(prompt_id)) return;
  const record = await fleet.prompt(prompt_id).catch(() => null);
  yield { type: 'closed', prompt_id, record };
}
