import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { daemonStatus } from '../../src/client/daemon-status.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import type { SessionRow } from '../../src/contract/session.js';
import { startOfData } from '../../src/channel/journal-room.js';
import { toPrompt } from '../../src/session/prompts.js';
import { toRow } from '../../src/session/row.js';
import { journalFile, sessionFiles } from '../../src/session/session-files.js';
import { SessionMemory } from '../../src/session/session-memory.js';
import { openPrompts } from '../../src/session/prompts.js';
import { recordedSeals, verifyTranscript } from '../../src/transcript/verify.js';
import { createMasker } from '../../src/transcript/mask.js';
import { CliProcess, newProject, removeProject, run } from '../cli/rig.js';
import { policy } from '../support/policy.js';
import {
  goldenFiles,
  GOLDEN_ROOT,
  goldenVersions,
  readExpectation,
  unpackFiles,
  type Expectation,
} from './golden-folder.js';

const NO_ENGINE = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };
const { version: PRESENT } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

it('the folder of this version is kept', async () => {
  expect(await goldenVersions(), 'npm run golden').toContain(PRESENT);
});

describe.each(await goldenVersions())('a project that version %s left', (version) => {
  let project: ProjectPaths;
  let expected: Expectation;
  beforeEach(async () => {
    project = newProject();
    expected = await readExpectation(version);
    await unpackFiles(goldenFiles(version).folder, project.root);
  });
  afterEach(() => removeProject(project));

  const folderOf = (row: Expectation['rows'][number]): string => join(project.outputs, row.role, row.session_id);
  const open = (row: Expectation['rows'][number]): Promise<SessionMemory> =>
    SessionMemory.open({
      session_id: row.session_id,
      folder: folderOf(row),
      masker: createMasker({}),
      policy,
      now_ms: () => Date.now(),
    });
  /** What is known of a session, as it was said when the folder was packed. */
  const look = async (row: Expectation['rows'][number]) => {
    const memory = await open(row);
    const shown = toRow(memory.state, {
      codex_home: join(GOLDEN_ROOT, '.filare/agents', row.id, 'codex'),
      transcript: join(GOLDEN_ROOT, 'outputs/agents', row.role, row.session_id, 'transcript.jsonl'),
      health: row.phase === 'running' ? 'ok' : 'unknown',
      manifest_changed: false,
      trouble: null,
    });
    const prompts = openPrompts(memory.state).map((prompt) => toPrompt(memory.state, prompt, memory.masker));
    await memory.close();
    return { row: shown, prompts };
  };
  const verified = async () => {
    const seals = await recordedSeals(project.ledger);
    const found = [];
    for (const { session_id, role } of expected.rows) {
      const path = join(project.outputs, role, session_id, 'transcript.jsonl');
      found.push({ session_id, ...(await verifyTranscript(path, seals.get(session_id) ?? [])) });
    }
    return found.map(({ session_id, lines, last_seq, link, sealed_seq, problems }) => ({
      session_id,
      lines,
      last_seq,
      link,
      sealed_seq,
      problems,
    }));
  };
  const sorted = <T extends { readonly session_id: string }>(list: readonly T[]): T[] =>
    [...list].sort((a, b) => a.session_id.localeCompare(b.session_id));

  it('holds what this test is about', () => {
    expect(expected.version).toBe(version);
    expect(expected.rows.map(({ id, phase }) => [id, phase]).sort()).toEqual([
      ['asker', 'running'],
      ['cut', 'stopped'],
      ['done', 'stopped'],
      ['long', 'running'],
    ]);
    expect(expected.prompts).toHaveLength(1);
  });

  it.each([
    ['as it lies there', []],
    ['with checkpoints that another version made', ['checkpoint.jsonl']],
    ['without checkpoints and state.json', ['checkpoint.jsonl', 'state.json']],
  ])('shows the same rows and prompts, %s', async (_, forgotten) => {
    const prompts = [];
    for (const row of expected.rows) {
      for (const name of forgotten) await rm(join(folderOf(row), name), { force: true });
      const seen = await look(row);
      expect(seen.row).toMatchObject(row);
      prompts.push(...seen.prompts);
    }
    expect(prompts).toMatchObject(expected.prompts);
    expect(sorted(await verified())).toMatchObject(sorted(expected.verified));
  });

  it('tells the transcripts again, byte for byte, from ledger and journal', async () => {
    let rotated = 0;
    for (const row of expected.rows) {
      const { transcript, checkpoint, base } = sessionFiles(folderOf(row));
      const before = await readFile(transcript);
      const names = await readdir(folderOf(row));
      rotated += names.filter((name) => name.endsWith('.jsonl.gz')).length;
      await rm(checkpoint);
      // Of a journal that was given back only what the base has not seen can be told again.
      if (!names.includes(basename(base))) await rm(transcript);
      await (await open(row)).close();
      expect((await readFile(transcript)).equals(before), row.id).toBe(true);
    }
    expect(rotated).toBeGreaterThan(1);
    expect(sorted(await verified())).toMatchObject(sorted(expected.verified));
  });

  it.each([
    ['synced', null],
    ['boot_id', null],
    ['keyed', []],
    ['closed_prompts', []],
    ['rules', []],
    ['raised', { turns: 0, tokens: 0, wall_time: 0 }],
    ['raised.wall_time', { turns: 0, tokens: 0, wall_time: 0 }],
  ])('goes on from what a rotation remembered, when the version that wrote it did not know %s', async (field, then) => {
    const row = expected.rows.find(({ id }) => id === 'long');
    if (row === undefined) throw new Error('no such session');
    const { base, checkpoint } = sessionFiles(folderOf(row));
    expect(await startOfData(journalFile(folderOf(row), 1)), 'some of it was given back').toBeGreaterThan(0);
    await rm(checkpoint);
    await forgetField(base, field);
    const memory = await open(row);
    expect(memory.state[field.split('.')[0] as keyof typeof memory.state]).toEqual(then);
    expect(Object.values(memory.state)).not.toContain(undefined);
    expect(memory.state.stage.phase).toBe('running');
    await memory.close();
    expect(sorted(await verified())).toMatchObject(sorted(expected.verified));
  });

  it('is taken over by a daemon: what ended is as it was, what lived elsewhere is ended in the record', async () => {
    // As a version wrote it that did not know a field of today's rows.
    const [ended] = expected.rows.filter(({ phase }) => phase === 'stopped');
    if (ended === undefined) throw new Error('nothing ended');
    const state_file = sessionFiles(folderOf(ended)).state;
    const { tags: _, ...older } = JSON.parse(await readFile(state_file, 'utf8')) as Record<string, unknown>;
    await writeFile(state_file, JSON.stringify(older));
    const daemon = new CliProcess(project, ['daemon', 'run', '--adopt'], NO_ENGINE);
    while ((await daemonStatus(project)) === undefined) await new Promise((go) => setTimeout(go, 20));
    const rows = JSON.parse((await run(project, ['list', '--all', '--json'])).stdout) as SessionRow[];
    const listed = await run(project, ['feedback', 'rules', '--json']);
    daemon.child.kill('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(listed.stdout).toContain('mkdir');
    expect(rows.map(({ session_id }) => session_id).sort()).toEqual(expected.rows.map((row) => row.session_id).sort());
    for (const row of rows) {
      const before = expected.rows.find(({ session_id }) => session_id === row.session_id);
      expect(row.phase).toBe('stopped');
      if (before?.phase === 'stopped')
        expect({ ...row, transcript: before['transcript'], codex_home: before['codex_home'] }).toMatchObject(before);
      else expect(row.end_reason).toContain(GOLDEN_ROOT);
      expect(dirname(row.transcript)).toBe(folderOf(row));
    }
    expect((await run(project, ['transcript', 'verify', '--all'])).code).toBe(0);
  });
});

/** Rewrites a base as an older version would have written it: without a field of the state, named by its path. */
async function forgetField(base: string, path: string): Promise<void> {
  const [, body = ''] = (await readFile(base, 'utf8')).split('\n');
  const stored = JSON.parse(body) as { state: Record<string, Record<string, unknown>> };
  const [field = '', inner] = path.split('.');
  if (inner === undefined) Reflect.deleteProperty(stored.state, field);
  else Reflect.deleteProperty(stored.state[field] ?? {}, inner);
  const older = JSON.stringify(stored);
  expect(older.length).toBeLessThan(body.length);
  const sha256 = createHash('sha256').update(older).digest('hex');
  await writeFile(base, `${JSON.stringify({ format: 1, version: '0.0.1', sha256 })}\n${older}\n`);
}
