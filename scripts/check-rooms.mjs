// Who may import whom among the rooms of src/. Fails on a forbidden import, on a cycle, and when it did not really look:
// it counts modules and arrows, and a planted violation must be found.
import { cruise } from 'dependency-cruiser';
import { mkdtempSync, readdirSync, rmSync, mkdirSync, writeFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A room and the rooms it may import; `npm` lists packages that only some rooms may use. ARCHITECTURE.md shows the same table. */
export const ROOMS = {
  contract: [],
  manifest: ['contract'],
  ledger: ['contract'],
  engine: ['contract'],
  channel: ['contract'],
  rehearsal: ['contract'],
  image: ['contract', 'engine'],
  workspace: ['contract'],
  codex: ['contract', 'channel'],
  transcript: ['contract', 'ledger'],
  inbox: ['contract'],
  session: [
    'contract',
    'manifest',
    'ledger',
    'engine',
    'channel',
    'image',
    'workspace',
    'codex',
    'transcript',
    'inbox',
  ],
  leaks: ['contract', 'engine', 'ledger', 'session'],
  homecoming: ['contract', 'engine', 'image', 'workspace', 'session'],
  fleet: [
    'contract',
    'engine',
    'ledger',
    'image',
    'workspace',
    'codex',
    'transcript',
    'inbox',
    'session',
    'rehearsal',
    'leaks',
    'homecoming',
  ],
  attach: ['contract', 'engine', 'channel', 'codex', 'session'],
  daemon: [
    'contract',
    'manifest',
    'engine',
    'channel',
    'ledger',
    'image',
    'workspace',
    'transcript',
    'inbox',
    'session',
    'fleet',
    'attach',
  ],
  client: ['contract'],
  doctor: ['contract', 'engine', 'image', 'client', 'leaks'],
  mcp: ['contract', 'client'],
  solo: ['contract', 'manifest', 'engine', 'channel', 'image', 'workspace', 'codex', 'session'],
  catalogue: ['contract', 'manifest'],
  cli: [
    'contract',
    'client',
    'manifest',
    'transcript',
    'inbox',
    'rehearsal',
    'leaks',
    'doctor',
    'mcp',
    'catalogue',
    'solo',
    'daemon',
  ],
};

/** Packages that one place alone may know. */
const ONLY = [
  { package: 'dockerode', in: '^src/engine/docker/' },
  { package: '@hono/', in: '^src/daemon/' },
  { package: 'hono', in: '^src/daemon/' },
  { package: 'commander', in: '^src/cli/' },
  { package: '@commander-js', in: '^src/cli/' },
  { package: 'smol-toml', in: '^src/codex/' },
  { package: 'web-tree-sitter', in: '^src/inbox/' },
  { package: 'standardwebhooks', in: '^src/inbox/' },
  { package: '@modelcontextprotocol', in: '^src/mcp/' },
];

const rules = [
  {
    name: 'no-cycle',
    severity: 'error',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  ...Object.entries(ROOMS).map(([room, may]) => ({
    name: `room-${room}`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path: '^src/', pathNot: `^src/(${[room, ...may].join('|')})/` },
  })),
  { name: 'index-is-for-users', severity: 'error', from: { path: '^src/[^/]+/' }, to: { path: '^src/index' } },
  // The command line reaches the daemon's room at one place, to become it.
  {
    name: 'cli-becomes-daemon',
    severity: 'error',
    from: { path: '^src/cli/', pathNot: '^src/cli/commands/daemon' },
    to: { path: '^src/daemon/' },
  },
  ...ONLY.map((one) => ({
    name: `only-${one.package.replaceAll(/[^a-z]/g, '')}`,
    severity: 'error',
    from: { path: '^src/', pathNot: one.in },
    to: { path: `^node_modules/${one.package}` },
  })),
];

async function look(folder) {
  const { output } = await cruise(
    [folder],
    {
      ruleSet: { forbidden: rules },
      validate: true,
      tsPreCompilationDeps: true,
      tsConfig: { fileName: 'tsconfig.json' },
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '^src/codex/generated' },
      enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
    },
    undefined,
    { tsConfig: undefined },
  );
  return output;
}

const rooms = readdirSync('src').filter((name) => statSync(join('src', name)).isDirectory());
const unknown = rooms.filter((room) => !(room in ROOMS));
if (unknown.length > 0)
  fail(`rooms without a rule: ${unknown.join(', ')}; add them to scripts/check-rooms.mjs and ARCHITECTURE.md`);

const planted = join('src', 'contract', 'planted-violation.ts');
writeFileSync(planted, "import { planted } from '../daemon/project-lock.js';\nexport const violation = planted;\n");
let found;
try {
  found = await look('src');
} finally {
  rmSync(planted);
}
const caught = found.summary.violations.filter((violation) => violation.from === planted);
if (caught.length === 0) fail('the planted violation was not found: the check does not look');
const real = found.summary.violations.filter(
  (violation) => violation.from !== planted && !violation.cycle?.some((step) => (step.name ?? step) === planted),
);
const arrows = found.modules.reduce((sum, module) => sum + module.dependencies.length, 0);
if (found.modules.length < 100 || arrows < 300)
  fail(`only ${found.modules.length} modules and ${arrows} imports were seen: the check does not look`);
for (const violation of real) console.error(`${violation.rule.name}: ${violation.from} → ${violation.to}`);
if (real.length > 0) fail(`${real.length} imports that no room allows`);
console.log(
  `rooms: ${found.modules.length} modules, ${arrows} imports, all as they should be; the planted violation was found`,
);

function fail(text) {
  console.error(`rooms: ${text}`);
  process.exit(1);
}
