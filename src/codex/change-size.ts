import { isRecord, textOf } from './fields.js';

/** The size of the changes of a `file_change` item, as a summary begins: `Change 2 files (+14 −3)`. */
export function changeSize(changes: unknown): string {
  const all = Array.isArray(changes) ? changes.filter(isRecord) : [];
  let added = 0;
  let removed = 0;
  for (const change of all) {
    const size = sizeOf(textOf(change, 'kind'), textOf(change, 'diff'));
    added += size.added;
    removed += size.removed;
  }
  return `Change ${all.length === 1 ? '1 file' : `${all.length} files`} (+${added} −${removed})`;
}

/** A file that is made or removed is given whole; one that is changed as a unified diff. */
function sizeOf(kind: string, diff: string): { readonly added: number; readonly removed: number } {
  const lines = diff.replace(/\n$/, '').split('\n');
  const whole = diff === '' ? 0 : lines.length;
  if (kind === 'add') return { added: whole, removed: 0 };
  if (kind === 'delete') return { added: 0, removed: whole };
  const signed = (sign: string, head: string): number =>
    lines.filter((line) => line.startsWith(sign) && !line.startsWith(head)).length;
  return { added: signed('+', '+++ '), removed: signed('-', '--- ') };
}
