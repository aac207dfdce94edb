import { statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Retention } from '../contract/retention.js';
import { Findings } from './diagnostic.js';
import { explainIssues } from './explain-issues.js';
import { count, sizeField } from './field-formats.js';
import { invalidManifest } from './invalid-manifest.js';
import { plain, withoutNothing } from './located.js';
import { parseYaml, type FileKind } from './parse-yaml.js';
import { readText } from './read-text.js';
import { sourceText } from './source-text.js';

/** Where a project says what holds for all its agents, below its folder. */
export const SETTINGS_FILE = 'configs/filare.yml';

const settingsSchema = z.strictObject({
  retention: z
    .strictObject({
      days: z.number().positive().max(36_500).meta({ expected: 'a number of days above 0: 30' }).optional(),
      keep_last: count(1).meta({ expected: 'a whole number of sessions of each agent, 1 or more' }).optional(),
      total_size: sizeField(1024 * 1024, '1m')
        .meta({ expected: 'a size of 1m or more: 500m, 20g' })
        .optional(),
    })
    .refine((given) => Object.keys(given).length > 0, 'says nothing')
    .meta({ expected: 'days, keep_last or total_size, or several of them' })
    .optional(),
  max_parallel: count(1).meta({ expected: 'a whole number of agents, 1 or more' }).optional(),
});

const EXPECTED = 'retention: with days, keep_last or total_size, and max_parallel:';
const KIND: FileKind = {
  name: 'settings file',
  shape: 'settings are flat: their names and values',
  instead: 'put all settings into one document',
  empty: undefined,
};

/** The project's settings. */
export interface ProjectSettings {
  /** Null: nothing is ever deleted. */
  readonly retention: Retention | null;
  /** How many agents may run at once, where a start does not say; null: as many as the memory holds. */
  readonly max_parallel: number | null;
}

const NO_SETTINGS: ProjectSettings = { retention: null, max_parallel: null };

/** Reads the settings of the project at `root`; without the file all are as they are by default. `invalid_manifest` with all mistakes in `details`, as manifests'. */
export function loadProjectSettings(root: string): Promise<ProjectSettings> {
  const findings = new Findings();
  const settings = readProjectSettings(root, findings);
  const [mistakes, warnings] = [findings.mistakes([]), findings.warnings([])];
  if (mistakes.length === 0) return Promise.resolve(settings);
  const hint = 'mend them and try again; nothing is started or deleted before that';
  return Promise.reject(invalidManifest({ mistakes, warnings }, root, hint));
}

/** The same, its mistakes told to `findings`; with one, the settings are those of a project without the file. */
export function readProjectSettings(root: string, findings: Findings): ProjectSettings {
  const file = join(root, SETTINGS_FILE);
  if (!isThere(file)) return NO_SETTINGS;
  const read = readText(file);
  if ('refusal' in read) {
    const place = { source: sourceText(file, ''), offset: undefined };
    findings.mistake(place, { message: `the settings file ${read.refusal}`, hint: read.hint });
    return NO_SETTINGS;
  }
  const written = parseYaml(sourceText(file, read.text), findings, KIND);
  if (written === undefined || (written.kind === 'scalar' && written.value === null)) return NO_SETTINGS;
  if (written.kind !== 'map') {
    findings.mistake(written.place, { message: 'the settings are not a mapping', expected: EXPECTED });
    return NO_SETTINGS;
  }
  const tree = withoutNothing(written, new Set());
  const { data, error } = settingsSchema.safeParse(plain(tree));
  if (error !== undefined) {
    explainIssues(error.issues, { tree, written, schema: settingsSchema }, findings);
    return NO_SETTINGS;
  }
  const { retention, max_parallel = null } = data;
  if (retention === undefined) return { ...NO_SETTINGS, max_parallel };
  const { days = null, keep_last = null, total_size: total_bytes = null } = retention;
  return { retention: { days, keep_last, total_bytes }, max_parallel };
}

/** Whether something lies there; what hides it is said when it is read. */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}
