import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { suggestCommand } from '../../src/cli/commands/policy-suggest.js';
import { createContext } from '../../src/cli/context.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { NO, Past, YES } from '../inbox/transcripts.js';
import { newProject, removeProject, run } from './rig.js';

let project: ProjectPaths;
beforeEach(() => {
  project = newProject();
  writeFileSync(
    join(project.root, 'configs', 'agents', 'docs.yml'),
    'id: docs\nrole: DOCUMENTATION\nescalation:\n  rules:\n    - { when: { category: git_push }, do: reject }\n    - { when: { command: npm test }, do: approve }\n',
  );
});
afterEach(() => removeProject(project));

function write(name: string, content: string | Buffer): void {
  const folder = join(project.outputs, 'DOCUMENTATION', 's-1');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), content);
}

const lines = (past: Past): string => past.entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

test('judges the past again: packed and damaged transcripts too', async () => {
  write('transcript-000001.jsonl.gz', gzipSync(lines(new Past().asked('git push', YES))));
  write('transcript-000002.jsonl.gz', gzipSync(lines(new Past().asked('ls', YES))).subarray(0, 40));
  const past = new Past().asked('npm test', YES).asked('ls', undefined);
  for (const entry of past.entries) entry.session_id = 's-2';
  write('transcript.jsonl', `${lines(past)}{"kind":"prompt", torn\n{"kind":"decision"`);
  const { code, stdout, stderr } = await run(project, ['policy', 'test']);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain('2 lines of transcripts could not be read');
  expect(stderr).toContain('3 approvals: 1 would be approved, 1 asked about, 1 rejected; 1 differ');
  expect(stdout.split('\n').map((line) => line.replaceAll(/ +/g, ' ').trimEnd())).toEqual([
    ' WOULD WAS AGENT RULE ASKED',
    '≠ reject accept by operator docs escalation.rules[0] (git_push) git push',
    ' approve accept by operator docs escalation.rules[1] (npm test) npm test',
    ' ask nothing docs none ls',
    '',
  ]);
});

test('as JSON, since a moment, by another manifest', async () => {
  write('transcript.jsonl', lines(new Past().asked('npm test', NO).asked('npm test', NO)));
  writeFileSync(join(project.root, 'draft.yml'), 'id: docs\nrole: UI\nescalation: { approvals: approve }\n');
  const { code, stdout } = await run(project, [
    'policy',
    'test',
    '--manifest',
    'draft.yml',
    '--since',
    '2026-07-01T02:30:00Z',
    '--json',
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    approvals: [{ would: 'approve', was: { choice: 'decline', by: 'operator' }, differs: true }],
    totals: { approve: 1, differ: 1 },
    damaged_lines: 0,
  });
});

test('nothing of the past is no failure', async () => {
  const { code, stderr } = await run(project, ['policy', 'test']);
  expect({ code, stderr: stderr.trim() }).toEqual({ code: 0, stderr: 'no approval was asked for' });
});

test('explains a command: what is in it, why it is not plain, what each agent would hear', async () => {
  const { code, stdout } = await run(project, ['policy', 'explain', 'cd x && git push "$HOME/y"']);
  expect(code).toBe(0);
  const said = stdout.split('\n').map((line) => line.replaceAll(/ +/g, ' ').trimEnd());
  expect(said).toEqual([
    'commands cd x',
    " git push '~/y'",
    'plain no: it is 2 commands',
    'categories git_push, network, outside_workspace',
    'docs reject escalation.rules[0] (git_push)',
    '',
  ]);
});

test('explains several words as one command, and as JSON', async () => {
  const { stdout } = await run(project, ['policy', 'explain', '--agent', 'docs', '--json', '--', 'npm', 'test']);
  expect(JSON.parse(stdout)).toMatchObject({
    script: 'npm test',
    cwd: '/home/agent/workspace',
    plain: ['npm', 'test'],
    categories: [],
    verdicts: [{ id: 'docs', do: 'approve', rule: 'escalation.rules[1] (npm test)', offer: { command: 'npm test' } }],
  });
  const outside = await run(project, ['policy', 'explain', '--cwd', '/etc', 'npm test', '--json']);
  expect(JSON.parse(outside.stdout)).toMatchObject({ categories: ['outside_workspace'], verdicts: [{ do: 'ask' }] });
  expect((await run(project, ['policy', 'explain', '--agent', 'nobody', 'ls'])).code).toBe(3);
});

test('explains what is hostile without being obeyed', async () => {
  const { stdout } = await run(project, ['policy', 'explain', 'ls\u001b[2J\u202e']);
  expect(stdout).not.toContain('\u001b[2J');
  expect(stdout).toContain('hidden character U+001B');
});

test('suggests rules of the answers in transcripts', async () => {
  write('transcript.jsonl', lines(new Past().asked('make', YES).asked('make', YES).asked('make', YES)));
  const chunks: string[] = [];
  const { stdout } = await suggest(chunks);
  expect(stdout).toContain('- when: { command: make }');
});

async function suggest(chunks: string[]): Promise<{ stdout: string }> {
  const { PassThrough, Readable } = await import('node:stream');
  const stdout = new PassThrough();
  stdout.on('data', (chunk: Buffer) => chunks.push(chunk.toString('utf8')));
  const ambient = {
    stdin: Readable.from([]),
    stdout,
    stderr: new PassThrough(),
    env: { HOME: project.root },
    cwd: project.root,
    now_ms: () => Date.UTC(2026, 7, 1),
  };
  const context = createContext(ambient, {});
  await suggestCommand(context).parseAsync([], { from: 'user' });
  context.interrupts.release();
  return { stdout: chunks.join('') };
}
