import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EXIT_CODES } from '../../src/contract/errors.js';
import { readPage } from './pages.js';

test('docs/exit-codes.md has every word under its exit code', () => {
  const rows = readPage('docs/exit-codes.md').prose.flatMap((line) => {
    const [, code, words = ''] = /^\| (\d+) +\| (`[a-z_]+`.*?) *\|$/.exec(line) ?? [];
    return code === undefined
      ? []
      : Array.from(words.matchAll(/`([a-z_]+)`/g), ([, word]) => [word ?? '', Number(code)]);
  });
  expect(Object.fromEntries(rows)).toEqual(EXIT_CODES);
});

const has_systemd = spawnSync('systemd-analyze', ['--version']).status === 0;
test.skipIf(!has_systemd)('systemd takes the unit of the operator’s guide', () => {
  const unit = readPage('docs/operators-guide.md').blocks.find(({ language }) => language === 'ini')?.text ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'filare-unit-'));
  try {
    const path = join(folder, 'filare-agents@home-me-shop.service');
    writeFileSync(path, unit);
    const verified = spawnSync('systemd-analyze', ['verify', '--user', '--man=no', path], {
      encoding: 'utf8',
      env: { ...process.env, XDG_RUNTIME_DIR: folder },
    });
    const about_it = (verified.stderr + verified.stdout).split('\n').filter((line) => line.includes('filare-agents@'));
    expect(about_it).toEqual([]);
    expect(verified.status, verified.stderr).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
