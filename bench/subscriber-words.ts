import { z } from 'zod';

/** What the parent asks: to say when every session has had so many entries since the last time. */
export const askSchema = z.object({ entries_each: z.number() });
/** What it answers. */
export const countSchema = z.object({
  pieces: z.number(),
  entries: z.number(),
  events: z.number(),
  wrong: z.number(),
  /** When the last of them came, milliseconds since the epoch. */
  at_ms: z.number(),
});
/** What it answers. */
export type Counted = z.infer<typeof countSchema>;
