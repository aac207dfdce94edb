import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Retention } from '../../src/contract/retention.js';
import { expireSessions, type ExpireContext } from '../../src/fleet/expire-sessions.js';
import { findSessions } from '../../src/fleet/checkpoint.js';
import { retentionPlan, type EndedRecord } from '../../src/fleet/retention-plan.js';
import { loadProjectSettings } from '../../src/manifest/project-settings.js';
import { agentSpec } from '../support/agent-spec.js';
import { rowOf } from '../cli/samples.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW_MS = Date.UTC(2030, 0, 31);
const MIB = 2 ** 20;

describe('which ended sessions go', () => {
  const ended = (name: string, days_ago: number, mib = 1): EndedRecord => ({
    session_id: name,
    id: name.charAt(0),
    ended_ms: NOW_MS - days_ago * DAY_MS,
    bytes: mib * MIB,
  });
  const records = [ended('a1', 40), ended('a2', 20), ended('a3', 1), ended('b1', 50), ended('b2', 3)];
  const going = (given: Partial<Retention>): string[] =>
    retentionPlan(records, { days: null, keep_last: null, total_bytes: null, ...given }, NOW_MS).map(
      (one) => one.session_id,
    );

  it('goes by days, by the last of each agent, by both together, and by size, oldest first', () => {
    expect(going({ days: 30 })).toEqual(['b1', 'a1']);
    expect(going({ keep_last: 1 })).toEqual(['b1', 'a1', 'a2']);
    expect(going({ days: 2, keep_last: 1 })).toEqual(['b1', 'a1', 'a2']);
    expect(going({ days: 30, keep_last: 3 })).toEqual([]);
    expect(going({ total_bytes: 3 * MIB })).toEqual(['b1', 'a1']);
    expect(going({ total_bytes: 1, keep_last: 1 })).toEqual(['b1', 'a1', 'a2']);
    expect(going({ total_bytes: 2 * MIB, days: 45 })).toEqual(['b1', 'a1', 'a2']);
    expect(going({ total_bytes: 100 * MIB })).toEqual([]);
    expect(going({})).toEqual([]);
  });
});

