import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import { explainCloneFailure, withoutSecrets } from './clone-failure.js';
import type { RepoAddress } from './repo-address.js';
import { runGit, runGitOrThrow, type GitResult } from './run-git.js';
import type { Staging } from './seed-staging.js';
import { sshEnvironment, type SshAccess } from './ssh-access.js';
import { diskFull, saysDiskFull, unlessMissing } from './system-error.js';

/** A clone to make. */
export interface CloneRequest {
  readonly address: RepoAddress;
  /** Branch, tag or commit where a new branch starts; the repository's own HEAD when absent. */
  readonly ref?: string | undefined;
  /** Checked out afterwards: taken from the repository when it has it, else made. */
  readonly branch: string;
  readonly ssh: SshAccess;
  /** For messages: where the clone ends up. */
  readonly workspace: string;
  readonly staging: Staging;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/** A clone that takes longer is given up. */
const CLONE_DEADLINE_MS = 60 * 60_000;
const STEP_DEADLINE_MS = 30 * 60_000;

/**
 * Clones a repository into the staging folder with its own copy of every object, and checks the branch out. Submodules are not followed.
 * The agent gets no password that the address carried: `origin` is the address without it. Failures: `workspace`, `credentials`, `no_space`, `timeout`,
 * `interrupted`, each with what to do.
 */
export async function cloneRepository(request: CloneRequest): Promise<void> {
  const { address, staging } = request;
  if (address.kind === 'local') await refuseMissingRepo(address.path);
  const git = await gitFor(request);
  const cloned = await git([
    ...[
      'clone',
      '--no-local',
      '--no-hardlinks',
      '--no-checkout',
      '--no-recurse-submodules',
      '--template=',
      '--origin=origin',
    ],
    ...['--progress', '--', address.shown, staging.tree],
  ]);
  if (cloned.exit_code !== 0) throw await explain(request, cloned);
  await checkOut(request, (args) =>
    git([`--git-dir=${join(staging.tree, '.git')}`, `--work-tree=${staging.tree}`, ...args]),
  );
}

type Git = (args: readonly string[]) => Promise<GitResult>;

async function gitFor(request: CloneRequest): Promise<Git> {
  const { address, staging, ssh } = request;
  const config_file = join(staging.scratch, 'gitconfig');
  await writeFile(config_file, privateConfig(address), { mode: 0o600 });
  const env = address.kind === 'ssh' ? await sshEnvironment(ssh) : {};
  return (args) =>
    runGit({
      args,
      config_file,
      env,
      signal: request.signal,
      deadline_ms: CLONE_DEADLINE_MS,
      onLine: (line) => request.onProgress(withoutSecrets(line, address)),
    });
}

/** Read by git and by the upload-pack it starts in a local source: which sources may belong to another user, and a password, out of argv. */
function privateConfig(address: RepoAddress): string {
  const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  const lines = ['[http]', '\tlowSpeedLimit = 1000', '\tlowSpeedTime = 60'];
  if (address.kind === 'local') {
    lines.push('[safe]', ...[address.path, join(address.path, '.git')].map((path) => `\tdirectory = ${quoted(path)}`));
  }
  if (address.kind === 'web' && address.secret_url !== undefined) {
    lines.push(`[url ${quoted(address.secret_url)}]`, `\tinsteadOf = ${quoted(address.shown)}`);
  }
  return `${lines.join('\n')}\n`;
}

async function checkOut(request: CloneRequest, git: Git): Promise<void> {
  const { branch, ref, address } = request;
  const remote = `refs/remotes/origin/${branch}`;
  const existing = await commitOf(git, remote);
  if (existing !== undefined) {
    if (ref !== undefined && ref !== branch)
      request.onProgress(`${address.shown} has the branch ${branch}: it is taken as it is, not started at ${ref}`);
    mustWork(request, await git(['checkout', '--progress', '-B', branch, '--track', remote]));
    return;
  }
  const start = ref === undefined ? await commitOf(git, 'HEAD') : await commitOfRef(request, git, ref);
  if (start === undefined) {
    if (ref !== undefined) throw noSuchRef(request, ref);
    // A repository without a commit: the first one will be on our branch.
    mustWork(request, await git(['symbolic-ref', 'HEAD', `refs/heads/${branch}`]));
    return;
  }
  mustWork(request, await git(['checkout', '--progress', '--no-track', '-B', branch, start]));
}

async function commitOfRef(request: CloneRequest, git: Git, ref: string): Promise<string | undefined> {
  if (ref.startsWith('-') || /[\p{Cc} ~^:?*[\\]|\.\.|@\{/u.test(ref)) throw noSuchRef(request, ref);
  const branch = ref.replace(/^refs\/heads\//, '').replace(/^origin\//, '');
  const names = [`refs/remotes/origin/${ref}`, `refs/remotes/origin/${branch}`, `refs/tags/${ref}`, ref];
  for (const name of /^[0-9a-f]{4,64}$/.test(ref) || ref.startsWith('refs/') ? names : names.slice(0, 3)) {
    const commit = await commitOf(git, name);
    if (commit !== undefined) return commit;
  }
  if (!ref.startsWith('refs/') && !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(ref)) return undefined;
  // Not on any branch: a pull request's ref, or a commit that the server may give on demand.
  const fetched = await git(['fetch', '--no-tags', '--no-recurse-submodules', '--progress', 'origin', ref]);
  return fetched.exit_code === 0 ? commitOf(git, 'FETCH_HEAD') : undefined;
}

async function commitOf(git: Git, name: string): Promise<string | undefined> {
  const { exit_code, stdout } = await git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
  return exit_code === 0 ? stdout.trim() : undefined;
}

function mustWork(request: CloneRequest, result: GitResult): void {
  if (result.exit_code === 0) return;
  throw saysDiskFull(result.stderr)
    ? diskFull(request.workspace, new Error(result.stderr.slice(-300)))
    : new FilareError({
        code: 'workspace',
        message: `cannot check out ${request.branch} of ${request.address.shown}: ${result.stderr.trim().split('\n').at(-1) ?? ''}`,
        hint: 'name another `branch` or `ref` in the manifest',
        details: { repo: request.address.shown, branch: request.branch },
      });
}

async function explain(request: CloneRequest, result: GitResult): Promise<FilareError> {
  const { workspace, address, ssh, signal } = request;
  return explainCloneFailure({ workspace, address, ssh, signal, stderr: result.stderr });
}

function noSuchRef(request: CloneRequest, ref: string): FilareError {
  return new FilareError({
    code: 'workspace',
    message: `${request.address.shown} has no branch, tag or commit ${JSON.stringify(ref)}`,
    hint: `mend \`ref\` in the manifest (\`git ls-remote ${request.address.shown}\` lists what there is)`,
    details: { repo: request.address.shown, ref },
  });
}

async function refuseMissingRepo(path: string): Promise<void> {
  if ((await unlessMissing(stat(path))) !== undefined) return;
  throw new FilareError({
    code: 'workspace',
    message: `the repository ${path} does not exist`,
    hint: 'mend `repo` in the manifest: a path is relative to the manifest that names it',
    details: { repo: path },
  });
}

/** Makes an empty repository in a seeded folder that has none, on the branch that the manifest names. */
export async function initRepository(tree: string, branch: string, signal: AbortSignal): Promise<void> {
  await runGitOrThrow({
    args: ['init', '--quiet', '--template=', `--initial-branch=${branch}`, '--', tree],
    signal,
    deadline_ms: STEP_DEADLINE_MS,
  });
}
