import { FilareError } from '../contract/errors.js';
import type { TranscriptEntry } from '../contract/transcript.js';
import type { TailEvent } from './session-tail.js';

/** The story of one session on its way into a stream of several. */
export interface Story {
  readonly session_id: string;
  readonly events: AsyncGenerator<TailEvent, void, undefined>;
  /** Read, and not given yet; undefined before the first reading, null once the story is over, or its session unknown. */
  head: TailEvent | null | undefined;
  /** `seq` of the last entry read, by an earlier telling too; undefined before the first one. */
  seq: number | undefined;
}

/** A story that has not been read yet, or only up to `seq`. */
export function newStory(session_id: string, events: Story['events'], seq: number | undefined): Story {
  return { session_id, events, head: undefined, seq };
}

/**
 * What was said before, of all stories: by time, then session; each story's entries in its own order. Stops at what is no entry, and with `until`
 * (RFC 3339, UTC) at what was said from then on; that stays the story's `head`. Holds one entry a story.
 */
export async function* mergeStories(
  stories: readonly Story[],
  until: string | undefined,
): AsyncGenerator<TranscriptEntry, void, undefined> {
  await Promise.all(stories.map(advance));
  for (;;) {
    let first: { readonly story: Story; readonly entry: TranscriptEntry } | undefined;
    for (const story of stories) {
      const entry = story.head?.type === 'entry' ? story.head.entry : undefined;
      if (entry === undefined || (until !== undefined && entry.timestamp >= until)) continue;
      if (first === undefined || comesBefore(entry, first.entry)) first = { story, entry };
    }
    if (first === undefined) return;
    yield first.entry;
    await advance(first.story);
  }
}

/** Reads on: the next event becomes the `head`. A session that was cleaned up meanwhile is over. */
export async function advance(story: Story): Promise<void> {
  const next = await story.events.next().catch((error: unknown) => {
    if (error instanceof FilareError && error.code === 'not_found') return { done: true as const };
    throw error;
  });
  story.head = next.done === true ? null : next.value;
  if (story.head?.type === 'entry') story.seq = story.head.entry.seq;
}

function comesBefore(a: TranscriptEntry, b: TranscriptEntry): boolean {
  return a.timestamp === b.timestamp ? a.session_id < b.session_id : a.timestamp < b.timestamp;
}
