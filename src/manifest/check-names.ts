const MAX_BRANCH_BYTES = 200;
const MAX_IMAGE_CHARS = 300;
/** The grammar of image references: [registry[:port]/]path[:tag][@digest]. */
const IMAGE =
  /^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

/** Why git would not take a branch of this name, or undefined when it would: the rules of git check-ref-format, and a length that every file system holds. */
export function whyNotBranch(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (Buffer.byteLength(name) > MAX_BRANCH_BYTES) return `is longer than ${MAX_BRANCH_BYTES} bytes`;
  if (name === 'HEAD' || name === '@') return 'is a name that git keeps for itself';
  if (name.startsWith('-')) return 'begins with "-"';
  const bad = /[\p{Cc}\p{Cf}\p{Cs} ~^:?*[\\]/u.exec(name)?.[0];
  if (bad !== undefined)
    return /[ ~^:?*[\\]/.test(bad) ? `holds ${bad === ' ' ? 'a space' : `"${bad}"`}` : 'holds a control character';
  const pair = ['..', '@{', '//'].find((text) => name.includes(text));
  if (pair !== undefined) return `holds "${pair}"`;
  if (name.startsWith('/') || name.endsWith('/')) return 'begins or ends with "/"';
  if (name.endsWith('.')) return 'ends with "."';
  const part = name.split('/').find((text) => text.startsWith('.') || text.endsWith('.lock'));
  return part === undefined ? undefined : `has a part that begins with "." or ends with ".lock" ("${part}")`;
}

/** Why no image can have this name, or undefined when one can. */
export function whyNotImage(name: string): string | undefined {
  if (name.length > MAX_IMAGE_CHARS) return `is longer than ${MAX_IMAGE_CHARS} characters`;
  if (IMAGE.test(name)) return undefined;
  return IMAGE.test(name.toLowerCase()) ? 'has capital letters' : 'is not the name of an image';
}

/** What `repo` says: a local path, an address that git clones from, or why it is neither. */
export type RepoKind =
  | { readonly kind: 'path' }
  | { readonly kind: 'address' }
  | { readonly kind: 'refused'; readonly why: string; readonly hint: string };

/** Tells a path from an address. Refuses what git would run as a program, and passwords: a manifest names secrets, it does not hold them. */
export function repoKind(repo: string): RepoKind {
  const hint = 'write a path, https://…, ssh://… or user@host:path';
  if (repo.startsWith('-') || /^[A-Za-z][A-Za-z0-9+.-]*::/.test(repo))
    return { kind: 'refused', why: 'is not an address that can be cloned', hint };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(repo)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    const colon = repo.indexOf(':');
    const short = colon > 0 && !repo.slice(0, colon).includes('/') && !/^[.~$]/.test(repo);
    return short ? { kind: 'address' } : { kind: 'path' };
  }
  if (!['https', 'http', 'ssh', 'git', 'file'].includes(scheme))
    return { kind: 'refused', why: `begins with ${scheme}://, which cannot be cloned from`, hint };
  if (!URL.canParse(repo)) return { kind: 'refused', why: 'is not an address', hint };
  const url = new URL(repo);
  const secret = url.password !== '' || (url.username !== '' && scheme.startsWith('http'));
  if (!secret) return { kind: 'address' };
  return {
    kind: 'refused',
    why: 'holds a password or token',
    hint: 'use an ssh:// address with ssh_key, so that the manifest holds no secret',
  };
}
