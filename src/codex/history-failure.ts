/** Codex 0.169 on its standard error, with a home that is full (measured): these lines, one for each piece of the conversation that it cannot keep. */
const CANNOT_KEEP =
  /failed to record rollout items|rollout writer failed|failed to (?:write|flush|append to|persist) rollout/i;
/** How the system says why. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/No space left on device|os error 28\b|StorageFull|database or disk is full/i, 'no space is left'],
  [/Disk quota exceeded|os error 122\b/i, 'the disk quota is used up'],
  [/Read-only file system|os error 30\b|readonly database/i, 'it can only be read'],
  [/Permission denied|os error 13\b/i, 'it may not be written'],
  [/Input\/output error|os error 5\b/i, 'the disk fails'],
];

/** Why Codex cannot keep its history, as the last words on its standard error say; null where they say no such thing. What is written there is untrusted. */
export function historyFailure(stderr: string): string | null {
  const lines = stderr.split('\n').filter((line) => CANNOT_KEEP.test(line));
  if (lines.length === 0) return null;
  for (const line of lines.reverse()) for (const [form, reason] of REASONS) if (form.test(line)) return reason;
  return 'it cannot be written';
}
