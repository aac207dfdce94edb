import { expect, it } from 'vitest';
import { parseRawNumstat } from '../../src/homecoming/raw-numstat.js';

const A = 'a'.repeat(40);

it('reads what git says of changed, new, moved, binary files and submodules, whatever their names are', () => {
  const raw =
    `:100644 100644 ${A} ${A} M\0a\tb\n.txt\0` +
    `:000000 100644 ${A} ${A} A\0new\0` +
    `:100644 100644 ${A} ${A} R090\0old\0moved\0` +
    `:000000 160000 ${A} ${A} A\0module\0`;
  const counts = `1\t2\ta\tb\n.txt\0-\t-\tnew\0` + `3\t0\t\0old\0moved\0` + `1\t0\tmodule\0`;
  const file = { old_path: null, added: null, deleted: null, submodule: false };
  expect(parseRawNumstat(raw + counts)).toEqual([
    { ...file, path: 'a\tb\n.txt', status: 'modified', added: 1, deleted: 2 },
    { ...file, path: 'new', status: 'added' },
    { ...file, path: 'moved', old_path: 'old', status: 'renamed', added: 3, deleted: 0 },
    { ...file, path: 'module', status: 'added', added: 1, deleted: 0, submodule: true },
  ]);
});

it('leaves out what was cut', () => {
  expect(parseRawNumstat(`:100644 100644 ${A} ${A} M\0whole\0:100644 100644 ${A} ${A} R100\0old\0mov`)).toHaveLength(1);
});
