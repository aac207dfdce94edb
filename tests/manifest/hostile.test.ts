import { isAbsolute, sep } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { agentSpecSchema } from '../../src/contract/agent-spec.js';
import { normalTarget, whyNotTarget } from '../../src/manifest/container-targets.js';
import { expandPath } from '../../src/manifest/expand-path.js';
import { formatDiagnostics } from '../../src/manifest/format-diagnostic.js';
import { hostPlaces, whyNotMountable } from '../../src/manifest/host-places.js';
import { realPlace } from '../../src/manifest/real-place.js';
import { TestProject } from './project.js';

const nasty = fc.constantFrom(
  '..',
  '/',
  '//',
  '.',
  '\\',
  '\0',
  '\n',
  '\r',
  '\t',
  '~',
  '$',
  '${',
  '}',
  '$HOME',
  '%2e%2e',
  ':',
  ';',
  '`',
  '$(id)',
  '|',
  '&',
  '*',
  '?',
  '-',
  '--',
  '"',
  "'",
  ' ',
  '\u202e',
  '\u200b',
  '\u001b[2J',
  '目',
  'é',
  'e\u0301',
  '🚀',
  'a',
  'Z',
  '0',
  '_',
  '.filare',
  'outputs',
  '{n}',
  '<<',
  '__proto__',
  'constructor',
  'CON',
  'nul',
);
const hostile = fc.oneof(
  fc.array(nasty, { maxLength: 8 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);

const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/;

test('10,000 hostile strings as ids: all are refused but plain names that are new', async () => {
  using project = new TestProject();
  const strings = fc.sample(hostile, { numRuns: 10_000, seed: 7 });
  let taken = 0;
  for (let from = 0; from < strings.length; from += 250) {
    const batch = strings.slice(from, from + 250);
    const lines = batch.map((id) => `  ${JSON.stringify({ id, role: 'UI' })}`);
    const { mistakes } = await project.load([project.write('ids.json', `[\n${lines.join(',\n')}\n]\n`)]);
    const refused = new Set(mistakes.map(({ line }) => line - 2));
    const known = new Set<string>();
    batch.forEach((id, index) => {
      const fine = PLAIN_NAME.test(id) && !known.has(id.toLowerCase());
      if (fine) known.add(id.toLowerCase());
      expect([id, refused.has(index)]).toEqual([id, !fine]);
    });
    taken += known.size;
  }
  expect(taken).toBeGreaterThan(100);
});

test('10,000 hostile strings as paths: what comes out is absolute, plain, and never a place that is closed', () => {
  using project = new TestProject();
  const around = { env: { HOME: project.home, EVIL: '../../../../etc' }, home: project.home };
  const places = hostPlaces({ project_root: project.root, home: project.home, env: {} });
  fc.assert(
    fc.property(hostile, (text) => {
      const expanded = expandPath(text, around);
      if (!('path' in expanded)) {
        expect(expanded.at).toBeLessThanOrEqual(text.length);
        return;
      }
      expect(expanded.path).not.toMatch(/[\p{Cc}]/u);
      const real = realPlace(`${project.root}/configs/agents/${expanded.path}`);
      expect(isAbsolute(real)).toBe(true);
      expect(real.split(sep)).not.toContain('..');
      if (whyNotMountable(real, places) !== undefined) return;
      for (const closed of ['/etc', '/proc', '/sys', '/run', '/dev', project.home, `${project.root}/.filare`])
        expect(real === closed || closed.startsWith(real.endsWith(sep) ? real : `${real}${sep}`)).toBe(false);
      for (const closed of ['/etc/', '/proc/', '/sys/', '/run/', '/dev/', `${project.root}/.filare/`])
        expect(real.startsWith(closed)).toBe(false);
    }),
    { numRuns: 10_000, seed: 8 },
  );
});

test('10,000 hostile strings as targets: what is taken covers nothing of ours', () => {
  const closed = ['/etc', '/usr', '/run', '/io', '/opt/codex', '/home/agent/.codex', '/proc', '/dev', '/bin', '/lib'];
  const piece = fc.oneof(
    fc.constantFrom(
      '/',
      '..',
      '.',
      '//',
      'etc',
      'usr',
      'run',
      'io',
      'opt',
      'codex',
      'home',
      'agent',
      '.codex',
      'data',
      'workspace',
    ),
    nasty,
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 9 }).map((pieces) => `/${pieces.join('/')}`),
      (text) => {
        if (whyNotTarget(text) !== undefined) return;
        const target = normalTarget(text);
        expect(target).toMatch(/^\/[^/]/);
        for (const place of closed) {
          expect(target === place || target.startsWith(`${place}/`)).toBe(false);
          expect(place.startsWith(`${target}/`) && target !== '/home/agent/workspace').toBe(false);
        }
      },
    ),
    { numRuns: 10_000, seed: 9 },
  );
});

