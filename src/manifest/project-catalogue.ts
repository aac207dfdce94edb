import { resolve } from 'node:path';
import { CATALOGUE_FILE, catalogueSchema, type Catalogue } from '../contract/catalogue.js';
import type { Findings } from './diagnostic.js';
import { placeAt, plain } from './located.js';
import { parseYaml } from './parse-yaml.js';
import { readText } from './read-text.js';
import { statIfThere } from './real-place.js';
import { sourceText } from './source-text.js';

/** The project's catalogue; `none` where it has none, `broken` where it cannot be used, which has been said. */
export type FoundCatalogue = Catalogue | 'none' | 'broken';

/** Reads the catalogue of the project at `root` when it is first asked for, and once. What is wrong with it is said where it stands. */
export function projectCatalogue(root: string, findings: Findings): () => FoundCatalogue {
  let found: FoundCatalogue | undefined;
  return () => (found ??= readCatalogue(resolve(root, CATALOGUE_FILE), findings));
}

function readCatalogue(path: string, findings: Findings): FoundCatalogue {
  if (statIfThere(path) === undefined) return 'none';
  const file = readText(path);
  if ('refusal' in file) {
    const place = { source: sourceText(path, ''), offset: undefined };
    findings.mistake(place, { message: `the catalogue of commands ${file.refusal}`, hint: file.hint });
    return 'broken';
  }
  const located = parseYaml(sourceText(path, file.text), findings);
  if (located === undefined) return 'broken';
  const read = catalogueSchema.safeParse(plain(located));
  if (read.success) return read.data;
  for (const issue of read.error.issues) {
    const at = issue.path.filter((step) => typeof step !== 'symbol');
    findings.mistake(placeAt(located, at), {
      message: `${at.join('.') || 'the catalogue'}: ${issue.message}`,
      hint: 'make it anew (filare-agents commands generate), or give commands: none in the manifest',
    });
  }
  return 'broken';
}
