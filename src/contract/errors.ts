/** Every expected failure has one of these codes; three tables below turn a code into an exit code, an HTTP status and a default hint. */
export const ERROR_CODES = [
  'unexpected',
  'usage',
  'invalid_manifest',
  'not_found',
  'bad_state',
  'conflict',
  'ended',
  'timeout',
  'engine_unavailable',
  'image_unavailable',
  'blocked_by_prompt',
  'workspace',
  'credentials',
  'unsupported',
  'limit_exceeded',
  'no_space',
  'turn_failed',
  'interrupted',
  'version_mismatch',
] as const;

/** One word for what went wrong; stable, part of the public contract. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Process exit code for each error code (0 done · 1 unexpected · 2 usage · 3 not found · 4 state · 5 timeout · 6 engine/image · 7 prompt · 130 Ctrl-C). */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  unexpected: 1,
  usage: 2,
  invalid_manifest: 2,
  not_found: 3,
  bad_state: 4,
  conflict: 4,
  ended: 4,
  timeout: 5,
  engine_unavailable: 6,
  image_unavailable: 6,
  blocked_by_prompt: 7,
  workspace: 2,
  credentials: 2,
  unsupported: 2,
  limit_exceeded: 4,
  no_space: 1,
  turn_failed: 1,
  interrupted: 130,
  version_mismatch: 4,
};

/** HTTP status for each error code. */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  unexpected: 500,
  usage: 400,
  invalid_manifest: 422,
  not_found: 404,
  bad_state: 409,
  conflict: 409,
  ended: 410,
  timeout: 504,
  engine_unavailable: 503,
  image_unavailable: 503,
  blocked_by_prompt: 423,
  workspace: 422,
  credentials: 422,
  unsupported: 422,
  limit_exceeded: 429,
  no_space: 507,
  turn_failed: 502,
  interrupted: 499,
  version_mismatch: 426,
};

/** What a failure carries across a boundary. `message`: what and where. `hint`: what to do. `details`: machine-readable facts, never secrets. */
export interface FailureBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: unknown;
}

/** An expected failure. Thrown where it is noticed, shown once where it is handled. */
export class FilareError extends Error {
  override readonly name = 'FilareError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: unknown;

  constructor(failure: FailureBody & { readonly cause?: unknown }) {
    super(failure.message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.code = failure.code;
    this.hint = failure.hint;
    this.details = failure.details;
  }

  /** The failure as it crosses the control API. */
  toBody(): FailureBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** What to do when a process has as many files open as it may. */
export const TOO_MANY_FILES_HINT =
  'run fewer agents at once, or raise the limit of open files (`ulimit -n`; LimitNOFILE= in a unit of systemd) and restart the daemon: filare-agents daemon stop';

/** Whether the system refused because this process, or the machine, has as many files open as it may. */
export function isTooManyFiles(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && (thrown.code === 'EMFILE' || thrown.code === 'ENFILE');
}

/** Any thrown value as a failure: a FilareError keeps its code, everything else is `unexpected` (too many open files: `limit_exceeded`) with its message and cause kept. */
export function asFilareError(thrown: unknown): FilareError {
  if (thrown instanceof FilareError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (isTooManyFiles(thrown))
    return new FilareError({ code: 'limit_exceeded', message, hint: TOO_MANY_FILES_HINT, cause: thrown });
  return new FilareError({ code: 'unexpected', message, cause: thrown });
}

/** For the default branch of an exhaustive switch: does not compile while a case is missing, throws if foreign data slips through. */
export function unreachable(value: never): never {
  throw new Error(`unreachable case: ${JSON.stringify(value)}`);
}
