import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { FilareError } from '../contract/errors.js';
import type { Retention } from '../contract/retention.js';
import { count, sizeField } from './field-formats.js';

/** Where a project says what holds for all its agents, below its folder. */
export const SETTINGS_FILE = 'configs/filare.yml';
const MAX_BYTES = 64 * 1024;

const settingsSchema = z.strictObject({
  retention: z
    .strictObject({
      days: z.number().positive().max(36_500).optional(),
      keep_last: count(1).optional(),
      total_size: sizeField(1024 * 1024, '1m').optional(),
    })
    .refine((given) => Object.keys(given).length > 0, 'says nothing: give days, keep_last or total_size')
    .optional(),
  max_parallel: count(1).optional(),
});

/** The project's settings. */
export interface ProjectSettings {
  /** Null: nothing is ever deleted. */
  readonly retention: Retention | null;
  /** How many agents may run at once, where a start does not say; null: as many as the memory holds. */
  readonly max_parallel: number | null;
}

const NO_SETTINGS: ProjectSettings = { retention: null, max_parallel: null };

/** Reads the settings of the project at `root`; without the file all are as they are by default. `invalid_manifest` for a file with a mistake. */
export async function loadProjectSettings(root: string): Promise<ProjectSettings> {
  const path = join(root, SETTINGS_FILE);
  let value: unknown;
  try {
    const text = await readFile(path, 'utf8');
    if (text.length > MAX_BYTES) throw new Error(`it is longer than ${MAX_BYTES} characters`);
    value = parse(text, { version: '1.2', maxAliasCount: 0, logLevel: 'silent' });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return NO_SETTINGS;
    throw mistake(cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), cause);
  }
  const read = settingsSchema.safeParse(value ?? {});
  if (!read.success) {
    const [issue] = read.error.issues;
    throw mistake(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`, read.error);
  }
  const { retention, max_parallel = null } = read.data;
  if (retention === undefined) return { ...NO_SETTINGS, max_parallel };
  const { days = null, keep_last = null, total_size: total_bytes = null } = retention;
  return { retention: { days, keep_last, total_bytes }, max_parallel };
}

function mistake(what: string, cause: unknown): FilareError {
  return new FilareError({
    code: 'invalid_manifest',
    message: `${SETTINGS_FILE}: ${what}`,
    hint: 'it may hold "retention:" with days, keep_last and total_size, and "max_parallel:"; nothing is started or deleted before it is mended',
    cause,
  });
}
