import { FilareError } from '../contract/errors.js';

/** Longest header that is read. */
export const MAX_HEADER_BYTES = 256 * 1024;
const OID = '[0-9a-f]{40}|[0-9a-f]{64}';
const REF_LINE = new RegExp(`^(?<commit>${OID}) (?<ref>refs/heads/[^\\s\\0]+)$`);
const NEEDS_LINE = new RegExp(`^-(?<commit>${OID})(?: .*)?$`);

/** What a bundle says of itself. */
export interface BundleHeader {
  readonly ref: string;
  readonly commit: string;
  /** Commits that whoever takes it must have. */
  readonly needs: readonly string[];
}

/** Reads the beginning of a bundle. Throws `bad_state` unless it is one of git, of exactly the ref and commit that are expected. */
export function readBundleHeader(
  beginning: Buffer,
  expected: { readonly ref: string; readonly commit: string },
): BundleHeader {
  const end = beginning.indexOf('\n\n');
  const [signature, ...lines] = beginning.subarray(0, Math.max(0, end)).toString('utf8').split('\n');
  const needs: string[] = [];
  const refs: { readonly ref: string; readonly commit: string }[] = [];
  if (end === -1 || (signature !== '# v2 git bundle' && signature !== '# v3 git bundle'))
    throw lies('it is no bundle of git');
  for (const line of lines) {
    const need = NEEDS_LINE.exec(line)?.groups?.['commit'];
    const { ref, commit } = REF_LINE.exec(line)?.groups ?? {};
    if (need !== undefined) needs.push(need);
    else if (ref !== undefined && commit !== undefined) refs.push({ ref, commit });
    else if (!/^@object-format=sha(?:1|256)$/.test(line)) throw lies('its header holds what no bundle of ours does');
  }
  const [only, ...more] = refs;
  if (only === undefined || more.length > 0)
    throw lies(`it holds ${String(refs.length)} branches, where one was asked`);
  if (only.ref !== expected.ref) throw lies('it holds another branch than was asked');
  if (only.commit !== expected.commit) throw lies('it ends at another commit than was said before');
  return { ...only, needs };
}

function lies(why: string): FilareError {
  return new FilareError({
    code: 'bad_state',
    message: `the bundle that came out of the workspace is refused: ${why}; nothing was changed`,
    hint: 'look at the repository where the agent works: filare-agents shell ID; a restart of the agent does not change it',
  });
}