const SCRAPS = [
  'id: one',
  'role: UI',
  '- ',
  '  ',
  '\t',
  '[',
  ']',
  '{',
  '}',
  ': ',
  ',',
  '\n',
  '\n',
  '\n  ',
  '&a ',
  '*a',
  '<<: *a',
  '!!set',
  '!x ',
  '|',
  '>',
  '"',
  "'",
  '#',
  '---',
  '...',
  '%YAML 1.1',
  '? ',
  'resources:',
  'memory: 4g',
  'mounts:',
  'source: /',
  'defaults:',
  'sessions:',
  'network: none',
  'null',
  '~',
  'true',
  '1e999',
  '.nan',
  '0x1f',
  '\u0000',
  '\ufeff',
  '\ud800',
  '目',
  '${HOME}',
  'goal: |',
  'escalation:',
  'when: {}',
  'depends_on: [one]',
  '__proto__: 1',
  'codex: { config: { a: null } }',
];

test('random YAML loads or is refused with mistakes that have places, and can be shown', async () => {
  using project = new TestProject();
  const text = fc.oneof(
    fc.array(fc.constantFrom(...SCRAPS), { maxLength: 25 }).map((pieces) => pieces.join('')),
    fc.array(fc.constantFrom(...SCRAPS), { maxLength: 25 }).map((pieces) => `id: one\nrole: UI\n${pieces.join('\n')}`),
    fc.json({ maxDepth: 4 }),
    fc.string({ unit: 'binary', maxLength: 120 }),
  );
  await fc.assert(
    fc.asyncProperty(text, async (manifest) => {
      const { loaded, error, mistakes, warnings } = await project.loadText(manifest, { HOME: project.home });
      expect(loaded === undefined).toBe(error !== undefined);
      for (const agent of loaded?.agents ?? []) agentSpecSchema.parse(agent);
      if (error !== undefined) expect(mistakes.length).toBeGreaterThan(0);
      const lines = manifest.split('\n').length;
      for (const one of [...mistakes, ...warnings]) {
        expect(one.line).toBeLessThanOrEqual(lines);
        expect(one.line === 0).toBe(one.column === 0);
      }

      expect(formatDiagnostics(mistakes).replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/u);
    }),
    { numRuns: 1000, seed: 10 },
  );
});

const BOMBS: Readonly<Record<string, string>> = {
  'aliases of aliases': `a: &a [x, x, x, x, x, x, x, x, x]\n${'bcdefghij'
    .split('')
    .map(
      (name, index) =>
        `${name}: &${name} [${Array(9)
          .fill(`*${'abcdefghi'.charAt(index)}`)
          .join(', ')}]`,
    )
    .join('\n')}\nid: one\nrole: UI\n`,
  'merges of merges': `a: &a { x: 1 }\n${'bcdefghij'
    .split('')
    .map(
      (name, index) =>
        `${name}: &${name} { <<: [${Array(9)
          .fill(`*${'abcdefghi'.charAt(index)}`)
          .join(', ')}] }`,
    )
    .join('\n')}\n`,
  'a list in itself': '&a [*a]',
  'a hundred thousand brackets': '['.repeat(100_000),
  'a hundred thousand braces': '{a: '.repeat(100_000),
  'a hundred thousand dashes': '- '.repeat(100_000),
  'a hundred thousand questions': '? '.repeat(100_000),
  'twenty thousand documents': '---\n'.repeat(20_000),
  'twenty thousand anchors': '&a '.repeat(20_000),
  'twenty thousand tags': '!a '.repeat(20_000),
  'deep indentation': Array.from({ length: 1400 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
  'many small agents': '- {id: a, role: UI}\n'.repeat(50_000),
  'a million spaces': `${' '.repeat(1_000_000)}[`,
  'one long line': `id: one\nrole: UI\nimag: ${'x'.repeat(1_000_000)}\n`,
  'many escapes': `id: "${'\\x'.repeat(50_000)}"`,
  'a thousand unknown fields': Array.from({ length: 1000 }, (_, n) => `field_${n}: 1`).join('\n'),
};

test.each(Object.entries(BOMBS))('survives %s, and says what is wrong', async (_name, bomb) => {
  using project = new TestProject();
  const { mistakes } = await project.loadText(bomb);
  expect(mistakes.length).toBeGreaterThan(0);
  expect(mistakes.length).toBeLessThanOrEqual(500);
  expect(JSON.stringify(mistakes).length).toBeLessThan(4_000_000);
  expect(
    formatDiagnostics(mistakes)
      .split('\n')
      .every((line) => line.length < 2000),
  ).toBe(true);
});
