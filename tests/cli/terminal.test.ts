import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { newProject, removeProject, run } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;

beforeEach(async () => {
  project = newProject();
  daemon = await FakeDaemon.start(project);
  daemon.addSession('docs');
});
afterEach(async () => {
  expect(daemon.complaints).toEqual([]);
  await daemon.close();
  removeProject(project);
});

describe('shell and login', () => {
  it.each(['shell', 'login'])(
    '%s carries what is typed, shows what comes, and exits as the program inside did',
    async (kind) => {
      daemon.terminalExit = 3;
      daemon.shell = (stream, query) => {
        stream.on('data', (typed: Buffer) => {
          const [keys = '', end] = typed.toString().split('\u0004');
          stream.write(keys);
          if (end !== undefined) stream.end(`${query.get('kind') ?? ''} ended\r\n`);
        });
      };
      const { code, stdout } = await run(project, [kind, 'docs'], { stdin: 'exit 3\n' });
      expect(code).toBe(3);
      expect(stdout).toBe(`exit 3\n${kind} ended\r\n`);
    },
  );

  it('of nobody is exit code 3', async () => {
    expect((await run(project, ['shell', 'nobody'])).code).toBe(3);
  });
});
