import { spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { repoKind, whyNotBranch, whyNotImage } from '../../src/manifest/check-names.js';
import { closestWord } from '../../src/manifest/closest-word.js';

const hasGit = spawnSync('git', ['--version'], { stdio: 'ignore' }).status === 0;

/** What git says of each name, asked in one go and without holding up the test's own process. */
async function gitTakes(names: readonly string[]): Promise<boolean[]> {
  const loop =
    'while IFS= read -r name; do if git check-ref-format "refs/heads/$name"; then echo y; else echo n; fi; done';
  const shell = spawn('sh', ['-c', loop], { stdio: ['pipe', 'pipe', 'inherit'] });
  shell.stdin.end(names.map((name) => `${name}\n`).join(''));
  const said = await text(shell.stdout);
  return said
    .trim()
    .split('\n')
    .map((word) => word === 'y');
}

// Ours is stricter where a name is legal and no help: names git keeps for itself, options, letters nobody sees, long ones.
const stricter = (name: string): boolean =>
  name === 'HEAD' ||
  name === '@' ||
  name.startsWith('-') ||
  /[\p{Cc}\p{Cf}\p{Cs}]/u.test(name) ||
  Buffer.byteLength(name) > 200;

test.skipIf(!hasGit)('a branch name that we take, git takes; one that git refuses, we refuse', async () => {
  const piece = fc.constantFrom(
    'a',
    'B',
    '7',
    '.',
    '..',
    '/',
    '//',
    '@',
    '{',
    '@{',
    '~',
    '^',
    ':',
    '?',
    '*',
    '[',
    '\\',
    ' ',
    '-',
    '_',
    '.lock',
    'lock',
    'HEAD',
    '\t',
    'é',
    '目',
    '+',
    '#',
    '$',
    "'",
    '"',
    ';',
  );
  const name = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''));
  const names = fc.sample(name, 400);
  const taken = await gitTakes(names);
  expect(taken).toHaveLength(names.length);
  expect(taken.filter(Boolean).length).toBeGreaterThan(20);
  names.forEach((one, index) => {
    expect([one, whyNotBranch(one) === undefined]).toEqual([one, taken[index] === true && !stricter(one)]);
  });
});

test.each([
  'filare-codex',
  'filare-codex:1',
  'a/b/c',
  'localhost:5000/a',
  'registry.example/team/agent:1.2',
  'Registry.Example/a',
  'a__b',
  'a-b.c',
  `a@sha256:${'0'.repeat(64)}`,
  '127.0.0.1:5000/a:b',
])('takes the image %s', (name) => {
  expect(whyNotImage(name)).toBeUndefined();
});

test.each([
  '',
  'A',
  'a b',
  'a:',
  ':a',
  '-a',
  'a//b',
  'a/',
  '/a',
  'a@sha256:12',
  'a:b:c',
  'a_',
  '../a',
  'a\nb',
  'a'.repeat(301),
])('refuses the image %j', (name) => {
  expect(whyNotImage(name)).toBeDefined();
});

test.each([
  ['../repo', 'path'],
  ['/repo', 'path'],
  ['~/repo', 'path'],
  ['repo', 'path'],
  ['a/b:c', 'path'],
  ['https://x.example/y.git', 'address'],
  ['ssh://git@x.example:22/y', 'address'],
  ['git@x.example:team/y.git', 'address'],
  ['x.example:y', 'address'],
  ['file:///srv/y', 'address'],
  ['ext::sh -c id', 'refused'],
  ['fd::7', 'refused'],
  ['--upload-pack=id', 'refused'],
  ['ftp://x.example/y', 'refused'],
  ['https://token@x.example/y', 'refused'],
  ['https://me:pass@x.example/y', 'refused'],
  ['ssh://me:pass@x.example/y', 'refused'],
  ['https://', 'refused'],
])('the repo %s is a %s', (repo, kind) => {
  expect(repoKind(repo).kind).toBe(kind);
});

test.each([
  ['rol', 'role'],
  ['Role', 'role'],
  ['gaol', 'goal'],
  ['env-file', 'env_file'],
  ['envFile', 'env_file'],
  ['startup_scripts', 'startup_script'],
  ['x', undefined],
  ['completely_different', undefined],
  ['a'.repeat(100_000), undefined],
])('who types %s means %s', (typed, meant) => {
  expect(closestWord(typed, ['id', 'role', 'goal', 'env_file', 'startup_script'])).toBe(meant);
});
