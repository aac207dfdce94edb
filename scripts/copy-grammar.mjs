// Puts the grammar of bash that the policy parses commands with beside the code that loads it (src/inbox/shell-parser.ts): tree-sitter-bash has an install
// script and native code, of which the package needs neither, so it is only built with.
import { copyFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const grammar = dirname(createRequire(import.meta.url).resolve('tree-sitter-bash/package.json'));
const target = join(project, 'dist/inbox/grammar');

mkdirSync(target, { recursive: true });
copyFileSync(join(grammar, 'tree-sitter-bash.wasm'), join(target, 'tree-sitter-bash.wasm'));
copyFileSync(join(grammar, 'LICENSE'), join(target, 'LICENSE'));
