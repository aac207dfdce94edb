import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectPaths, type ProjectPaths } from '../../src/contract/project.js';
import { openState, STATE_FORMAT, type StateSurroundings } from '../../src/daemon/state-format.js';

const HERE: StateSurroundings = { machine: 'm1', adopt: false, now: () => new Date('2030-01-01T00:00:00Z') };

describe('the state folder of a project', () => {
  let paths: ProjectPaths;
  beforeEach(async () => {
    paths = projectPaths(await realpath(await mkdtemp(join(tmpdir(), 'filare-state-'))), tmpdir());
    await mkdir(paths.state);
  });
  afterEach(() => rm(paths.root, { recursive: true, force: true }));

  it('is given a format and an instance when it is new, and is found again as it was', async () => {
    const first = await openState(paths, HERE);
    expect(first).toMatchObject({ adopted_from: null, backup: null });
    expect(await openState(paths, HERE)).toEqual(first);
    expect(JSON.parse(await readFile(paths.format, 'utf8'))).toMatchObject({
      format: STATE_FORMAT,
      root: paths.root,
      machine: 'm1',
      instance: first.instance,
    });
  });

  it('of a version that wrote no format is migrated, with a copy of its records beside it', async () => {
    await writeFile(paths.ledger, '{"old":true}\n');
    await writeFile(paths.daemon_log, 'not a record\n');
    const { backup } = await openState(paths, HERE);
    expect(await readdir(backup ?? '')).toEqual(['ledger.jsonl']);
    expect(await readFile(join(backup ?? '', 'ledger.jsonl'), 'utf8')).toBe('{"old":true}\n');
    expect(await readFile(paths.ledger, 'utf8')).toBe('{"old":true}\n');
    expect((await openState(paths, HERE)).backup).toBeNull();
  });

  it('of a newer version is refused and left as it is, even when it is to be adopted', async () => {
    const text = JSON.stringify({ format: STATE_FORMAT + 1, anything: 'else' });
    await writeFile(paths.format, text);
    for (const adopt of [false, true]) {
      await expect(openState(paths, { ...HERE, adopt })).rejects.toMatchObject({
        code: 'version_mismatch',
        hint: expect.stringContaining('newer version') as string,
      });
    }
    expect(await readFile(paths.format, 'utf8')).toBe(text);
  });

  it.each(['', 'not json', '{}', '{"format":1}'])(
    'that does not say what it is (%j) is refused, never guessed',
    async (text) => {
      await writeFile(paths.format, text);
      await expect(openState(paths, { ...HERE, adopt: true })).rejects.toMatchObject({ code: 'bad_state' });
      expect(await readFile(paths.format, 'utf8')).toBe(text);
    },
  );

  it('that was copied to another path, or to another machine, is refused with the way on; adopted, it is another instance', async () => {
    const first = await openState(paths, HERE);
    const text = await readFile(paths.format, 'utf8');
    const elsewhere = { ...JSON.parse(text), root: '/the/old/place' } as Record<string, unknown>;
    for (const [content, machine, says] of [
      [JSON.stringify(elsewhere), 'm1', '/the/old/place'],
      [text, 'm2', 'another machine'],
    ] as const) {
      await writeFile(paths.format, content);
      await expect(openState(paths, { ...HERE, machine })).rejects.toMatchObject({
        code: 'bad_state',
        message: expect.stringContaining(says) as string,
        hint: expect.stringContaining('--adopt') as string,
      });
      const adopted = await openState(paths, { ...HERE, machine, adopt: true });
      expect(adopted.instance).not.toBe(first.instance);
      expect(adopted.adopted_from).not.toBeNull();
      expect(await readdir(adopted.backup ?? '')).toEqual(['format.json']);
      expect(await openState(paths, { ...HERE, machine })).toMatchObject({
        instance: adopted.instance,
        adopted_from: null,
      });
      await rm(adopted.backup ?? '', { recursive: true });
    }
  });

  it('is taken where a machine has no id', async () => {
    await openState(paths, { ...HERE, machine: null });
    expect(await openState(paths, HERE)).toMatchObject({ adopted_from: null });
  });
});
