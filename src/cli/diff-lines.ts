import type { ChangedFile } from '../contract/homecoming.js';
import { plural } from './fleet-table.js';
import { styled, type Span } from './style.js';
import { cutText, displayWidth } from './table.js';

const LONGEST_BAR = 40;
const LONGEST_PATH = 60;

/** A patch as lines for a terminal, coloured as git does. */
export function patchLines(patch: string): Span[][] {
  const lines = patch.split('\n');
  if (lines.at(-1) === '') lines.pop();
  let in_hunk = false;
  return lines.map((line) => {
    if (line.startsWith('diff --git ')) in_hunk = false;
    if (line.startsWith('@@')) {
      in_hunk = true;
      return [styled('cyan', line)];
    }
    if (!in_hunk) return [styled('bold', line)];
    if (line.startsWith('+')) return [styled('green', line)];
    if (line.startsWith('-')) return [styled('red', line)];
    return [line];
  });
}

/** The files that differ, as `git diff --stat` shows them. */
export function statLines(files: readonly ChangedFile[]): Span[][] {
  const names = files.map((file) => cutText(nameOf(file), LONGEST_PATH));
  const width = Math.max(0, ...names.map(displayWidth));
  const most = Math.max(1, ...files.map((file) => (file.added ?? 0) + (file.deleted ?? 0)));
  const scale = Math.min(1, LONGEST_BAR / most);
  const digits = String(most).length;
  const rows = files.map((file, at): Span[] => {
    const name = names[at] ?? '';
    const begin = ` ${name}${' '.repeat(width - displayWidth(name))} | `;
    if (file.submodule) return [begin, 'submodule'];
    if (file.added === null || file.deleted === null) return [begin, 'binary'];
    const bar = (lines: number): number => (lines === 0 ? 0 : Math.max(1, Math.round(lines * scale)));
    return [
      begin,
      `${String(file.added + file.deleted).padStart(digits)} `,
      styled('green', '+'.repeat(bar(file.added))),
      styled('red', '-'.repeat(bar(file.deleted))),
    ];
  });
  const sum = (of: (file: ChangedFile) => number | null): number =>
    files.reduce((total, file) => total + (of(file) ?? 0), 0);
  const added = plural(
    sum((f) => f.added),
    'line',
  );
  return [
    ...rows,
    [` ${plural(files.length, 'file')} changed, ${added} added, ${String(sum((f) => f.deleted))} removed`],
  ];
}

function nameOf(file: ChangedFile): string {
  return file.old_path === null ? file.path : `${file.old_path} => ${file.path}`;
}
