import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.js';
import { createContext } from '../../src/cli/context.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { newProject, removeProject, run } from './rig.js';

let project: ProjectPaths;
beforeEach(() => {
  project = newProject();
});
afterEach(() => removeProject(project));

async function everyCommand(): Promise<string[][]> {
  const context = createContext(
    {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      env: {},
      cwd: project.root,
      now_ms: Date.now,
    },
    {},
  );
  context.interrupts.release();
  const paths: string[][] = [];
  for (const entry of COMMANDS) {
    const command = (await entry.load())(context);
    expect(command.name()).toBe(entry.name);
    paths.push([entry.name], ...command.commands.map((child) => [entry.name, child.name()]));
  }
  return paths;
}

describe('help', () => {
  it('of every command begins with an example of that command', async () => {
    for (const path of await everyCommand()) {
      const { code, stdout, stderr } = await run(project, [...path, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const [first, example] = stdout.split('\n');
      expect(first).toBe('Examples:');
      expect(example).toContain(path.join(' '));
      expect(stdout).toContain(`Usage: filare-agents ${path.join(' ')}`);
      expect(stdout).toContain('--json');
    }
  });

  it('is one document with --json, however it is asked for', async () => {
    for (const argv of [
      ['help', 'send', '--json'],
      ['send', '--help', '--json'],
      ['--json', 'feedback', 'list', '-h'],
      ['--help', '--json'],
    ]) {
      const { code, stdout } = await run(project, argv);
      const words = argv.filter((word) => !word.startsWith('-') && word !== 'help').join(' ');
      expect({ code, page: JSON.parse(stdout) as unknown }).toEqual({
        code: 0,
        page: {
          topic: words,
          title: expect.stringMatching(/^[A-Z].*\.$/) as unknown,
          text: expect.stringMatching(`^Examples:\n(.|\n)*Usage: filare-agents ${words}`) as unknown,
        },
      });
    }
  });

  it('of the program lists every command in its group, and the examples first', async () => {
    const { stdout } = await run(project, []);
    expect(stdout.startsWith('Examples:\n')).toBe(true);
    for (const { name, group, summary } of COMMANDS) {
      const block = stdout.slice(stdout.indexOf(`${group}:`)).split('\n\n')[0];
      expect(block).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
      expect(stdout).toContain(summary);
    }
    expect((await run(project, ['--help'])).stdout).toBe(stdout);
  });

  it('of `help COMMAND` is that of `COMMAND --help`', async () => {
    expect((await run(project, ['help', 'send'])).stdout).toBe((await run(project, ['send', '--help'])).stdout);
  });

  it('starts no daemon, and the version is one line', async () => {
    expect((await run(project, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await run(project, ['daemon', 'status'])).stdout).toContain('no daemon runs');
  });
});
