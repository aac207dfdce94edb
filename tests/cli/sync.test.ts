import { afterEach, beforeEach, expect, it } from 'vitest';
import { FilareError } from '../../src/contract/errors.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { CliProcess, newProject, removeProject, run, until } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;
/** What the daemon is to say of an agent, in place of success. */
let refusals: Map<string, FilareError>;
let waits: string | null;

beforeEach(async () => {
  project = newProject();
  daemon = await FakeDaemon.start(project);
  refusals = new Map();
  waits = null;
  daemon.on.syncSession = async ({ params }) => {
    const row = [...daemon.sessions.values()]
      .map((session) => session.row)
      .find((one) => one.session_id === params['ref']);
    const { id, session_id } = row ?? { id: '', session_id: '' };
    const refusal = refusals.get(id);
    if (refusal !== undefined) throw refusal;
    // Longer than anybody waits here.
    if (id === waits) await new Promise((settle) => setTimeout(settle, 20_000).unref());
    return {
      ...{ session_id, id, outcome: 'brought', repo: '/repo', into: `agents/${id}`, commit: 'c'.repeat(40) },
      ...{ before: null, commits: 1, made_commit: null, uncommitted: ['draft.md'], patches: [], notes: ['a note'] },
    };
  };
});
afterEach(async () => {
  await daemon.close();
  removeProject(project);
});

it('of several: each failure names its agent and what to try, and so does what was left behind', async () => {
  for (const id of ['docs', 'api', 'ui']) daemon.addSession(id);
  const refuse = (id: string, hint?: string): unknown =>
    refusals.set(
      id,
      new FilareError({ code: 'conflict', message: `not ${id}`, ...(hint === undefined ? {} : { hint }) }),
    );
  refuse('api', 'sync api --force');
  refuse('ui', 'sync ui --into b');
  const ran = await run(project, ['sync', '--all']);
  expect(ran.code).toBe(4);
  expect(ran.stdout).toMatch(/^docs: 1 commit into agents\/docs/);
  expect(ran.stderr).toBe(
    [
      '  docs: a note',
      '  docs: left behind, for it is in no commit: draft.md (--commit brings it too)',
      'error: cannot sync 2 of 3:',
      '  api: not api',
      '    try: sync api --force',
      '  ui: not ui',
      '    try: sync ui --into b',
      '',
    ].join('\n'),
  );
  // What is the same for all is said once.
  refuse('api', 'free some space');
  refuse('ui', 'free some space');
  expect((await run(project, ['sync', '--all'])).stderr).toMatch(
    /of 3:\n {2}api: not api\n {2}ui: not ui\n {2}try: free some space\n$/,
  );
});

it('of several: Ctrl-C ends with 130, whatever was refused before it, and that is told', async () => {
  for (const id of ['api', 'docs']) daemon.addSession(id);
  refusals.set('api', new FilareError({ code: 'conflict', message: 'not api', hint: 'sync api --force' }));
  waits = 'docs';
  for (const [more, told] of [
    [[], /^api: not api\n {2}try: sync api --force\n$/],
    [['--json'], /^\{"error":\{"code":"interrupted",.*"signal_number":2,.*not api/],
  ] as const) {
    const before = daemon.calls.length;
    const cli = new CliProcess(project, ['sync', '--all', ...more]);
    const asked = (): number => daemon.calls.slice(before).filter(({ route }) => route === 'syncSession').length;
    await until(() => asked() === 2);
    await new Promise((settle) => setTimeout(settle, 300));
    cli.child.kill('SIGINT');
    const ran = await cli.ended;
    expect(ran.code, ran.stderr).toBe(130);
    expect(ran.stderr).toMatch(told);
  }
});
