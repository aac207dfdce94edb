import { lstat, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import { detachGit } from './detached-git.js';
import { readGitState, type GitState } from './git-state.js';
import { runGit } from './run-git.js';
import { shellQuote } from '../contract/shell-quote.js';
import { unlessMissing } from './system-error.js';

const STATUS_DEADLINE_MS = 5 * 60_000;
const SHOWN_CHANGES = 5;

/**
 * Refuses (`workspace`) a template that would make a bad workspace: not a folder; a worktree or submodule, whose `.git` only points
 * elsewhere; a repository that borrows objects from another one, has a git command running, or has changes that are not committed. Answers what is
 * checked out in it. `scratch` is a folder of ours that does not exist yet.
 */
export async function checkTemplate(template: string, scratch: string, signal: AbortSignal): Promise<GitState> {
  const entry = await unlessMissing(stat(template));
  if (entry === undefined)
    throw refusal(
      template,
      'does not exist',
      'mend `template` in the manifest: a path is relative to the manifest that names it',
    );
  if (!entry.isDirectory()) throw refusal(template, 'is not a folder', 'name a folder in `template`');
  const state = await readGitState(template);
  switch (state.kind) {
    case 'none':
      return state;
    case 'shared':
      throw refusal(
        template,
        `is not a repository of its own: its .git points to ${state.points_to} (a worktree or submodule), which its copies would share`,
        `clone it instead: write \`repo: ${template}\` in place of \`template\``,
      );
    case 'unreadable':
      throw refusal(template, state.reason, 'make it an ordinary repository (`git clone`), or remove its .git');
    case 'branch':
    case 'detached':
      await refuseUnfinished(template);
      await refuseChanges(template, state.commit, scratch, signal);
      return state;
  }
}

async function refuseUnfinished(template: string): Promise<void> {
  const alternates = await unlessMissing(readFile(join(template, '.git/objects/info/alternates'), 'utf8'));
  if (alternates !== undefined && alternates.trim() !== '') {
    throw refusal(
      template,
      `borrows its history from ${alternates.trim().split('\n')[0] ?? ''}, which a container does not see`,
      `clone it instead: write \`repo: ${template}\` in place of \`template\``,
    );
  }
  if ((await unlessMissing(lstat(join(template, '.git/index.lock')))) !== undefined) {
    throw refusal(
      template,
      'has a git command running in it (.git/index.lock)',
      'let it finish; when none runs, remove that file',
    );
  }
}

async function refuseChanges(
  template: string,
  commit: string | null,
  scratch: string,
  signal: AbortSignal,
): Promise<void> {
  const detached = await detachGit(template, commit, scratch, signal);
  const result = await runGit({
    args: ['status', '--porcelain=v1', '-z', '--untracked-files=normal', '--ignore-submodules=all', '--no-renames'],
    env: detached.env,
    signal,
    deadline_ms: STATUS_DEADLINE_MS,
  });
  if (result.exit_code !== 0) {
    throw refusal(
      template,
      `cannot be checked for uncommitted changes: ${result.stderr.trim().split('\n').at(-1) ?? ''}`,
      `look at it by hand: git -C ${shellQuote(template)} status`,
    );
  }
  const changes = result.stdout.split('\0').filter((line) => line !== '');
  if (changes.length === 0) return;
  const names = changes.slice(0, SHOWN_CHANGES).map((line) => line.slice(3));
  throw refusal(
    template,
    `has changes that are not committed: ${names.join(', ')}${changes.length > SHOWN_CHANGES ? ` and ${changes.length - SHOWN_CHANGES} more` : ''}`,
    `commit or stash them (git -C ${shellQuote(template)} status), so that the agent starts from something that can be named`,
  );
}

function refusal(template: string, why: string, hint: string): FilareError {
  return new FilareError({
    code: 'workspace',
    message: `the template ${template} ${why}`,
    hint,
    details: { template },
  });
}
