import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { compileCatalogue, type Compiled } from '../../src/catalogue/compile-catalogue.js';
import { parseCatalogue } from '../../src/catalogue/read-catalogue.js';
import type { Catalogue } from '../../src/contract/catalogue.js';
import { asFilareError, type FilareError } from '../../src/contract/errors.js';
import { formatDiagnostics } from '../../src/manifest/format-diagnostic.js';
import type { Diagnostic } from '../../src/manifest/diagnostic.js';

/** A folder with these files (path → text), gone with the test. */
export function project(files: Readonly<Record<string, string>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'filare-catalogue-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** The sample in the shapes of the Filare project, copied. */
export function sampleProject(): string {
  const root = project({});
  cpSync(fileURLToPath(new URL('../fixtures/catalogue', import.meta.url)), root, { recursive: true });
  return root;
}

/** Compiles with the real just. */
export function compile(root: string): Promise<Compiled> {
  return compileCatalogue({ root, env: process.env, signal: new AbortController().signal });
}

/** The commands of the compiled catalogue. */
export async function commandsOf(root: string): Promise<Catalogue['commands']> {
  const catalogue = parseCatalogue((await compile(root)).text);
  if (catalogue === null) throw new Error('what was compiled is no catalogue');
  return catalogue.commands;
}

/** Compiles, and gives what is said against it: the failure, and its mistakes as a person reads them. */
export async function refusal(root: string): Promise<{ failure: FilareError; said: string }> {
  try {
    await compile(root);
  } catch (thrown) {
    const failure = asFilareError(thrown);
    const { mistakes = [] } = (failure.details ?? {}) as { mistakes?: Diagnostic[] };
    return { failure, said: formatDiagnostics(mistakes, { cwd: root }) };
  }
  throw new Error('it was not refused');
}
