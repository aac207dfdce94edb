import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManifestFiles } from '../../src/fleet/manifest-files.js';

describe('the manifest of an agent that runs', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'filare-manifest-files-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is changed once it holds something else, and not any more when it is put back', async () => {
    const file = join(folder, 'a.yml');
    await writeFile(file, '- id: a\n');
    const source = { file, line: 1, sha256: createHash('sha256').update('- id: a\n').digest('hex') };
    const files = new ManifestFiles();
    expect(files.changed(source)).toBe(false);
    await writeFile(file, '- id: a # more\n');
    expect(files.changed(source)).toBe(true);
    await writeFile(file, '- id: a\n');
    expect(files.changed(source)).toBe(false);
  });

  it('is changed when it is gone or no file, and unknown agents of no file never are', () => {
    const files = new ManifestFiles();
    expect(files.changed({ file: join(folder, 'gone.yml'), line: 1, sha256: 'x' })).toBe(true);
    expect(files.changed({ file: folder, line: 1, sha256: 'x' })).toBe(true);
    expect(files.changed({ file: 'nowhere', line: 1, sha256: '' })).toBe(false);
  });
});
