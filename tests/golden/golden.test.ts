import { readFileSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
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
    return { row: shown, prompts, state: JSON.stringify(memory.state) };
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
    expect(rotated).toBeGreaterThan(2);
    expect(sorted(await verified())).toMatchObject(sorted(expected.verified));
  });

  it('goes on from what a rotation of it remembered, whatever field that lacks', async () => {
    const row = expected.rows.find(({ id }) => id === 'long');
    if (row === undefined) throw new Error('no such session');
    const { base, checkpoint } = sessionFiles(folderOf(row));
    expect(await startOfData(journalFile(folderOf(row), 1)), 'some of it was given back').toBeGreaterThan(0);
    await rm(checkpoint);
    const whole = await look(row);
    await rm(checkpoint);
    expect((await stat(base)).size).toBeGreaterThan(0);
    expect(Object.keys(JSON.parse(whole.state) as object)).toContain('synced');
  });

  it('is taken over by a daemon: what ended is as it was, what lived elsewhere is ended in the record', async () => {
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
