import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import { MAX_HEADER_BYTES, readBundleHeader } from './bundle-header.js';
import { gitFailed, OUT, type Helper } from './helper.js';
import { HIDDEN_FILES } from './hidden-files.js';
import { countCommits, knownCommits } from './survey.js';
import { sizeWords, takeFile, tooLarge } from './take-file.js';
import type { Quarantine } from './quarantine.js';

const BUNDLE = 'bundle';
const SHA256_DIGITS = 64;
/** How often the size of a growing bundle is looked at, in milliseconds. */
const SIZE_EVERY_MS = 500;

/** A branch to take out of a workspace. */
export interface WantedWork {
  /** The branch in the workspace, and where it ends as git in the helper said. */
  readonly branch: string;
  readonly tip: string;
  readonly shallow: boolean;
  /** Commits that need not come along. */
  readonly known: readonly string[];
  /** Its name in the quarantine. */
  readonly as: string;
  readonly max_bytes: number;
  readonly signal: AbortSignal;
}

/** Brings a branch out of a helper into the quarantine, as a bundle of what is not known. Throws as takeFile, readBundleHeader and Quarantine.take. */
export async function fetchWork(helper: Helper, quarantine: Quarantine, wanted: WantedWork): Promise<void> {
  const { branch, tip, max_bytes, signal } = wanted;
  requireFormat(tip, quarantine.object_format);
  const without = await knownCommits(helper, wanted.known);
  const ref = `refs/heads/${branch}`;
  if ((await countCommits(helper, tip, without)) === 0) {
    // All of it is in the operator's repository: there is nothing to carry.
    await quarantine.name(tip, wanted.as);
    return;
  }
  const args = ['bundle', 'create', '--quiet', `${OUT}/${BUNDLE}`, ref, ...without.map((commit) => `^${commit}`)];
  const made = await sayingSize(helper, () => helper.git(args));
  if (made.exit_code !== 0)
    throw /file too large|signal 25|SIGXFSZ/i.test(made.stderr) ? tooLarge(max_bytes) : gitFailed(args, made);
  const target = join(helper.own, BUNDLE);
  const { beginning, bytes } = await takeFile(helper.out, BUNDLE, target, {
    max_bytes,
    beginning_bytes: MAX_HEADER_BYTES,
    signal,
  });
  const header = readBundleHeader(beginning, { ref, commit: tip });
  helper.step(`checking ${sizeWords(bytes)}`);
  await quarantine.take(target, header, wanted.as, wanted.shallow);
}

/** Git translates no commit from one kind of names to the other. */
function requireFormat(tip: string, operators: string): void {
  const agents = tip.length === SHA256_DIGITS ? 'sha256' : 'sha1';
  if (agents === operators) return;
  throw new FilareError({
    code: 'bad_state',
    message: `the agent's repository names its objects by ${agents}, yours by ${operators}: git brings no branch from one to the other`,
    hint: 'write patch files instead: --patch DIR',
  });
}

/** Says how large the bundle is while it grows. */
async function sayingSize<T>(helper: Helper, make: () => Promise<T>): Promise<T> {
  helper.step('bundling');
  const timer = setInterval(() => {
    lstat(join(helper.out, BUNDLE)).then(
      ({ size }) => helper.step(`bundling ${sizeWords(size)}`),
      () => undefined,
    );
  }, SIZE_EVERY_MS);
  try {
    return await make();
  } finally {
    clearInterval(timer);
  }
}

const ADD_ALL = `${HIDDEN_FILES}
if hidden "$@"; then unhide "$@"; fi && exec "$@" add --all -- .
`;

/** Makes a commit of everything that is in none, in the workspace itself; answers with it, or null when there was nothing. */
export async function commitWork(
  helper: Helper,
  options: { readonly message: string; readonly name: string; readonly email: string },
): Promise<string | null> {
  const identity = {
    GIT_AUTHOR_NAME: options.name,
    GIT_AUTHOR_EMAIL: options.email,
    GIT_COMMITTER_NAME: options.name,
    GIT_COMMITTER_EMAIL: options.email,
  };
  const added = await helper.script(ADD_ALL);
  if (added.exit_code !== 0) throw busyOr(['add'], added);
  if ((await helper.git(['diff', '--cached', '--quiet', '--no-ext-diff', '--no-textconv'])).exit_code === 0)
    return null;
  const made = await helper.git(['commit', '--quiet', '--no-verify', '--cleanup=verbatim', '--file=-'], {
    env: identity,
    stdin: options.message,
  });
  if (made.exit_code !== 0) throw busyOr(['commit'], made);
  return (await helper.gitOrThrow(['rev-parse', 'HEAD'])).stdout.trim();
}

function busyOr(args: readonly string[], ran: Awaited<ReturnType<Helper['git']>>): FilareError {
  if (!ran.stderr.includes('index.lock')) return gitFailed(args, ran);
  return new FilareError({
    code: 'conflict',
    message: 'the agent is working with git right now',
    hint: 'wait until it is idle (filare-agents wait ID --until idle), then try again',
  });
}
