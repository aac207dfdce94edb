/** Life of an attempt, in order; only forward within one attempt. */
export const PHASES = [
  'queued',
  'preparing',
  'starting',
  'running',
  'stopping',
  'backing_off',
  'stopped',
  'failed',
] as const;

/** Phase of a session. */
export type Phase = (typeof PHASES)[number];

/** Whether a session is over, by its phase: no attempt runs and none will. */
export function isOver({ phase }: { readonly phase: Phase }): boolean {
  return phase === 'stopped' || phase === 'failed';
}
