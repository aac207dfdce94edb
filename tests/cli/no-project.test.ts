import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findExistingProject, findProject } from '../../src/client/find-project.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { CliProcess, newProject, removeProject, run } from './rig.js';

let folder: ProjectPaths;
beforeEach(() => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'filare-nowhere-')));
  folder = findProject({ project: root, cwd: root, env: {} });
});
afterEach(() => rmSync(folder.root, { recursive: true, force: true }));

const LOOKS = [
  'list',
  'list --all',
  'list --watch',
  'describe one',
  'tail one',
  'events',
  'usage',
  'dashboard --once',
  'feedback list',
  'feedback rules',
  'feedback watch',
  'diff one',
  'wait one --until idle',
  'transcript verify --all',
  'transcript export one --format markdown',
  'send one hello',
  'stop --all',
  'resume-all',
];

describe('in a folder that is no project', () => {
  it.each(LOOKS)('%s starts nothing, makes nothing, and says what to do', async (line) => {
    const { code, stdout, stderr } = await run(folder, line.split(' '));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`${folder.root} is no project, and neither is a folder above it`);
    expect(stderr).toContain('--project DIR');
    expect(readdirSync(folder.root)).toEqual([]);
  });

  it('is told as the one that was named', async () => {
    const elsewhere = newProject('one');
    for (const [argv, env] of [
      [['list', '--project', folder.root], {}],
      [['list'], { FILARE_PROJECT: folder.root }],
    ] as const) {
      const { code, stderr } = await run(elsewhere, argv, { env });
      expect(code).toBe(2);
      expect(stderr).toContain(`${folder.root} is no project: there is`);
    }
    removeProject(elsewhere);
    expect(readdirSync(folder.root)).toEqual([]);
  });
});

it('records of sessions make a project of a folder', async () => {
  mkdirSync(folder.outputs, { recursive: true });
  const { code, stderr } = await run(folder, ['transcript', 'verify', '--all']);
  expect({ code, stderr: stderr.trim() }).toEqual({ code: 0, stderr: `there is no session yet in ${folder.root}` });
});

it.each(['agents/manifest', '.filare', 'configs/agents'])('%s makes a project of a folder', (mark) => {
  mkdirSync(join(folder.root, mark), { recursive: true });
  expect(findExistingProject({ cwd: folder.root, env: {} }).root).toBe(folder.root);
});

it('a project begins in a fresh folder with start and a manifest from elsewhere', async () => {
  const elsewhere = newProject('one');
  const manifest = join(elsewhere.root, 'configs', 'agents', 'one.yml');
  const { code } = await new CliProcess(folder, ['start', manifest], { TEST_DAEMON: 'runs' }).ended;
  expect(code).toBe(0);
  const pid = Number(readFileSync(join(folder.root, 'daemon.pid'), 'utf8'));
  expect((await run(folder, ['daemon', 'stop'])).code).toBe(0);
  expect(pid).toBeGreaterThan(1);
  removeProject(elsewhere);
});

it('an empty list names the project', async () => {
  const project = newProject('one');
  const daemon = await FakeDaemon.start(project);
  expect((await run(project, ['list'])).stderr).toContain(`no session is running in ${project.root}: filare-agents up`);
  await daemon.close();
  removeProject(project);
});
