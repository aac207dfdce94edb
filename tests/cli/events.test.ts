import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { CliProcess, newProject, removeProject, run } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;

beforeEach(async () => {
  project = newProject();
  daemon = await FakeDaemon.start(project);
});
afterEach(async () => {
  expect(daemon.complaints).toEqual([]);
  await daemon.close();
  removeProject(project);
});

function linesOf(text: string): unknown[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

it('prints the entries of all sessions, a line each, with their type', async () => {
  const a = daemon.addSession('a').session_id;
  const b = daemon.addSession('b').session_id;
  const first = daemon.say(a, { text: 'one', timestamp: '2020-01-01T00:00:00.000Z' });
  const second = daemon.say(b, { text: 'two', timestamp: '2020-01-01T00:00:01.000Z' });
  const { code, stdout, stderr } = await run(project, ['events']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(linesOf(stdout)).toEqual([
    { type: 'entry', ...first },
    { type: 'entry', ...second },
  ]);
  expect((await run(project, ['events', '--since', '1h'])).stdout).toBe('');
  expect(linesOf((await run(project, ['events', '--lines', '1', '--json'])).stdout)).toMatchObject([{ text: 'two' }]);
  expect((await run(project, ['events', 'nobody'])).code).toBe(3);
});

it('follows until Ctrl-C, which ends it as it ends tail', async () => {
  const a = daemon.addSession('a').session_id;
  daemon.say(a, { text: 'before' });
  const cli = new CliProcess(project, ['events', '--follow', '--lines', '0']);
  await cli.until('"type":"row"');
  daemon.say(a, { text: 'after' });
  await cli.until('after');
  const prompt = daemon.inbox.put({ prompt_id: 'p-1', session_id: a });
  await cli.until('"type":"prompt"');
  daemon.inbox.close('p-1', { outcome: 'withdrawn' });
  await cli.until('prompt_closed');
  cli.child.kill('SIGINT');
  const { code, stdout, stderr } = await cli.ended;
  expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
  expect(stdout).not.toContain('before');
  expect(linesOf(stdout)).toEqual([
    { type: 'row', row: daemon.rows(true)[0] },
    expect.objectContaining({ type: 'entry', text: 'after', seq: 2 }),
    { type: 'prompt', prompt },
    { type: 'prompt_closed', prompt_id: 'p-1' },
  ]);
});

it('ends quietly when nobody reads any more', async () => {
  const a = daemon.addSession('a').session_id;
  const cli = new CliProcess(project, ['events', '--follow']);
  await cli.until('"type":"row"');
  cli.child.stdout?.destroy();
  const more = setInterval(() => daemon.say(a, { text: 'more' }), 20);
  const { code, stderr } = await cli.ended;
  clearInterval(more);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
