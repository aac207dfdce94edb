import { constants, type Stats } from 'node:fs';
import { access, lstat, mkdir, readFile, readdir, realpath, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { AgentSpec } from '../contract/agent-spec.js';
import { FilareError } from '../contract/errors.js';
import { projectPaths } from '../contract/project.js';
import { shellQuote } from '../contract/shell-quote.js';
import { asWorkspaceFailure, diskFull, unlessMissing } from './system-error.js';

/** Where a workspace is or will be: `path` is real (links resolved). `missing` and `empty` are seeded, `filled` is used as it is. */
export type Location =
  | { readonly path: string; readonly state: 'missing' }
  | { readonly path: string; readonly state: 'empty' | 'filled'; readonly stats: Stats };

/** With less than this free where the workspace is, no agent is started there. */
const MIN_FREE_BYTES = 8 * 1024 * 1024;

const NEVER = [
  '/',
  '/bin',
  '/boot',
  '/dev',
  '/etc',
  '/home',
  '/lib',
  '/lib64',
  '/media',
  '/mnt',
  '/opt',
  '/proc',
  '/root',
  '/run',
];
const NEVER_EITHER = ['/sbin', '/srv', '/sys', '/tmp', '/usr', '/var', '/var/lib', '/var/run', '/var/tmp'];
const NEVER_INSIDE = ['/boot', '/etc', '/proc', '/sys', '/usr/bin', '/usr/lib', '/usr/sbin'];

/**
 * Finds out where the workspace of an agent is, and refuses (`workspace`, `no_space`) a place that can hold none: a file, a missing or
 * closed parent, a system or home folder, the product's own folders, a full disk. Makes `.filare/workspaces` for a default workspace,
 * and nothing else.
 */
export async function checkLocation(agent: AgentSpec, projectRoot: string): Promise<Location> {
  const named = resolve(agent.workspace.path);
  try {
    const root = await realpath(projectRoot);
    if (agent.workspace.is_default) await makeDefaultParent(root);
    const path = await realPlace(named, agent.workspace.is_default);
    await refuseBadPlace(path, root);
    const stats = await unlessMissing(stat(path));
    await refuseFullDisk(stats === undefined ? dirname(path) : path);
    if (stats === undefined) return { path, state: 'missing' };
    if (!stats.isDirectory()) throw notAFolder(path);
    return { path, stats, state: (await readdir(path)).length === 0 ? 'empty' : 'filled' };
  } catch (error) {
    throw asWorkspaceFailure(error, 'looking at the workspace', named);
  }
}

/** Refuses (`workspace`) a parent in which this process cannot make the workspace. */
export async function refuseClosedParent(path: string): Promise<void> {
  const parent = dirname(path);
  try {
    await access(parent, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new FilareError({
      code: 'workspace',
      message: `the workspace ${path} cannot be made: ${parent} is not writable for the user who runs filare-agents`,
      hint: `make it writable (\`ls -ld ${shellQuote(parent)}\` shows its owner), or name a workspace elsewhere`,
      cause,
      details: { path, parent },
    });
  }
}

/** Whether `path` is `folder` or lies in it; both real. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

async function makeDefaultParent(root: string): Promise<void> {
  const { state, workspaces } = projectPaths(root, '');
  for (const folder of [state, workspaces]) {
    try {
      await mkdir(folder, { mode: 0o700 });
    } catch (error) {
      if ((await unlessMissing(stat(folder)))?.isDirectory() !== true)
        throw asWorkspaceFailure(error, 'making the folder', folder);
    }
  }
}

async function realPlace(named: string, isDefault: boolean): Promise<string> {
  const entry = await unlessMissing(lstatThroughFiles(named));
  if (entry === undefined) {
    const parent = await unlessMissing(realpath(dirname(named)));
    if (parent !== undefined) return join(parent, basename(named));
    throw new FilareError({
      code: 'workspace',
      message: `the workspace ${named} cannot be made: its parent folder ${dirname(named)} does not exist`,
      hint: `make it (\`mkdir -p ${shellQuote(dirname(named))}\`), or mend \`workspace\` in the manifest`,
      details: { path: named },
    });
  }
  if (!entry.isSymbolicLink()) return realpath(named);
  const target = isDefault ? undefined : await unlessMissing(realpath(named));
  if (target !== undefined) return target;
  throw new FilareError({
    code: 'workspace',
    message: `the workspace ${named} is a symbolic link ${isDefault ? 'that filare-agents did not make' : 'to nothing'}`,
    hint: isDefault
      ? `remove it (\`rm ${shellQuote(named)}\`)`
      : 'make what it points to, or name the folder itself in the manifest',
    details: { path: named },
  });
}

async function lstatThroughFiles(path: string): Promise<Stats> {
  const parent = dirname(path);
  const above = await unlessMissing(stat(parent).catch(asNotDirectory));
  if (above !== undefined && !above.isDirectory()) throw notAFolder(parent);
  return lstat(path);
}

function asNotDirectory(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR' && 'path' in error) {
    throw notAFolder(dirname(String(error.path)));
  }
  throw error;
}

function notAFolder(path: string): FilareError {
  return new FilareError({
    code: 'workspace',
    message: `${path} is a file, and a workspace is a folder`,
    hint: 'name a folder in `workspace`, or move that file away',
    details: { path },
  });
}

async function refuseBadPlace(path: string, root: string): Promise<void> {
  const { state, workspaces } = projectPaths(root, '');
  const outputs = join(root, 'outputs');
  const refuse = (why: string): never => {
    throw new FilareError({
      code: 'workspace',
      message: `${path} cannot be a workspace: ${why}`,
      hint: 'an agent may change everything in its workspace: give it a folder of its own, or leave `workspace` out for .filare/workspaces',
      details: { path },
    });
  };
  if (path === '/') refuse('it is the root of the file system');
  if ((await homeFolders()).has(path)) refuse('it is a home folder');
  if ([...NEVER, ...NEVER_EITHER].includes(path)) refuse('it is a folder of the system');
  if (NEVER_INSIDE.some((folder) => isWithin(path, folder))) refuse('it lies in a folder of the system');
  if (isWithin(root, path)) refuse(`it holds the project's own folders (${state})`);
  if (isWithin(path, outputs)) refuse(`it lies in ${outputs}, where the records of sessions are`);
  const realState = (await unlessMissing(realpath(state))) ?? state;
  const realWorkspaces = (await unlessMissing(realpath(workspaces))) ?? workspaces;
  if (isWithin(realState, path)) refuse(`it holds the project's own folders (${state})`);
  if (isWithin(path, realState) && dirname(path) !== realWorkspaces)
    refuse(`it lies in ${state}, which is filare-agents' own`);
}

async function homeFolders(): Promise<Set<string>> {
  const homes = new Set([homedir(), '/root']);
  const passwd = (await unlessMissing(readFile('/etc/passwd', 'utf8'))) ?? '';
  for (const line of passwd.split('\n')) {
    const [, , uid, , , home] = line.split(':');
    if (home !== undefined && home.length > 1 && (Number(uid) >= 1000 || uid === '0')) homes.add(resolve(home));
  }
  const real = await Promise.all([...homes].map((home) => unlessMissing(realpath(home)).catch(() => undefined)));
  return new Set([...homes, ...real.filter((home) => home !== undefined)]);
}

async function refuseFullDisk(path: string): Promise<void> {
  const disk = await statfs(path);
  if (disk.bavail * disk.bsize < MIN_FREE_BYTES) throw diskFull(path);
  if (disk.files > 0 && disk.ffree === 0) throw diskFull(path, new Error('no inodes left'));
}
