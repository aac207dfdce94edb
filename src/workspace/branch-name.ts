const MAX_BRANCH_BYTES = 200;

/**
 * Why git would not take this as a branch name, or undefined when it would: the rules of `git check-ref-format --branch`, and a length
 * that every file system holds.
 */
export function whyNotBranchName(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (Buffer.byteLength(name) > MAX_BRANCH_BYTES) return `it is longer than ${MAX_BRANCH_BYTES} bytes`;
  if (name === 'HEAD' || name === '@') return 'git keeps this name for itself';
  if (name.startsWith('-')) return 'it starts with "-"';
  if (/[\p{Cc}\p{Cf}\p{Cs} ~^:?*[\\]/u.test(name))
    return 'it has a space, a control character, or one of ~ ^ : ? * [ \\';
  if (name.includes('..') || name.includes('@{') || name.includes('//')) return 'it has "..", "@{" or "//" in it';
  if (name.startsWith('/') || name.endsWith('/') || name.endsWith('.'))
    return 'it starts or ends with "/", or ends with "."';
  if (name.split('/').some((part) => part.startsWith('.') || part.endsWith('.lock')))
    return 'a part of it starts with "." or ends with ".lock"';
  return undefined;
}
