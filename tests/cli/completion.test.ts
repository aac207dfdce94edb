import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { newProject, removeProject, run, TSX } from './rig.js';

let project: ProjectPaths;
beforeEach(() => {
  project = newProject();
});
afterEach(() => removeProject(project));

async function complete(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await run(project, ['__complete', ...words]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']));
}

describe('completion', () => {
  it('knows every command, and their subcommands and options', async () => {
    expect(await complete('')).toEqual(COMMANDS.map(({ name }) => name));
    expect(await complete('st')).toEqual(['start', 'stop']);
    expect(await complete('image', '')).toEqual(['build', 'status']);
    expect(await complete('image', 'build', '--f')).toEqual(['--force']);
    expect(await complete('send', 'docs', '--st')).toEqual(['--steer']);
    expect(await complete('wait', 'docs', '--until', 'w')).toEqual(['waiting']);
    // What only the program itself says to itself is not offered.
    expect(await complete('tmux', '--s')).toEqual(['--session', '--socket']);
    expect(await complete('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  it('knows the agents that live and the prompts that are open, and is silent where no daemon runs', async () => {
    expect(await complete('tail', '')).toEqual([]);
    const daemon = await FakeDaemon.start(project);
    daemon.addSession('docs');
    daemon.addSession('judge');
    daemon.inbox.put({ prompt_id: 'p-1' });
    daemon.inbox.put({ prompt_id: 'p-2', kind: 'question' });
    const { rule_id } = daemon.inbox.addRule({});
    expect(await complete('tail', '')).toEqual(['docs', 'judge']);
    expect(await complete('--project', project.root, 'send', 'j')).toEqual(['judge']);
    expect(await complete('feedback', 'approve', '')).toEqual(['p-1']);
    expect(await complete('feedback', 'reject', 'p-1', '')).toEqual(['p-1']);
    expect(await complete('feedback', 'answer', '')).toEqual(['p-2']);
    expect(await complete('feedback', 'show', '')).toEqual(['p-1', 'p-2']);
    expect(await complete('feedback', 'forget', '')).toEqual([rule_id]);
    expect(await complete('feedback', 'approve', '--agent', 'j')).toEqual(['judge']);
    expect(await complete('feedback', 'approve', '--match', '')).toEqual([]);
    expect(await complete('feedback', 'list', '')).toEqual(['docs', 'judge']);
    expect(await complete('pause', 'docs', '--severity', 'c')).toEqual(['critical']);
    expect(await complete('events', '--follow', 'd')).toEqual(['docs']);
    await daemon.close();
  });

  it('knows the agents of the manifests for start, also where one is wrong', async () => {
    writeFileSync(join(project.root, 'configs/agents/a.yml'), 'sessions: [{ id: docs }, { id: judge, rol: X }]\n');
    writeFileSync(join(project.root, 'configs/agents/b.yml'), 'id: [\n');
    writeFileSync(join(project.root, 'configs/agents/c.yml'), 'id: doctor\nrole: UI\n');
    expect(await complete('start', '--session', '')).toEqual(['docs', 'judge', 'doctor']);
    expect(await complete('start', '--session', 'doc')).toEqual(['docs', 'doctor']);
    expect(await complete('up', '--progress', '')).toEqual(['auto', 'plain', 'json', 'quiet']);
    expect(existsSync(project.state)).toBe(false);
  });

  it('knows the agents whose sessions have ended where the past is asked for, each once, with a daemon or without', async () => {
    const record = join(project.outputs, 'UI', 'old-20300101T000000Z-abcd');
    mkdirSync(record, { recursive: true });
    expect(await complete('tail', '')).toEqual(['old']);
    expect(await complete('transcript', 'export', '')).toEqual(['old']);
    expect(await complete('send', '')).toEqual([]);
    expect(existsSync(project.state)).toBe(false);
    const daemon = await FakeDaemon.start(project);
    daemon.addSession('docs', { phase: 'stopped', activity: null, ended_at: '2030-01-01T00:00:00Z' });
    daemon.addSession('docs', { phase: 'stopped', activity: null, ended_at: '2030-01-01T00:00:00Z' });
    daemon.addSession('judge');
    for (const words of [['tail'], ['describe'], ['diff'], ['sync'], ['fork'], ['transcript', 'verify']])
      expect((await complete(...words, '')).sort()).toEqual(['docs', 'judge']);
    expect(await complete('send', '')).toEqual(['judge']);
    await daemon.close();
  });

  it('works in a real bash', async () => {
    const daemon = await FakeDaemon.start(project);
    daemon.addSession('docs');
    const program = fileURLToPath(new URL('./cli-from-source.ts', import.meta.url));
    const bin = join(project.root, 'filare-agents');
    writeFileSync(bin, `#!/bin/sh\nexec '${process.execPath}' --import '${TSX}' '${program}' "$@"\n`);
    chmodSync(bin, 0o755);
    const { stdout: script } = await run(project, ['completion', 'bash']);
    writeFileSync(join(project.root, 'completion.bash'), script);
    const ask = (words: string): Promise<string> =>
      import('node:util').then(async ({ promisify }) => {
        const { execFile } = await import('node:child_process');
        const line = `set -eu; source completion.bash; COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _filare_agents; printf '%s\\n' "\${COMPREPLY[@]}"`;
        const { stdout } = await promisify(execFile)('bash', ['--norc', '--noprofile', '-c', line], {
          cwd: project.root,
          env: { PATH: process.env['PATH'] },
        });
        return stdout;
      });
    expect(await ask(`${bin} stat`)).toBe('\n');
    expect(await ask(`${bin} des`)).toBe('describe\n');
    expect(await ask(`${bin} describe d`)).toBe('docs\n');
    await daemon.close();
  });

  it.each(['bash', 'zsh', 'fish'])('for %s parses, where that shell is there', async (shell) => {
    const { code, stdout } = await run(project, ['completion', shell]);
    expect(code).toBe(0);
    writeFileSync(join(project.root, 'script'), stdout);
    try {
      execFileSync(shell, ['-n', join(project.root, 'script')]);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      console.log(`skipped: ${shell} is not installed`);
    }
  });
});
