/** What went wrong with an engine call, as a FilareError with the fix in its hint. Pure. */
import { FilareError, TOO_MANY_FILES_HINT } from '../../contract/errors.js';
import type { ErrorCode } from '../../contract/errors.js';

/** Where a failure happened, for its message. */
export interface CallSite {
  /** What was tried, e.g. `create container builder-1`. */
  readonly what: string;
  /** The engine's address. */
  readonly endpoint: string;
}

/** A socket, DNS, TLS or HTTP failure: always `engine_unavailable`, with the fix for the commonest causes. */
export function socketFailure(thrown: unknown, site: CallSite): FilareError {
  if (thrown instanceof FilareError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED':
      return unavailable(
        `no Docker Engine answers at ${site.endpoint}`,
        'run `scripts/setup` to install and start one, or set DOCKER_HOST to the one you use',
      );
    case 'EACCES':
    case 'EPERM':
      return unavailable(
        `no permission to use the Docker Engine at ${site.endpoint}`,
        'add yourself to the group of its socket with `sudo usermod -aG docker $USER` and log in again',
      );
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return unavailable(
        `the Docker Engine at ${site.endpoint} went away (${site.what})`,
        'look whether it still runs with `docker info`, start it with `scripts/setup`',
      );
    case 'EMFILE':
    case 'ENFILE':
      return unavailable(
        `the Docker Engine at ${site.endpoint} cannot be reached (${site.what}): too many open files`,
        TOO_MANY_FILES_HINT,
      );
    default:
      return unavailable(
        `the Docker Engine at ${site.endpoint} cannot be reached (${site.what}): ${words}`,
        'look at `docker info`, DOCKER_HOST and the current Docker context',
      );
  }

  function unavailable(message: string, hint: string): FilareError {
    return new FilareError({ code: 'engine_unavailable', message, hint, cause: thrown });
  }
}

/** An answer of the engine with an HTTP status of 400 or more; `words` is what it said. */
export function refusal(status: number, words: string, site: CallSite): FilareError {
  const { code, hint } = classify(status, words);
  const said = words === '' ? `HTTP status ${status}` : words;
  return new FilareError({ code, message: `${site.what}: ${said}`, hint, details: { status } });
}

/** The code and hint for what the engine said. The text decides where Docker uses one status for several things. */
function classify(status: number, words: string): { readonly code: ErrorCode; readonly hint?: string } {
  if (isNoSpace(words)) return NO_SPACE;
  if (/no such image|invalid reference format/i.test(words)) {
    return { code: 'image_unavailable', hint: 'build or pull the image first; check its name' };
  }
  if (/non-overlapping IPv4 address pool/i.test(words)) {
    return {
      code: 'limit_exceeded',
      hint: 'remove networks that nobody uses, or widen default-address-pools of the engine',
    };
  }
  if (status === 404) return { code: 'not_found' };
  if (status === 409 && /is not running|is paused|is restarting/i.test(words)) return { code: 'bad_state' };
  if (status === 409) return { code: 'conflict', hint: 'remove or rename the one that exists' };
  if (status === 403 && /active endpoints/i.test(words)) {
    return { code: 'conflict', hint: 'remove the containers in that network first' };
  }
  return { code: 'unexpected' };
}

/** A failed build, pull or import: a full disk stays `no_space`, all else means that the image is not there. */
export function imageFailure(words: string, site: CallSite, cause?: unknown): FilareError {
  const { code, hint } = isNoSpace(words)
    ? NO_SPACE
    : { code: 'image_unavailable' as const, hint: 'check the image name, and that this machine reaches the registry' };
  return new FilareError({ code, message: `${site.what}: ${words}`, hint, cause });
}

const NO_SPACE = {
  code: 'no_space',
  hint: "free space on the engine's disk; `docker system df` shows what uses it",
} as const;

function isNoSpace(words: string): boolean {
  return /no space left on device|disk quota exceeded/i.test(words);
}
