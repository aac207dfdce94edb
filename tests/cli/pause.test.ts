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
  daemon.addSession('judge');
});
afterEach(async () => {
  expect(daemon.complaints).toEqual([]);
  await daemon.close();
  removeProject(project);
});

describe('pause and resume', () => {
  it('hold sessions and let them go on', async () => {
    expect((await run(project, ['pause', '--all'])).stdout).toBe('docs running, paused\njudge running, paused\n');
    expect((await run(project, ['resume', 'docs'])).stdout).toBe('docs running, idle\n');
    expect(daemon.rows(false).map(({ activity }) => activity)).toEqual(['idle', 'paused']);
  });

  it('with a question put it in the inbox, as it was given', async () => {
    const argv = ['pause', 'docs', '--ask', 'Ship it?', '--choice', 'yes', '--choice', 'no', '--suggest', 'no'];
    expect((await run(project, [...argv, '--severity', 'critical', '--interrupt'])).code).toBe(0);
    expect(daemon.calls.at(-1)).toMatchObject({
      route: 'pauseSession',
      body: {
        ask: { question: 'Ship it?', choices: ['yes', 'no'], suggested_reply: 'no', severity: 'critical' },
        interrupt: true,
        by: 'operator',
      },
    });
    expect((await run(project, ['feedback', 'answer', 'p-pause', '--suggested'])).code).toBe(0);
  });

  it('read the question from standard input', async () => {
    await run(project, ['pause', 'docs', '--ask', '-'], { stdin: 'Why?\n' });
    expect(daemon.inbox.open()).toMatchObject([{ summary: 'Why?' }]);
    await run(project, ['resume', 'docs']);
    expect(daemon.inbox.show('p-pause-docs').decision).toMatchObject({ outcome: 'superseded', by: 'operator' });
  });

  it('of one that is not there keeps no other from it', async () => {
    const { code, stdout, stderr } = await run(project, ['pause', 'nobody', 'docs', '--json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject([{ id: 'docs', activity: 'paused' }]);
    expect(JSON.parse(stderr)).toMatchObject({ error: { details: { failed: [{ ref: 'nobody' }] } } });
  });
});
