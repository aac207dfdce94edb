import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { FilareError } from '../contract/errors.js';
import { projectPaths, type ProjectPaths } from '../contract/project.js';

/** What the search for a project looks at. */
export interface ProjectQuery {
  /** Folder named by the user (`--project`); taken as it is. */
  readonly project?: string | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The paths of the project: the folder that the user named (`--project`, then `FILARE_PROJECT`), else the nearest ancestor of `cwd` with
 * `configs/agents` or `.filare`, else `cwd`; its real path. A named folder that is not there is `usage`.
 */
export function findProject(query: ProjectQuery): ProjectPaths {
  const named = query.project ?? emptyAsAbsent(query.env['FILARE_PROJECT']);
  const root = named === undefined ? nearestProject(realpathSync(query.cwd)) : namedFolder(resolve(query.cwd, named));
  return projectPaths(root, runtimeDir(query.env));
}

/**
 * The same for those who only look: a folder where nothing of a project is (no `configs/agents`, no `.filare`; no `agents/manifest` of Filare's,
 * no records of sessions), here or above, is
 * `usage`: whoever looks at the wrong folder would otherwise leave a daemon and a state folder in it, and learn nothing.
 */
export function findExistingProject(query: ProjectQuery): ProjectPaths {
  const project = findProject(query);
  const is_one = [project.outputs, join(project.root, 'agents', 'manifest')].some(isFolder) || isMarked(project.root);
  if (is_one) return project;
  const is_named = (query.project ?? emptyAsAbsent(query.env['FILARE_PROJECT'])) !== undefined;
  throw new FilareError({
    code: 'usage',
    message: `${project.root} is no project${is_named ? '' : ', and neither is a folder above it'}: there is no configs/agents and no .filare`,
    hint: 'go to the project, or name it with --project DIR; to begin one here, write a manifest in configs/agents (filare-agents help getting-started)',
  });
}

function namedFolder(folder: string): string {
  if (!isFolder(folder)) {
    throw new FilareError({
      code: 'usage',
      message: `the project folder ${folder} is not there`,
      hint: 'name an existing folder with --project DIR, or create it first',
    });
  }
  return realpathSync(folder);
}

function nearestProject(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (isMarked(folder)) return folder;
    if (dirname(folder) === folder) return from;
  }
}

function isMarked(folder: string): boolean {
  return isFolder(join(folder, 'configs', 'agents')) || isFolder(join(folder, '.filare'));
}

/**
 * The user's private folder for sockets whose own project path is too long: `$XDG_RUNTIME_DIR`, else `/tmp/filare-agents-<uid>`, made with
 * mode 0700. One that belongs to somebody else, or that others may enter, is refused (`unexpected`), for a socket in it could be theirs.
 */
export function runtimeDir(env: Readonly<Record<string, string | undefined>>): string {
  const given = env['XDG_RUNTIME_DIR'];
  if (given !== undefined && isAbsolute(given) && isFolder(given)) return given;
  const uid = process.getuid?.() ?? 0;
  const folder = `/tmp/filare-agents-${uid}`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new FilareError({
      code: 'unexpected',
      message: `${folder} is not a private folder of yours (mode ${(found.mode & 0o777).toString(8)}, owner ${found.uid})`,
      hint: `remove it, or set XDG_RUNTIME_DIR to a folder of your own with mode 0700`,
    });
  }
  return folder;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function emptyAsAbsent(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
