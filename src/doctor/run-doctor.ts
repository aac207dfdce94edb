import type { ProjectPaths } from '../contract/project.js';
import { checked, type Check } from './check.js';
import { checkEngine, checkImage, checkMemory, connectEngine } from './engine-checks.js';
import { checkClock, checkDisk, checkGit, checkNode, checkProject, checkSocket } from './host-checks.js';

/** What doctor looks at. */
export interface DoctorOptions {
  readonly project: ProjectPaths;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Every check, in the order in which things are needed. Only Ctrl-C is thrown. */
export async function runDoctor({ project, env, signal }: DoctorOptions): Promise<Check[]> {
  const engine = await connectEngine(env, signal);
  const with_engine = engine.engine;
  return Promise.all([
    checked('node', 'install Node 20.19 or newer', () => Promise.resolve(checkNode()), signal),
    Promise.resolve(engine.check),
    ...(with_engine === undefined
      ? []
      : [checkEngine(with_engine, signal), checkImage(with_engine, signal), checkMemory(with_engine, signal)]),
    checked('git', 'install git', checkGit, signal),
    checked('project', 'choose a folder of your own with --project DIR', () => checkProject(project), signal),
    checked('disk', 'free some space', () => checkDisk(project), signal),
    checked('socket', 'remove the socket folder and try again', () => checkSocket(project), signal),
    checked('clock', 'set the clock', () => checkClock(project), signal),
  ]);
}
