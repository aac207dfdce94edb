import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import { detachGit } from './detached-git.js';
import { readGitState, readRef, UnreadableRef, type GitState } from './git-state.js';
import { runGit, type GitResult } from './run-git.js';

const SWITCH_DEADLINE_MS = 30 * 60_000;

/** A branch to put a fresh copy of a repository on. */
export interface PinRequest {
  /** The work tree; nobody else writes there yet. */
  readonly tree: string;
  readonly branch: string;
  /** For messages. */
  readonly template: string;
  /** A folder of ours that does not exist yet. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * Puts a copied repository on its branch: the branch it has, switching files where they differ, or a new one where it is. Done with the
 * files of `.git` and through a `.git` of ours: no git reads the configuration that came with the copy.
 */
export async function pinBranch(request: PinRequest): Promise<void> {
  const { tree, branch } = request;
  const state = await readGitState(tree);
  if (state.kind !== 'branch' && state.kind !== 'detached') return;
  if (state.kind === 'branch' && state.branch === branch) return;
  const ref = `refs/heads/${branch}`;
  const existing = await knownRef(request, ref);
  if (existing === null) await createBranch(request, state);
  else if (existing !== state.commit) await switchFiles(request, state.commit, existing);
  await replaceFile(join(tree, '.git/HEAD'), `ref: ${ref}\n`);
}

async function createBranch(
  request: PinRequest,
  state: Extract<GitState, { kind: 'branch' | 'detached' }>,
): Promise<void> {
  if (state.commit === null) return;
  const parts = request.branch.split('/');
  for (let length = 1; length < parts.length; length += 1) {
    const shorter = parts.slice(0, length).join('/');
    if ((await knownRef(request, `refs/heads/${shorter}`)) !== null) {
      throw refusal(request, `it has a branch ${shorter}, beside which git cannot keep a branch ${request.branch}`);
    }
  }
  const file = join(request.tree, '.git/refs/heads', ...parts);
  await mkdir(dirname(file), { recursive: true });
  await replaceFile(file, `${state.commit}\n`);
}

async function switchFiles(request: PinRequest, from: string | null, to: string): Promise<void> {
  const detached = await detachGit(request.tree, from, request.scratch, request.signal);
  const git = (...args: string[]): Promise<GitResult> =>
    runGit({ args, env: detached.env, signal: request.signal, deadline_ms: SWITCH_DEADLINE_MS });
  // The copies are other files than those that the index remembers; git looks at them once and finds the same content.
  await git('update-index', '-q', '--refresh');
  const result = await git('read-tree', '-m', '-u', ...(from === null ? [] : [from]), to);
  if (result.exit_code !== 0) throw refusal(request, result.stderr.trim().split('\n').at(-1) ?? 'git failed');
  await copyFile(detached.index, join(request.tree, '.git/index'));
}

async function knownRef(request: PinRequest, ref: string): Promise<string | null> {
  try {
    return await readRef(request.tree, ref);
  } catch (error) {
    if (error instanceof UnreadableRef) throw refusal(request, `it ${error.message}`);
    throw error;
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const next = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(next, text, { flag: 'wx' });
  await rename(next, path);
}

function refusal(request: PinRequest, why: string): FilareError {
  return new FilareError({
    code: 'workspace',
    message: `the branch ${request.branch} cannot be checked out in a copy of ${request.template}: ${why}`,
    hint: 'name another `branch` in the manifest, or check the branch out in the template',
    details: { template: request.template, branch: request.branch },
  });
}
