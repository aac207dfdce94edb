import { readFile } from 'node:fs/promises';
import { applyResource, resourceRecordSchema, type ResourceEntry } from './project-ledger.js';

/** The book as it is now, without opening it for writing: beside a daemon that writes it. A line that is just being written, or cannot be read, is left out. Empty when there is no book. */
export async function readProjectLedger(path: string): Promise<readonly ResourceEntry[]> {
  const entries = new Map<string, ResourceEntry>();
  for (const line of (await readFile(path, 'utf8').catch(orEmpty)).split('\n')) {
    const record = resourceRecordSchema.safeParse(parsed(line));
    if (record.success) applyResource(entries, record.data);
  }
  return [...entries.values()];
}

function orEmpty(failure: unknown): string {
  if (failure instanceof Error && 'code' in failure && failure.code === 'ENOENT') return '';
  throw failure;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
