import { FilareError } from '../contract/errors.js';
import type { Diagnostic } from './diagnostic.js';
import { shownFile } from './format-diagnostic.js';

/** The failure that carries all mistakes of manifests or settings, at least one; its message names the first. Files are named as seen from `cwd`. */
export function invalidManifest(
  details: { readonly mistakes: readonly Diagnostic[]; readonly warnings: readonly Diagnostic[] },
  cwd: string,
  hint: string,
): FilareError {
  const { mistakes } = details;
  const [first] = mistakes;
  const where =
    first === undefined
      ? ''
      : [shownFile(first.file, cwd), ...(first.line === 0 ? [] : [first.line, first.column])].join(':');
  const what = `${where}: ${first?.message ?? ''}`;
  const files = new Set(mistakes.map(({ file }) => file)).size;
  return new FilareError({
    code: 'invalid_manifest',
    message:
      mistakes.length === 1
        ? what
        : `${mistakes.length} mistakes in ${files === 1 ? 'one file' : `${files} files`}; the first: ${what}`,
    hint,
    details,
  });
}
