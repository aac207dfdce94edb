import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import type { BundleHeader } from './bundle-header.js';
import { HostGit } from './host-git.js';
import type { OperatorRepo } from './operator-repo.js';

/** Most files in conflict that are named of two branches. */
const MAX_CONFLICTS = 1000;

/**
 * A fresh bare repository of ours, in which work is looked at before the operator's repository sees it. It borrows the operator's objects and knows the
 * commits in `known` by refs, so that a bundle of what comes after them is whole here. Its configuration is ours; it has no hooks.
 */
export class Quarantine {
  readonly path: string;
  readonly git: HostGit;

  /** `sha1` or `sha256`, as the operator's repository has it. */
  readonly object_format: string;

  private constructor(path: string, git: HostGit, object_format: string) {
    this.path = path;
    this.git = git;
    this.object_format = object_format;
  }

  /** Makes one in a folder of ours. */
  static async make(
    folder: string,
    repo: OperatorRepo,
    known: readonly string[],
    signal: AbortSignal,
  ): Promise<Quarantine> {
    const path = join(folder, 'quarantine.git');
    const git = HostGit.bare(path, signal);
    await git.demand(['init', '--quiet', '--bare', '--template=', `--object-format=${repo.object_format}`]);
    await mkdir(join(path, 'objects', 'info'), { recursive: true });
    await writeFile(join(path, 'objects', 'info', 'alternates'), `${repo.objects}\n`);
    if (repo.shallow !== null) await copyFile(repo.shallow, join(path, 'shallow'));
    const lines = known.map((commit, at) => `${commit} refs/known/${String(at).padStart(6, '0')}\n`);
    await writeFile(join(path, 'packed-refs'), `# pack-refs with: sorted\n${lines.join('')}`);
    return new Quarantine(path, git, repo.object_format);
  }

  /** Takes a bundle in as `branch`. Throws `bad_state` for one that is broken, forged, or not whole. */
  async take(bundle: string, header: BundleHeader, branch: string, shallow: boolean): Promise<void> {
    const fetched = await this.git.try([
      ...['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-maintenance'],
      ...['--no-prune', '--', bundle, `${header.ref}:refs/heads/${branch}`],
    ]);
    const came = await this.git.answer(['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]);
    if (fetched.exit_code === 0 && came === header.commit) return;
    const words = fetched.exit_code === 0 ? '' : fetched.stderr.trim().split('\n').slice(-3).join('; ').slice(0, 1000);
    throw new FilareError({
      code: 'bad_state',
      message: `what came out of the workspace is not taken: ${words === '' ? 'it is not the commit that was said' : words}`,
      hint: shallow
        ? "the agent's repository is a shallow clone, whose beginning neither it nor your repository has: have the agent run git fetch --unshallow"
        : 'nothing was changed; write patch files instead: --patch DIR',
    });
  }

  /** Names a commit that the operator's repository has. */
  async name(commit: string, branch: string): Promise<void> {
    await this.git.demand(['update-ref', `refs/heads/${branch}`, commit]);
  }

  /** How many commits the first has that the second lacks. */
  async ahead(commit: string, of: string | null): Promise<number> {
    return Number.parseInt(
      await this.git.demand(['rev-list', '--count', commit, ...(of === null ? [] : ['--not', of])]),
      10,
    );
  }

  /** Whether the second commit has all that the first has. */
  async isIn(commit: string, other: string): Promise<boolean> {
    return (await this.git.answer(['merge-base', '--is-ancestor', commit, other])) !== null;
  }

  /** Whether a commit has one in its history that any of the others has too. */
  async isRelated(commit: string, others: readonly string[]): Promise<boolean> {
    return (await this.git.answer(['merge-base', commit, ...others])) !== null;
  }

  /** Merges two commits without a work tree or a ref; answers with the files in conflict. Null: it would take more memory than git is given here. */
  async mergeTrial(
    a: string,
    b: string,
  ): Promise<{ readonly files: readonly string[]; readonly unrelated: boolean } | null> {
    const unrelated = (await this.git.answer(['merge-base', a, b])) === null;
    const merged = await this.git.try([
      ...['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', '--allow-unrelated-histories', a, b],
    ]);
    if (merged.exit_code === 0) return { files: [], unrelated };
    if (/^fatal: Out of memory/m.test(merged.stderr)) return null;
    if (merged.exit_code !== 1)
      throw new Error(`git merge-tree ended with ${String(merged.exit_code)}: ${merged.stderr.slice(-500)}`);
    const [, ...names] = merged.stdout.split('\0');
    return { files: [...new Set(names.filter((name) => name !== ''))].slice(0, MAX_CONFLICTS), unrelated };
  }

  /** What people should know of a commit: what a branch alone does not bring. */
  async notesOf(commit: string, since: string | null): Promise<readonly string[]> {
    const notes: string[] = [];
    const large = await this.git.answer(['grep', '-l', '-e', 'filter=lfs', commit, '--', ':(glob)**/.gitattributes']);
    if (large !== null && large !== '')
      notes.push('files of Git LFS came as pointers: what they point to is not among the objects of a branch');
    const empty = await this.git.demand(['hash-object', '-t', 'tree', '/dev/null']);
    const changed = await this.git.answer(['diff-tree', '-r', '--raw', '-z', since ?? empty, commit]);
    const modules = (changed ?? '').split('\0').filter((line) => /^:\d{6} 160000 /.test(line)).length;
    if (modules > 0)
      notes.push(
        `${modules === 1 ? 'a submodule' : `${String(modules)} submodules`} came as the commit they point to: their own history is not among the objects of a branch`,
      );
    return notes;
  }
}
