import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FilareError } from '../contract/errors.js';

const NAME = 'tree-sitter-bash.wasm';

/** The grammar of bash: beside the built code (scripts/copy-grammar.mjs puts it there), else in the package it comes from, where the code runs from source. */
export function grammarFile(here: string = fileURLToPath(import.meta.url)): string {
  const beside = join(dirname(here), 'grammar', NAME);
  if (existsSync(beside)) return beside;
  const installed = inPackage(here);
  if (installed !== null && existsSync(installed)) return installed;
  throw new FilareError({
    code: 'unexpected',
    message: `the grammar that commands are judged with is missing: ${beside}`,
    hint: 'install filare-agents again; in a checkout, run npm install',
  });
}

function inPackage(here: string): string | null {
  try {
    return join(dirname(createRequire(here).resolve('tree-sitter-bash/package.json')), NAME);
  } catch {
    return null;
  }
}
