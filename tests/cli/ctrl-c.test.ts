import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { CliProcess, newProject, removeProject, until } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;

beforeEach(async () => {
  project = newProject('docs', 'judge', 'ui');
  daemon = await FakeDaemon.start(project);
});
afterEach(async () => {
  expect(daemon.complaints).toEqual([]);
  await daemon.close();
  removeProject(project);
});

const never = (): Promise<never> => new Promise(() => undefined);
const calls = (route: string): number => daemon.calls.filter((call) => call.route === route).length;

describe('Ctrl-C', () => {
  it('on stop says which sessions the daemon goes on stopping, and not those that were stopped', async () => {
    const done = daemon.addSession('docs');
    daemon.addSession('judge');
    daemon.on.stopSession = ({ params }) => (params['ref'] === 'docs' ? done : never());
    const cli = new CliProcess(project, ['stop', 'docs', 'judge']);
    await until(() => calls('stopSession') === 2);
    await new Promise((go) => setTimeout(go, 200));
    cli.child.kill('SIGINT');
    const { code, stderr } = await cli.ended;
    expect(code).toBe(130);
    expect(stderr).toBe(
      'no longer waiting: the daemon goes on stopping judge; what of the work is not brought home is said in filare-agents describe judge\n',
    );
  });

  it('on start says which agents go on and how to stop them, and not those that ran before', async () => {
    daemon.addSession('docs');
    daemon.on.startSessions = () => {
      const started_at = new Date().toISOString();
      daemon.addSession('judge', { phase: 'preparing', activity: null, started_at });
      daemon.addSession('ui', { phase: 'queued', activity: null, started_at });
      return never();
    };
    const cli = new CliProcess(project, ['start', '--all']);
    await until(() => calls('startSessions') === 1);
    cli.child.kill('SIGINT');
    const { code, stderr } = await cli.ended;
    expect(code).toBe(130);
    expect(stderr).toBe('no longer waiting: judge, ui go on; to stop: filare-agents stop judge ui\n');
  });
});
