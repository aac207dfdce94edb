// Makes src/codex/generated/protocol.ts: the types of the app-server protocol, as the pinned Codex itself describes them.
// One file that holds only what src/codex imports, and what that needs. Quick when nothing changed; needs no network.
//
// `app-server generate-ts` writes about 950 files that do not compile as ES modules (imports without extension) and says `bigint`
// where JSON gives numbers. Both are mended here.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const codexRoom = join(project, 'src/codex');
const target = join(codexRoom, 'generated/protocol.ts');
const cache = join(project, 'node_modules/.cache');

const roots = importedTypes();
const { binary, version } = findCodex();
const script = readFileSync(fileURLToPath(import.meta.url), 'utf8');
const stamp = `// codex ${version}, inputs ${createHash('sha256').update(script).update(roots.join()).digest('hex').slice(0, 16)}`;

if (existsSync(target) && readFileSync(target, 'utf8').startsWith(`${stamp}\n`)) process.exit(0);

mkdirSync(cache, { recursive: true });
const work = mkdtempSync(join(cache, 'codex-types-'));
try {
  const folder = join(work, 'ts');
  mkdirSync(folder);
  execFileSync(binary, ['app-server', 'generate-ts', '--experimental', '--out', folder], {
    env: { PATH: process.env.PATH ?? '', HOME: work, CODEX_HOME: work },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 60_000,
  });
  const text = bundle(folder);
  mkdirSync(dirname(target), { recursive: true });
  const next = `${target}.${process.pid}`;
  writeFileSync(next, text);
  renameSync(next, target);
  process.stderr.write(`src/codex/generated/protocol.ts: protocol of Codex ${version}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Names that files of src/codex import from the generated one. */
function importedTypes() {
  const names = new Set();
  for (const file of readdirSync(codexRoom).filter((name) => name.endsWith('.ts'))) {
    const text = readFileSync(join(codexRoom, file), 'utf8');
    for (const [, list] of text.matchAll(/import type \{([^}]*)\} from '\.\/generated\/protocol\.js'/g)) {
      for (const name of list.split(',')) if (name.trim() !== '') names.add(name.trim().split(' ')[0]);
    }
  }
  return [...names].sort();
}

/** The native program inside the npm package of this machine's platform. */
function findCodex() {
  const fromHere = createRequire(import.meta.url);
  const manifest = fromHere.resolve('@openai/codex/package.json');
  const platform = `@openai/codex-${process.platform}-${process.arch}`;
  const fromCodex = createRequire(manifest);
  let vendor;
  try {
    vendor = join(dirname(fromCodex.resolve(`${platform}/package.json`)), 'vendor');
  } catch {
    fail(`${platform} is not installed; run npm install (optional dependencies must not be left out)`);
  }
  const program = process.platform === 'win32' ? 'codex.exe' : 'codex';
  const found = readdirSync(vendor)
    .map((triple) => join(vendor, triple, 'bin', program))
    .find((path) => existsSync(path));
  if (found === undefined) fail(`no ${program} under ${vendor}; run npm install`);
  return { binary: found, version: JSON.parse(readFileSync(manifest, 'utf8')).version };
}

/** One module with the declarations of the roots and of everything they mention. */
function bundle(folder) {
  const declarations = new Map();
  const queue = roots.map((name) => {
    const path = ['v2/', '', 'serde_json/']
      .map((place) => `${place}${name}.ts`)
      .find((candidate) => existsSync(join(folder, candidate)));
    if (path === undefined) fail(`Codex ${version} has no type ${name}, which src/codex imports`);
    return path;
  });
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (declarations.has(path)) continue;
    const text = readFileSync(join(folder, path), 'utf8');
    let body = text.slice(text.search(/^(\/\*\*|export )/m));
    for (const [, name, from] of text.matchAll(/^import type \{ (\w+) \} from "([^"]+)";$/gm)) {
      const needed = `${posix.join(posix.dirname(path), from)}.ts`;
      queue.push(needed);
      body = body.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), nameOf(folder, needed));
    }
    const own = posix.basename(path, '.ts');
    if (nameOf(folder, path) !== own) body = body.replaceAll(new RegExp(`\\b${own}\\b`, 'g'), nameOf(folder, path));
    body = body.replaceAll(/\bbigint\b/g, 'number');
    declarations.set(path, body.trim());
  }
  const sorted = [...declarations].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, body]) => body);
  return `${stamp}\n// Made by scripts/generate.mjs; not kept in git.\n\n${sorted.join('\n\n')}\n`;
}

/** A few names are declared twice, in the old protocol and in v2: the old one is told apart. */
function nameOf(folder, path) {
  const name = posix.basename(path, '.ts');
  return posix.dirname(path) === '.' && existsSync(join(folder, 'v2', `${name}.ts`)) ? `Old${name}` : name;
}

function fail(message) {
  process.stderr.write(`generate: ${message}\n`);
  process.exit(1);
}
