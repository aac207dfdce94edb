import type { ResourceEntry } from '../ledger/project-ledger.js';
import { LABEL } from './labels.js';

/** What tells our own from what only looks like it. */
export interface Ownership {
  /** Instance of the project; null when its state folder does not say. */
  readonly instance: string | null;
  readonly book: readonly ResourceEntry[];
}

/** Why a thing with our project's label is not ours after all; null when nothing speaks against it. */
export function whyForeign(
  thing: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
  ours: Ownership,
): string | null {
  const instance = thing.labels[LABEL.instance];
  if (instance !== undefined && ours.instance !== null && instance !== ours.instance)
    return 'it carries the label of another life of this project (a folder that was at this path before, or a copy)';
  const request = thing.labels[LABEL.request];
  const asked = ours.book.findLast((entry) => entry.kind === 'container' && entry.name === thing.name)?.detail?.[
    'request'
  ];
  if (typeof asked === 'string' && request !== asked)
    return 'it was made by another request than the one that the book has under this name';
  return null;
}
