import { whyNotBranchName } from './branch-name.js';
import { OpenFolder, readSmallFile } from './open-folder.js';
import { systemCode, unlessMissing } from './system-error.js';

/**
 * What is checked out in a workspace, read from the files of `.git` alone: no git runs, because a repository can name programs that git
 * would start. Safe in a folder that an agent writes at the same time: no link is followed, nothing waits, every read has a bound.
 *
 * `none`: no git here. `branch`: `commit` is null before the first commit. `shared`: `.git` only points to a repository elsewhere (a
 * worktree, a submodule). `unreadable`: anything that is not a plain repository, `reason` completes "the workspace …".
 */
export type GitState =
  | { readonly kind: 'none' }
  | { readonly kind: 'branch'; readonly branch: string; readonly commit: string | null }
  | { readonly kind: 'detached'; readonly commit: string }
  | { readonly kind: 'shared'; readonly points_to: string }
  | { readonly kind: 'unreadable'; readonly reason: string };

const MAX_HEAD_BYTES = 4096;
const MAX_PACKED_REFS_BYTES = 32 * 1024 * 1024;
const MAX_SYMBOLIC_STEPS = 5;
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Reads the state of the repository in `path`, whose last component may not be a symbolic link. Hostile content is an answer, never a throw. */
export async function readGitState(path: string): Promise<GitState> {
  try {
    await using folder = await OpenFolder.open(path);
    const entry = await unlessMissing(folder.look('.git'));
    if (entry === undefined) return { kind: 'none' };
    if (entry.isFile()) return { kind: 'shared', points_to: await pointerOf(folder) };
    if (entry.isSymbolicLink()) return { kind: 'unreadable', reason: 'has a .git that is a symbolic link' };
    if (!entry.isDirectory()) return { kind: 'unreadable', reason: 'has a .git that is neither a folder nor a file' };
    await using git = await folder.folder('.git');
    return await headState(git);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined && !(error instanceof UnreadableRef)) throw error;
    return {
      kind: 'unreadable',
      reason: error instanceof UnreadableRef ? error.message : `cannot be read (${code ?? ''})`,
    };
  }
}

/** The commit that a ref (`refs/heads/main`) of the repository in `path` names, from files alone; null when there is none. Throws on a hostile one. */
export async function readRef(path: string, ref: string): Promise<string | null> {
  await using folder = await OpenFolder.open(path);
  await using git = await folder.folder('.git');
  return await resolveRef(git, ref);
}

/** What a repository on disk holds where a ref should be, and this code will not touch. The message completes "the workspace …". */
export class UnreadableRef extends Error {}

async function pointerOf(folder: OpenFolder): Promise<string> {
  const read = await readSmallFile(folder, '.git', MAX_HEAD_BYTES);
  const target = typeof read === 'object' ? /^gitdir: (.+)$/m.exec(read.text)?.[1] : undefined;
  return target ?? 'an unknown place';
}

async function headState(git: OpenFolder): Promise<GitState> {
  if ((await unlessMissing(git.look('commondir'))) !== undefined) {
    const common = await readSmallFile(git, 'commondir', MAX_HEAD_BYTES);
    return { kind: 'shared', points_to: typeof common === 'object' ? common.text.trim() : 'an unknown place' };
  }
  const head = await readSmallFile(git, 'HEAD', MAX_HEAD_BYTES);
  if (typeof head === 'string') return { kind: 'unreadable', reason: `has a .git whose HEAD is ${WORDS[head]}` };
  const text = head.text.trim();
  if (COMMIT.test(text)) return { kind: 'detached', commit: text };
  const branch = /^ref: refs\/heads\/(.+)$/.exec(text)?.[1];
  if (branch === '.invalid')
    return { kind: 'unreadable', reason: 'keeps its refs as a reftable, which is not supported: use the files format' };
  if (branch === undefined || whyNotBranchName(branch) !== undefined) {
    return { kind: 'unreadable', reason: 'has a .git whose HEAD names no branch and no commit' };
  }
  return { kind: 'branch', branch, commit: await resolveRef(git, `refs/heads/${branch}`) };
}

const WORDS = { missing: 'missing', not_a_file: 'not a plain file', too_big: 'far too long' } as const;

async function resolveRef(git: OpenFolder, ref: string): Promise<string | null> {
  let name = ref;
  for (let step = 0; step < MAX_SYMBOLIC_STEPS; step += 1) {
    const text = await looseRef(git, name.split('/'));
    if (text === undefined) return packedRef(git, name);
    if (COMMIT.test(text)) return text;
    const next = /^ref: (refs\/.+)$/.exec(text)?.[1];
    if (next === undefined || whyNotBranchName(next) !== undefined)
      throw new UnreadableRef(`has a damaged ref ${name}`);
    name = next;
  }
  throw new UnreadableRef(`has a ref ${ref} that leads in circles`);
}

async function looseRef(folder: OpenFolder, parts: readonly string[]): Promise<string | undefined> {
  const [first = '', ...rest] = parts;
  if (rest.length === 0) {
    const read = await readSmallFile(folder, first, MAX_HEAD_BYTES);
    if (read === 'missing') return undefined;
    if (typeof read === 'object') return read.text.trim();
    // A folder in the ref's place only means that longer names start with it.
    if (read === 'not_a_file' && (await folder.look(first)).isDirectory()) return undefined;
    throw new UnreadableRef(`has a ref ${first} that is ${WORDS[read]}`);
  }
  const entry = await unlessMissing(folder.look(first));
  if (entry === undefined || entry.isFile()) return undefined;
  if (!entry.isDirectory()) throw new UnreadableRef(`has refs behind ${first}, which is not a plain folder`);
  await using next = await folder.folder(first);
  return await looseRef(next, rest);
}

async function packedRef(git: OpenFolder, ref: string): Promise<string | null> {
  const read = await readSmallFile(git, 'packed-refs', MAX_PACKED_REFS_BYTES);
  if (read === 'missing') return null;
  if (typeof read === 'string') throw new UnreadableRef(`has a .git whose packed-refs is ${WORDS[read]}`);
  const at = read.text.indexOf(` ${ref}\n`);
  if (at < 0) return null;
  const commit = read.text.slice(read.text.lastIndexOf('\n', at) + 1, at);
  return COMMIT.test(commit) ? commit : null;
}
