import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { catalogueSchema, type Catalogue } from '../contract/catalogue.js';
import { FilareError } from '../contract/errors.js';

const HINT = 'filare-agents commands generate writes it';

/** The catalogue in a file. Errors: `not_found` when it is not there, `invalid_manifest` when it is no catalogue. */
export async function readCatalogue(path: string): Promise<Catalogue> {
  const text = await readCatalogueText(path);
  if (text === null) {
    throw new FilareError({ code: 'not_found', message: `there is no catalogue at ${path}`, hint: HINT });
  }
  const catalogue = parseCatalogue(text);
  if (catalogue === null) {
    throw new FilareError({
      code: 'invalid_manifest',
      message: `${path} is no catalogue of commands in a format known here`,
      hint: HINT,
    });
  }
  return catalogue;
}

/** The text of the file; null when it is not there. */
export async function readCatalogueText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw error;
  }
}

/** The catalogue that a text holds; null when it holds none. */
export function parseCatalogue(text: string): Catalogue | null {
  try {
    return catalogueSchema.parse(parse(text, { version: '1.2', maxAliasCount: 0, logLevel: 'silent' }));
  } catch {
    return null;
  }
}
