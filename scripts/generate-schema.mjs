// Writes schema/manifest.schema.json from the schema that the loader itself uses (src/manifest/json-schema.ts).
// `--check` writes nothing and fails when the stored copy is stale.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tsImport } from 'tsx/esm/api';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(project, 'schema/manifest.schema.json');

const { manifestJsonSchema } = await tsImport(join(project, 'src/manifest/json-schema.ts'), import.meta.url);
const text = `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`;
const fresh = existsSync(target) && readFileSync(target, 'utf8') === text;

if (process.argv.includes('--check')) {
  if (!fresh) {
    process.stderr.write('schema/manifest.schema.json is stale: run node scripts/generate-schema.mjs\n');
    process.exit(1);
  }
} else if (!fresh) {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  process.stderr.write('schema/manifest.schema.json written\n');
}
