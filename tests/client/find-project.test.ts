import { chmodSync, lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findProject, runtimeDir } from '../../src/client/find-project.js';

const made: string[] = [];
function folder(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'filare-find-')));
  made.push(path);
  return path;
}
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

describe('the project', () => {
  it.each(['configs/agents', '.filare'])('is the nearest ancestor with %s', (mark) => {
    const root = folder();
    mkdirSync(join(root, mark), { recursive: true });
    mkdirSync(join(root, 'a', 'b'), { recursive: true });
    expect(findProject({ cwd: join(root, 'a', 'b'), env: {} }).root).toBe(root);
  });

  it('is the current folder where no ancestor has a mark', () => {
    const root = folder();
    expect(findProject({ cwd: root, env: {} }).root).toBe(root);
  });

  it('is what --project names, before FILARE_PROJECT, by its real path', () => {
    const root = folder();
    const other = folder();
    const link = join(other, 'link');
    symlinkSync(root, link);
    expect(findProject({ project: link, cwd: other, env: { FILARE_PROJECT: other } }).root).toBe(root);
    expect(findProject({ cwd: '/', env: { FILARE_PROJECT: other } }).root).toBe(other);
  });

  it('that is named and not there is a usage mistake', () => {
    expect(() => findProject({ project: 'nowhere', cwd: folder(), env: {} })).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('nowhere') as string }) as Error,
    );
  });

  it('with a long path has its socket in the runtime folder, under 100 bytes', () => {
    const root = join(folder(), 'x'.repeat(90));
    mkdirSync(root);
    const runtime = folder();
    const { socket } = findProject({ project: root, cwd: root, env: { XDG_RUNTIME_DIR: runtime } });
    expect(socket.startsWith(`${runtime}/`)).toBe(true);
    expect(Buffer.byteLength(socket)).toBeLessThan(100);
  });
});

describe('the runtime folder', () => {
  it('without XDG_RUNTIME_DIR is private to the user, and refused when others may enter it', () => {
    const path = runtimeDir({});
    expect(lstatSync(path).mode & 0o777).toBe(0o700);
    chmodSync(path, 0o755);
    try {
      expect(() => runtimeDir({})).toThrow(/not a private folder/);
    } finally {
      chmodSync(path, 0o700);
    }
  });
});
