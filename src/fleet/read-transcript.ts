import { sessionFiles } from '../session/session-files.js';
import type { Fleet } from './fleet.js';
import { TranscriptStore } from '../transcript/store.js';
import type { TranscriptPage } from '../transcript/transcript-page.js';
import { transcriptEntrySchema, type TranscriptEntry } from '../contract/transcript.js';
import { FilareError } from '../contract/errors.js';

const DEFAULT_LIMIT = 1000;

/** Which entries are wanted. */
export interface TranscriptQuery {
  readonly after?: number | undefined;
  readonly last?: number | undefined;
  readonly since?: string | undefined;
  readonly limit?: number | undefined;
}

/** A page of a transcript, of a live session or an ended one. */
export async function readTranscript(
  fleet: Fleet,
  ref: string,
  query: TranscriptQuery,
): Promise<{ entries: TranscriptEntry[]; next_after: number; more: boolean }> {
  return withTranscript(fleet, ref, async (store) => {
    const page = await select(store, query, Math.max(1, query.limit ?? DEFAULT_LIMIT));
    return { entries: page.lines.map(parseEntry), next_after: page.next_after, more: page.more };
  });
}

/** A line of our own file as an entry. */
export function parseEntry(line: string): TranscriptEntry {
  return transcriptEntrySchema.parse(JSON.parse(line));
}

/** Gives the transcript's store to `use`; opens and closes that of an ended session. */
export async function withTranscript<T>(
  fleet: Fleet,
  ref: string,
  use: (store: TranscriptStore) => Promise<T>,
): Promise<T> {
  const found = fleet.find(ref);
  if (found.live !== null) return use(found.live.memory.transcript);
  const store = await TranscriptStore.open(sessionFiles(found.folder).transcript);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

async function select(store: TranscriptStore, query: TranscriptQuery, limit: number): Promise<TranscriptPage> {
  if (query.last !== undefined) return store.readLast(Math.min(query.last, limit));
  if (query.since === undefined) return store.readAfter(query.after ?? 0, limit);
  return store.readSince(momentOf(query.since), limit, query.after ?? 0);
}

/** A time of RFC 3339 in milliseconds since the epoch; anything else is `usage`. */
export function momentOf(text: string): number {
  const at_ms = Date.parse(text);
  if (!Number.isNaN(at_ms)) return at_ms;
  throw new FilareError({
    code: 'usage',
    message: `${text} is not a time`,
    hint: 'use RFC 3339, such as 2026-01-31T12:00:00Z',
  });
}
