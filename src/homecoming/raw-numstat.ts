import type { ChangedFile } from '../contract/homecoming.js';

const RAW = /^:(\d{6}) (\d{6}) [0-9a-f]+ [0-9a-f]+ ([A-Z])\d*$/;
const COUNTS = /^(\d+|-)\t(\d+|-)\t([\s\S]*)$/;
const GITLINK = '160000';
const STATUS: Readonly<Record<string, ChangedFile['status']>> = {
  A: 'added',
  M: 'modified',
  D: 'deleted',
  R: 'renamed',
  C: 'copied',
  T: 'type_changed',
};

/** The files of `git diff --raw --numstat -z`, in git's order. What is cut at its end is left out. */
export function parseRawNumstat(text: string): readonly ChangedFile[] {
  const parts = text.split('\0').slice(0, -1);
  const files: ChangedFile[] = [];
  const counts = new Map<string, { readonly added: number | null; readonly deleted: number | null }>();
  for (let at = 0; at < parts.length; at += 1) {
    const part = parts[at] ?? '';
    const raw = RAW.exec(part);
    if (raw !== null) {
      const [, old_mode, mode, letter = ''] = raw;
      const two = letter === 'R' || letter === 'C';
      const first = parts[at + 1];
      const path = two ? parts[at + 2] : first;
      at += two ? 2 : 1;
      if (first === undefined || path === undefined) break;
      files.push({
        path,
        old_path: two ? first : null,
        status: STATUS[letter] ?? 'modified',
        added: null,
        deleted: null,
        submodule: old_mode === GITLINK || mode === GITLINK,
      });
      continue;
    }
    const counted = COUNTS.exec(part);
    if (counted === null) continue;
    const [, added = '-', deleted = '-', named = ''] = counted;
    // Of a rename both names follow.
    const path = named === '' ? parts[at + 2] : named;
    if (named === '') at += 2;
    if (path !== undefined) counts.set(path, { added: lines(added), deleted: lines(deleted) });
  }
  return files.map((file) => ({ ...file, ...counts.get(file.path) }));
}

function lines(text: string): number | null {
  return text === '-' ? null : Number(text);
}
