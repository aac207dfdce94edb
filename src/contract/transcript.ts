import { z } from 'zod';

/** What a transcript line can be about. */
export const ENTRY_KINDS = [
  'message',
  'reply',
  'reasoning',
  'plan',
  'command',
  'file_change',
  'tool',
  'prompt',
  'decision',
  'usage',
  'warning',
  'error',
  'state',
  'note',
  'raw',
] as const;

/** One line of a transcript. `seq` counts from 1 per session, without gap or repeat, across attempts and daemon crashes. */
export const transcriptEntrySchema = z.object({
  seq: z.number().int().positive(),
  /** RFC 3339 with milliseconds, UTC. */
  timestamp: z.string(),
  session_id: z.string(),
  role: z.string(),
  branch: z.string().nullable(),
  attempt: z.number().int().nonnegative(),
  /** `in` towards the agent, `out` from it, `system` from filare-agents. */
  direction: z.enum(['in', 'out', 'system']),
  /** Who said it: `operator`, `goal`, an agent id, `codex`, `filare-agents`. */
  from: z.string(),
  kind: z.enum(ENTRY_KINDS),
  text: z.string().optional(),
  requires_operator: z.boolean(),
  tags: z.array(z.string()),
  data: z.record(z.string(), z.unknown()).optional(),
});

/** One line of a transcript. */
export type TranscriptEntry = z.infer<typeof transcriptEntrySchema>;

/** A piece of an item that is not finished: shown live, never stored, without `seq`. */
export const pieceSchema = z.object({
  session_id: z.string(),
  item_id: z.string(),
  kind: z.enum(['reply', 'reasoning', 'plan', 'command']),
  /** Characters of this item that came before this piece: 0 means a fresh start of the item. */
  offset: z.number().int().nonnegative(),
  text: z.string(),
});

/** A piece of an item that is not finished. */
export type Piece = z.infer<typeof pieceSchema>;
