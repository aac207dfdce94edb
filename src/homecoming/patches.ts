import { join } from 'node:path';
import { FilareError } from '../contract/errors.js';
import { gitFailed, OUT, type Helper } from './helper.js';
import { takeFile, tooLarge } from './take-file.js';
import { systemCode } from '../workspace/system-error.js';

/** Most patch files of one call. */
const MAX_PATCHES = 1000;
const NAME = /^\d{4,}-[A-Za-z0-9._-]{1,80}\.patch$/;
const FOLDER = 'patches';

/**
 * Writes the commits after `base` as patch files, oldest first, into a folder of the operator's; a file that is there already is never replaced
 * (`conflict`, and what was written stays). Made in the container, taken out one by one, bounded.
 */
export async function writePatches(
  helper: Helper,
  tip: string,
  base: string | null,
  to: { readonly folder: string; readonly max_bytes: number; readonly signal: AbortSignal },
): Promise<{ readonly files: readonly string[]; readonly notes: readonly string[] }> {
  const range = base === null ? ['--root', tip] : [`${base}..${tip}`];
  const count = ['rev-list', '--count', ...(base === null ? [tip] : [`${base}..${tip}`])];
  const commits = Number.parseInt((await helper.gitOrThrow(count)).stdout, 10) || 0;
  if (commits > MAX_PATCHES)
    throw new FilareError({
      code: 'limit_exceeded',
      message: `${String(commits)} commits are more than the ${String(MAX_PATCHES)} that are written as patches`,
      hint: 'bring the branch instead: filare-agents sync ID',
    });
  const args = [
    'format-patch',
    '--quiet',
    '--no-ext-diff',
    '--no-textconv',
    '--no-signature',
    '--no-attach',
    '--no-cover-letter',
  ];
  const made = await helper.git([...args, '--filename-max-length=64', `--output-directory=${OUT}/${FOLDER}`, ...range]);
  if (made.exit_code !== 0) throw /too large/i.test(made.stderr) ? tooLarge(to.max_bytes) : gitFailed(args, made);
  const listed = await helper.run(['ls', '-1', `${OUT}/${FOLDER}`]);
  const names = listed.stdout
    .split('\n')
    .filter((name) => NAME.test(name))
    .sort();
  const files: string[] = [];
  let room = to.max_bytes;
  for (const name of names.slice(0, MAX_PATCHES)) {
    const target = join(to.folder, name);
    try {
      const { bytes } = await takeFile(join(helper.out, FOLDER), name, target, {
        max_bytes: room,
        beginning_bytes: 0,
        signal: to.signal,
      });
      room -= bytes;
    } catch (failure) {
      if (systemCode(failure) !== 'EEXIST') throw failure;
      throw new FilareError({
        code: 'conflict',
        message: `${target} is there already`,
        hint: 'name an empty folder',
        cause: failure,
      });
    }
    files.push(target);
  }
  const merges = commits - files.length;
  const notes =
    merges > 0
      ? [
          `${String(merges)} ${merges === 1 ? 'commit is a merge, which has' : 'commits are merges, which have'} no patch`,
        ]
      : [];
  return { files, notes };
}
