import type { ActionCategory } from '../contract/agent-spec.js';
import type { GitCommand } from './git-command.js';

const NETWORK: ReadonlySet<string> = new Set(
  'fetch pull clone ls-remote fetch-pack lfs svn p4 send-email request-pull submodule instaweb'.split(' '),
);
const PUSHES: ReadonlySet<string> = new Set(['push', 'send-pack', 'http-push']);
const PUSHES_TOO: ReadonlySet<string> = new Set(['subtree push', 'lfs push', 'svn dcommit', 'p4 submit']);
const DESTRUCTIVE: ReadonlySet<string> = new Set(['filter-branch', 'filter-repo', 'prune']);

/** Options and words that make a command of git lose something. */
const LOSES: Readonly<Record<string, RegExp>> = {
  reset: /^--(?:hard|merge|keep)$/,
  checkout: /^(?:--|\.|-f|--force|-B|-[a-zA-Z]*f[a-zA-Z]*)$/,
  switch: /^(?:-f|--force|--discard-changes|-C|--force-create)$/,
  branch: /^(?:-[a-zA-Z]*[dDMfC][a-zA-Z]*|--delete|--force)$/,
  tag: /^(?:-d|--delete|-f|--force)$/,
  stash: /^(?:drop|clear|pop)$/,
  reflog: /^(?:expire|delete)$/,
  gc: /^--prune/,
  'update-ref': /^-d$/,
  worktree: /^(?:remove|prune)$/,
  remote: /^(?:remove|rm|prune)$/,
  notes: /^(?:remove|prune)$/,
  push: /^(?:-[a-zA-Z]*[fd][a-zA-Z]*|--force.*|--delete|--mirror|--prune|\+.*|:.+)$/,
  'send-pack': /^(?:--force|--mirror|\+.*|:.+)$/,
};

/** What kind of action a call of git is. */
export function gitCategories(git: GitCommand): ActionCategory[] {
  if (git.does === null) return [];
  const { does } = git;
  const texts = git.args.map((arg) => arg.text ?? '');
  const first = texts.find((text) => !text.startsWith('-')) ?? '';
  const found: ActionCategory[] = [];
  if (PUSHES.has(does) || PUSHES_TOO.has(`${does} ${first}`)) found.push('git_push', 'network');
  if (reaches(does, first, texts)) found.push('network');
  if (DESTRUCTIVE.has(does) || loses(does, texts)) found.push('destructive');
  return found;
}

function reaches(does: string, first: string, texts: readonly string[]): boolean {
  if (NETWORK.has(does)) return true;
  if (does === 'remote') return ['update', 'show', 'prune'].includes(first);
  if (does === 'archive') return texts.some((text) => text.startsWith('--remote'));
  return false;
}

function loses(does: string, texts: readonly string[]): boolean {
  if (does === 'clean') return !texts.some((text) => /^(?:-[a-zA-Z]*n[a-zA-Z]*|--dry-run)$/.test(text));
  if (does === 'rm') return !texts.includes('--cached');
  if (does === 'restore') return !(texts.includes('--staged') || texts.includes('-S')) || texts.includes('--worktree');
  const losing = Object.hasOwn(LOSES, does) ? LOSES[does] : undefined;
  return losing !== undefined && texts.some((text) => losing.test(text));
}
