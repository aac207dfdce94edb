import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { grammarFile } from '../../src/inbox/grammar-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'filare-grammar-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('the grammar stands beside the code, else in the package that it comes from', () => {
  const installed = grammarFile();
  expect(existsSync(installed)).toBe(true);
  expect(installed).toContain('tree-sitter-bash');
  mkdirSync(join(folder, 'grammar'));
  const beside = join(folder, 'grammar', 'tree-sitter-bash.wasm');
  copyFileSync(installed, beside);
  expect(grammarFile(join(folder, 'grammar-file.js'))).toBe(beside);
});

test('without it, the failure says what to do', () => {
  expect(() => grammarFile(join(folder, 'grammar-file.js'))).toThrow(/grammar .* is missing: .*tree-sitter-bash\.wasm/);
});
