/**
 * The compiled script: plain JSON that travels into the rehearsal's container. `script.ts` makes it on the host, `server.ts` plays it.
 * This file and everything the server imports use Node's own modules only.
 */

/** Raised when the compiled form changes; a server refuses a plan of another version. */
export const PLAN_VERSION = 1;

/** How text streams: characters a delta, and the pause between deltas in milliseconds. */
export interface Pace {
  readonly chunk: number;
  readonly delay_ms: number;
}

/** What the rehearsed agent does next. `times: null` means every time, `ms: null` means until the client goes away. */
export type Step =
  | { readonly kind: 'say'; readonly text: string; readonly pace: Pace }
  | { readonly kind: 'reason'; readonly text: string; readonly pace: Pace }
  | {
      readonly kind: 'run';
      readonly command: string;
      readonly workdir?: string | undefined;
      /** Go on while the command still runs. */
      readonly background: boolean;
      /** Makes Codex ask for this command whatever it is, with this reason. */
      readonly reason?: string | undefined;
    }
  | { readonly kind: 'write'; readonly path: string; readonly content: string }
  | { readonly kind: 'patch'; readonly path: string; readonly patch: string }
  | {
      readonly kind: 'call';
      readonly tool: string;
      readonly namespace?: string | undefined;
      readonly arguments: unknown;
    }
  | {
      readonly kind: 'fail';
      readonly status: number;
      readonly message: string;
      readonly times: number | null;
      /** Sent as `retry-after`, rounded up to seconds. */
      readonly retry_after_ms?: number | undefined;
    }
  | { readonly kind: 'hang'; readonly ms: number | null }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'stream_cut'; readonly text: string; readonly times: number | null };

/** When a part plays: every condition given must hold. Lists are alternatives; letter case counts in `matches` only. */
export interface Cue {
  readonly role?: readonly string[] | undefined;
  readonly agent?: readonly string[] | undefined;
  readonly turn?: number | undefined;
  readonly text?: string | undefined;
  readonly matches?: { readonly source: string; readonly flags: string } | undefined;
}

/** One entry of `parts`; `source` is `file:line`, for the request log. */
export interface Part {
  readonly source: string;
  readonly cue: Cue;
  readonly steps: readonly Step[];
}

/** All parts in the order in which they are tried. Without `strict`, an unmatched message is said back. */
export interface Plan {
  readonly version: typeof PLAN_VERSION;
  readonly strict: boolean;
  readonly pace: Pace;
  readonly parts: readonly Part[];
}

/** The pace of a script that says nothing about it: 24 characters a delta, no pause. */
export const DEFAULT_PACE: Pace = { chunk: 24, delay_ms: 0 };

const STEP_KINDS: ReadonlySet<unknown> = new Set<Step['kind']>([
  'say',
  'reason',
  'run',
  'write',
  'patch',
  'call',
  'fail',
  'hang',
  'wait',
  'stream_cut',
]);

/** Whether parsed JSON is a plan that this server can play. Checks what decides control flow (a pace of no characters would
 * never end); anything else that is wrong fails the one request that plays it. */
export function isPlan(value: unknown): value is Plan {
  if (!isRecord(value) || value['version'] !== PLAN_VERSION || typeof value['strict'] !== 'boolean') return false;
  if (!isPace(value['pace']) || !Array.isArray(value['parts'])) return false;
  return value['parts'].every(
    (part: unknown) =>
      isRecord(part) &&
      typeof part['source'] === 'string' &&
      isRecord(part['cue']) &&
      Array.isArray(part['steps']) &&
      part['steps'].every(
        (step: unknown) =>
          isRecord(step) && STEP_KINDS.has(step['kind']) && (step['pace'] === undefined || isPace(step['pace'])),
      ),
  );
}

function isPace(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { chunk, delay_ms } = value;
  return typeof chunk === 'number' && chunk >= 1 && typeof delay_ms === 'number' && delay_ms >= 0;
}

/** A JSON object, and neither an array nor null. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
