import { z } from 'zod';

/** Things that are looked for. `engine`: it could not be asked. */
export const FINDING_KINDS = [
  'container',
  'network',
  'volume',
  'process',
  'mount',
  'socket',
  'fifo',
  'folder',
  'secret',
  'engine',
] as const;

/**
 * Something that is not as the book says. `leak`: in the world, and nothing needs it, or the book does not know it; `missing`: open in the
 * book, and not in the world; `foreign`: looks like ours and is not, named so that nobody wonders; `unknown`: could not be looked at.
 */
export const findingSchema = z.object({
  kind: z.enum(FINDING_KINDS),
  name: z.string(),
  verdict: z.enum(['leak', 'missing', 'foreign', 'unknown']),
  session_id: z.string().nullable(),
  /** Why it is here, as a clause. */
  detail: z.string(),
  /** What to do about it, as a command where there is one. */
  fix: z.string(),
  /** `cleanup` takes it: provably ours, provably unused. */
  cleanup: z.boolean(),
});
/** Something that is not as the book says. */
export type Finding = z.infer<typeof findingSchema>;

/** The fix of everything that cleanup takes. */
export const BY_CLEANUP = 'filare-agents cleanup';
/** The fix of what the next daemon settles by itself. */
export const BY_DAEMON = 'any command that needs the daemon settles it: filare-agents list';
