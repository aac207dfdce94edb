import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { ProjectLedger } from '../../src/ledger/project-ledger.js';
import { TranscriptStore } from '../../src/transcript/store.js';
import { newProject, removeProject, run } from './rig.js';
import { entryOf } from './samples.js';

const OLD = 'docs-20300101T000000Z-aaaa';
const NEW = 'docs-20300102T000000Z-bbbb';
let project: ProjectPaths;

beforeEach(async () => {
  project = newProject('docs');
  mkdirSync(project.state, { recursive: true });
  await session(OLD);
  await session(NEW);
});
afterEach(() => removeProject(project));

const place = (session_id: string): string => join(project.outputs, 'DOCUMENTATION', session_id, 'transcript.jsonl');

/** The record of a session that ended, with its checksum recorded. */
async function session(session_id: string): Promise<void> {
  mkdirSync(join(place(session_id), '..'), { recursive: true });
  await using store = await TranscriptStore.open(place(session_id));
  for (let seq = 1; seq <= 5; seq += 1) {
    await store.append([JSON.stringify(entryOf({ seq, session_id, text: `\u001b[31msaid ${seq}` }))], seq);
  }
  await using ledger = await ProjectLedger.load(project.ledger);
  await ledger.sealed({ session_id, ...store.chain, last_seq: 5, why: 'ended' });
}

it('says of whole transcripts that they are, without a daemon', async () => {
  const all = await run(project, ['transcript', 'verify', '--all']);
  expect(all).toEqual({
    code: 0,
    stdout: `✓ ${OLD}: 5 entries, in order and whole\n✓ ${NEW}: 5 entries, in order and whole\n`,
    stderr: '',
  });
  const { stdout } = await run(project, ['transcript', 'verify', 'docs', '--json']);
  expect(JSON.parse(stdout)).toMatchObject([{ session_id: NEW, last_seq: 5, sealed_seq: 5, problems: [] }]);
});

it('exits with 1 and says where, when a line was edited', async () => {
  writeFileSync(place(OLD), readFileSync(place(OLD), 'utf8').replace('said 3', 'said nothing'));
  const found = await run(project, ['transcript', 'verify', OLD.slice(0, -3), 'docs']);
  expect(found.code).toBe(1);
  expect(found.stdout).toContain('between seq 1 and 5 a line is not what it was on');
  expect(found.stdout).toContain(`✓ ${NEW}`);
});

it('says what it cannot know', async () => {
  await using store = await TranscriptStore.open(place(NEW));
  await store.append([JSON.stringify(entryOf({ seq: 6 }))], 6);
  const { stderr, code } = await run(project, ['transcript', 'verify', 'docs']);
  expect([code, stderr]).toEqual([
    0,
    '  entries 6 to 6 came after the last recorded checksum: an edit of them could not be noticed\n',
  ]);
});

it.each([
  [['transcript', 'verify'], 2],
  [['transcript', 'verify', '--all', 'docs'], 2],
  [['transcript', 'verify', 'nobody'], 3],
  [['transcript', 'verify', 'docs-2030'], 2],
  [['transcript', 'export', 'docs'], 2],
  [['transcript', 'export', 'docs', '--format', 'pdf'], 2],
])('refuses %j', async (argv, code) => {
  expect((await run(project, argv)).code).toBe(code);
});

it('exports to standard output or a private file', async () => {
  const markdown = await run(project, ['transcript', 'export', 'docs', '--format', 'markdown']);
  expect(markdown.stdout).toContain('# Transcript of docs-20300102T000000Z-bbbb');
  expect(markdown.stdout).toContain('```text\n<U+001B>[31msaid 5\n```');
  const html = await run(project, ['transcript', 'export', OLD, '--format', 'html', '--output', 'old.html']);
  expect(html).toMatchObject({ code: 0, stdout: '' });
  const file = join(project.root, 'old.html');
  expect(readFileSync(file, 'utf8')).toContain('&lt;U+001B&gt;[31msaid 5</pre>');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
