import { appendFile, cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INPUTS_DIR, inputsHash } from '../../src/image/inputs.js';
import { placeOf } from '../../src/image/layout.js';
import { readVersions } from '../../src/image/versions.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-inputs-'));
  await cp(INPUTS_DIR, folder, { recursive: true });
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('the hash of the inputs', () => {
  it('is the same wherever the files are and whoever owns them', async () => {
    expect(await inputsHash(folder, 'x64')).toBe(await inputsHash(INPUTS_DIR, 'x64'));
  });

  it('changes with every file of the folder, and with the processor', async () => {
    const hashes = new Set([await inputsHash(folder, 'x64'), await inputsHash(folder, 'arm64')]);
    const files = await readdir(folder);
    for (const file of files) {
      await appendFile(join(folder, file), '\n');
      hashes.add(await inputsHash(folder, 'x64'));
    }
    expect(files.length).toBeGreaterThan(3);
    expect(hashes.size).toBe(2 + files.length);
  });
});

it('pins every package to the version it is said to have', async () => {
  const { packages } = await readVersions(INPUTS_DIR);
  for (const { version, x64, arm64 } of Object.values(packages)) {
    for (const { spec } of [x64, arm64])
      expect(spec).toMatch(new RegExp(`@${version.replaceAll('.', '\\.')}(-linux-(x64|arm64))?$`));
    expect(x64.integrity).toMatch(/^sha512-/);
  }
});

describe('the layout', () => {
  it('lets nobody read the programs of Codex', () => {
    const vendor = 'package/vendor/x86_64-unknown-linux-musl';
    expect(placeOf('codex', `${vendor}/bin/codex`, 0o755)).toEqual({ path: 'opt/codex/bin/codex', mode: 0o711 });
    expect(placeOf('codex', `${vendor}/bin/codex-code-mode-host`, 0o755)?.mode).toBe(0o711);
    expect(placeOf('codex', `${vendor}/codex-package.json`, 0o644)).toEqual({
      path: 'opt/codex/codex-package.json',
      mode: 0o644,
    });
  });

  it('leaves out what agents do not need', () => {
    expect(placeOf('codex', 'package/vendor/x/codex-resources/voice/lib/libz.so.1', 0o755)).toBeUndefined();
    expect(placeOf('npm', 'package/docs/content/index.md', 0o644)).toBeUndefined();
    expect(placeOf('node', 'package/include/node/node.h', 0o644)).toBeUndefined();
  });

  it('lets no archive write outside its place, nor set a bit that makes root', () => {
    expect(placeOf('npm', 'package/../../../bin/sh', 0o755)).toBeUndefined();
    expect(placeOf('codex', 'package/vendor/x/bin/../../../etc/passwd', 0o644)).toBeUndefined();
    expect(placeOf('npm', 'package/index.js', 0o4777)?.mode).toBe(0o755);
  });
});
