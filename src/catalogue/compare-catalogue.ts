import type { CatalogueCommand } from '../contract/catalogue.js';
import { parseCatalogue } from './read-catalogue.js';

/** How a catalogue that is there differs from the one that its sources give. */
export interface CatalogueDifference {
  /** The same to the last byte. */
  readonly current: boolean;
  /** Names of commands. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly { readonly name: string; readonly fields: readonly string[] }[];
  /** In a sentence, where no command tells it: the file is missing, is no catalogue, or was edited by hand. Null else. */
  readonly reason: string | null;
}

/** Compares the text of a file (null: there is none) with what it should be. */
export function compareCatalogue(found: string | null, wanted: string): CatalogueDifference {
  const difference = { current: false, added: [], removed: [], changed: [], reason: null };
  if (found === wanted) return { ...difference, current: true };
  if (found === null) return { ...difference, reason: 'it is not there' };
  const before = parseCatalogue(found)?.commands;
  const after = parseCatalogue(wanted)?.commands;
  if (before === undefined || after === undefined) return { ...difference, reason: 'it is no catalogue' };
  const added = Object.keys(after).filter((name) => before[name] === undefined);
  const removed = Object.keys(before).filter((name) => after[name] === undefined);
  const changed = Object.entries(after).flatMap(([name, command]) => {
    const fields = changedFields(before[name], command);
    return fields.length === 0 ? [] : [{ name, fields }];
  });
  const untold = added.length + removed.length + changed.length === 0;
  return {
    ...difference,
    added,
    removed,
    changed,
    reason: untold ? 'its commands are right, but not its header or form' : null,
  };
}

function changedFields(before: CatalogueCommand | undefined, after: CatalogueCommand): string[] {
  if (before === undefined) return [];
  const old: Readonly<Record<string, unknown>> = before;
  return Object.entries(after).flatMap(([field, value]) =>
    JSON.stringify(old[field]) === JSON.stringify(value) ? [] : [field],
  );
}
