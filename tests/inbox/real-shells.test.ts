import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainWords } from '../../src/inbox/plain-words.js';

const SEPARATOR = '\u001f';
const ALPHABET = Array.from('ab-~=^@%+:,./ \'"\\$`*?[]{}()<>|&;#!1 \\\\ \'\' ""');

/** Scripts that name a program `f`, with words of signs that shells care about; only those that are read as plain. */
function plainScripts(count: number): { readonly script: string; readonly words: readonly string[] }[] {
  const word = fc.string({ unit: fc.constantFrom(...ALPHABET), maxLength: 6 });
  return fc
    .sample(fc.array(word, { maxLength: 5 }), count)
    .map((words) => `f ${words.join(' ')}`)
    .flatMap((script) => {
      const read = plainWords(script);
      return 'words' in read ? [{ script, words: read.words }] : [];
    });
}

/** The words that a shell gives to `f`, for each script. */
function wordsIn(shell: string, scripts: readonly string[]): string[] {
  const given = [`f() { printf '%s${SEPARATOR}' f "$@"; printf '\\n'; }`, ...scripts].join('\n');
  const { stdout } = spawnSync(shell, [], {
    input: given,
    encoding: 'utf8',
    cwd: '/usr/bin',
    env: { HOME: '/home/agent' },
  });
  return stdout.split('\n').slice(0, -1);
}

const SHELLS = ['bash', 'dash', 'zsh'];
describe('what is read as plain is what shells make of it', () => {
  for (const shell of SHELLS) {
    const is_there = spawnSync(shell, ['-c', ':']).status === 0;
    if (!is_there) console.log(`skipped: ${shell} is not installed`);
    test.skipIf(!is_there)(shell, () => {
      const plain = plainScripts(30_000);
      expect(plain.length).toBeGreaterThan(1000);
      const wanted = plain.map(({ words }) => `${words.join(SEPARATOR)}${SEPARATOR}`);
      const found = wordsIn(
        shell,
        plain.map(({ script }) => script),
      );
      const wrong = plain.flatMap(({ script }, at) =>
        found[at] === wanted[at] ? [] : [[script, wanted[at], found[at]]],
      );
      expect(wrong.slice(0, 5)).toEqual([]);
    });
  }
});