describe('what retention deletes', () => {
  let root: string;
  let outputs: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'filare-retention-'));
    outputs = join(root, 'outputs');
    await mkdir(outputs);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  /** A session folder as an ended session leaves it. */
  async function session(name: string, facts: readonly object[] = [CREATED, ENDED]): Promise<string> {
    const folder = join(outputs, 'FEATURE', name);
    await mkdir(join(folder, 'attempts', '1'), { recursive: true });
    const records = facts.map((fact, at) => JSON.stringify({ n: at + 1, time_ms: 1, attempt: 0, offset: 0, fact }));
    await writeFile(join(folder, 'ledger.jsonl'), `${records.join('\n')}\n`);
    await writeFile(join(folder, 'transcript.jsonl'), 'x'.repeat(10_000));
    return folder;
  }
  const CREATED = { type: 'created', agent: agentSpec({ id: 'a' }), rehearsal: null, by: 'x' };
  const ENDED = { type: 'ended', phase: 'stopped', reason: 'asked' };

  function fleet(folders: readonly string[], retention: Retention | null, live: readonly string[] = []): ExpireContext {
    const ended = new Map(folders.map((folder) => [folder.split('/').at(-1) ?? '', folder]));
    return {
      surroundings: { retention: () => Promise.resolve(retention), paths: { outputs }, now_ms: () => NOW_MS },
      roster: {
        get ended() {
          const ended_at = new Date(NOW_MS - 10 * DAY_MS).toISOString();
          return [...ended].map(([session_id, folder]) => ({
            row: rowOf(session_id.slice(0, 1), { session_id, ended_at, phase: 'stopped' }),
            folder,
          }));
        },
        live: live.map((session_id) => ({ state: { session_id } })),
        forget: (session_id) => void ended.delete(session_id),
      },
    };
  }
  const A_WEEK: Retention = { days: 7, keep_last: null, total_bytes: null };

  it('is nothing without a setting', async () => {
    const folder = await session('a-1');
    expect(await expireSessions(fleet([folder], null), false)).toEqual([]);
    expect(existsSync(folder)).toBe(true);
  });

  it('is the whole folder, which --dry-run only names, with the reason', async () => {
    const folder = await session('a-1');
    const around = fleet([folder], A_WEEK);
    const item = { kind: 'folder', name: folder, session_id: 'a-1' };
    const reason = 'it ended 10 days ago, retention.days is 7';
    expect(await expireSessions(around, true)).toEqual([{ ...item, action: 'would_remove', reason }]);
    expect(existsSync(folder)).toBe(true);
    expect(await expireSessions(around, false)).toEqual([{ ...item, action: 'removed', reason }]);
    expect(await readdir(join(outputs, 'FEATURE'))).toEqual([]);
    expect(around.roster.ended).toEqual([]);
  });

  it('is never what lives, leads elsewhere, did not end, or is not ours', async () => {
    const live = await session('a-live');
    const unended = await session('a-unended', [CREATED]);
    const strange = await session('a-strange', [ENDED]);
    const elsewhere = join(root, 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'precious'), 'x');
    const link = join(outputs, 'FEATURE', 'a-link');
    await symlink(elsewhere, link);
    const outside = join(root, 'b-outside');
    await rename(await session('b-outside'), outside);
    const folders = [live, unended, strange, link, outside];
    const items = await expireSessions(fleet(folders, A_WEEK, ['a-live']), false);
    expect(items.map(({ action, session_id }) => [action, session_id])).toEqual([
      ['kept', 'a-link'],
      ['kept', 'a-strange'],
      ['kept', 'a-unended'],
      ['kept', 'b-outside'],
    ]);
    for (const path of [...folders, join(elsewhere, 'precious')]) expect(existsSync(path)).toBe(true);
  });

  it('is finished after a crash, and is no session meanwhile', async () => {
    const folder = await session('a-1');
    await rename(folder, join(outputs, 'FEATURE', '.trash-a-1'));
    await mkdir(join(outputs, 'FEATURE', '.trash-of-somebody'));
    await writeFile(join(outputs, 'FEATURE', '.trash-of-somebody', 'notes'), 'x');
    expect(await findSessions(outputs)).toEqual([]);
    await expireSessions(fleet([], A_WEEK), false);
    expect(await readdir(join(outputs, 'FEATURE'))).toEqual(['.trash-of-somebody']);
  });

  it('is read from configs/filare.yml, where a mistake deletes nothing', async () => {
    expect(await loadProjectSettings(root)).toMatchObject({ retention: null });
    await mkdir(join(root, 'configs'));
    const write = (text: string): Promise<void> => writeFile(join(root, 'configs', 'filare.yml'), text);
    await write('retention:\n  days: 30\n  total_size: 2g\n  keep_last: 3\n');
    expect(await loadProjectSettings(root)).toMatchObject({
      retention: { days: 30, keep_last: 3, total_bytes: 2 * 2 ** 30 },
    });
    for (const wrong of [
      'retention: {day: 3}',
      'retention: {days: -1}',
      'retention: {}',
      'retention: [',
      'retentoin: 1',
    ]) {
      await write(wrong);
      await expect(loadProjectSettings(root)).rejects.toMatchObject({ code: 'invalid_manifest' });
    }
    await write('max_parallel: 3');
    expect(await loadProjectSettings(root)).toEqual({ retention: null, max_parallel: 3 });
    await write('max_parallel: 0');
    await expect(loadProjectSettings(root)).rejects.toMatchObject({ code: 'invalid_manifest' });
    await write('');
    expect(await loadProjectSettings(root)).toMatchObject({ retention: null });
  });
});
