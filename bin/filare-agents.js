#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (!existsSync(main)) {
  process.stderr.write('error: filare-agents is not built yet\n  try: npm run build, in the folder of the package\n');
  process.exit(1);
}
const { main: run } = await import(main.href);
process.exit(await run(process.argv.slice(2)));
