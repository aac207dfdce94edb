import { copyFile, mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runGit } from './run-git.js';
import { unlessMissing } from './system-error.js';

/** A repository seen through a `.git` of ours: its objects and a copy of its index, nothing of its configuration, hooks or refs. */
export interface DetachedGit {
  /** Variables under which git sees it. */
  readonly env: Readonly<Record<string, string>>;
  /** The copy of its index. */
  readonly index: string;
}

/** Settings that say how files compare; none of them names a program or a path. */
const HARMLESS_SETTINGS = new Set([
  ...[
    'core.filemode',
    'core.symlinks',
    'core.ignorecase',
    'core.autocrlf',
    'core.eol',
    'core.trustctime',
    'core.checkstat',
  ],
  ...['core.sparsecheckout', 'core.sparsecheckoutcone', 'core.repositoryformatversion', 'extensions.objectformat'],
]);
const CONFIG_DEADLINE_MS = 30_000;

/**
 * Makes a `.git` of ours at `scratch` for the repository whose work tree is `tree`, as it is at `commit` (null: none yet). Whatever filters,
 * monitors, hooks, aliases and includes the repository's own configuration names, git does not read them and so cannot start them.
 */
export async function detachGit(
  tree: string,
  commit: string | null,
  scratch: string,
  signal: AbortSignal,
): Promise<DetachedGit> {
  const git = join(tree, '.git');
  await mkdir(join(scratch, 'refs'), { recursive: true, mode: 0o700 });
  await mkdir(join(scratch, 'info'), { mode: 0o700 });
  await writeFile(join(scratch, 'HEAD'), commit === null ? 'ref: refs/heads/none-yet\n' : `${commit}\n`);
  await writeFile(join(scratch, 'config'), await harmlessConfig(join(git, 'config'), signal));
  const shared = (await readdir(git)).filter((name) => name.startsWith('sharedindex.'));
  for (const name of ['index', ...shared, 'info/exclude', 'info/sparse-checkout'])
    await copyWithTime(join(git, name), join(scratch, name));
  return {
    env: { GIT_DIR: scratch, GIT_WORK_TREE: tree, GIT_OBJECT_DIRECTORY: join(git, 'objects') },
    index: join(scratch, 'index'),
  };
}

async function harmlessConfig(file: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await runGit({
    args: ['config', '--file', file, '--no-includes', '--list', '--null'],
    signal,
    deadline_ms: CONFIG_DEADLINE_MS,
  });
  const lines = stdout.split('\0').flatMap((entry) => {
    const [name = '', value = ''] = entry.split('\n');
    const [section, key] = name.split('.');
    return HARMLESS_SETTINGS.has(name) && /^[A-Za-z0-9]+$/.test(value)
      ? [`[${section ?? ''}]\n\t${key ?? ''} = ${value}`]
      : [];
  });
  return `${lines.join('\n')}\n`;
}

/** The time matters for an index: git looks again at files that changed in the same moment as it. Cut to the second, it looks too often, never too seldom. */
async function copyWithTime(from: string, to: string): Promise<void> {
  const entry = await unlessMissing(stat(from));
  if (entry === undefined) return;
  await copyFile(from, to);
  const seconds = Math.floor(entry.mtimeMs / 1000);
  await utimes(to, seconds, seconds);
}
