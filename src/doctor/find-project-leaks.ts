import type { ProjectPaths } from '../contract/project.js';
import { cacheRoot } from '../image/npm-pack.js';
import { findLeaks, type LeakReport } from '../leaks/find-leaks.js';
import { connectEngine } from './engine-checks.js';

/** What `doctor --leaks` looks at. */
export interface LeakCheckOptions {
  readonly project: ProjectPaths;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** Everything of the project that is not as its book says; needs no daemon and starts none. */
export async function findProjectLeaks({ project, env, signal }: LeakCheckOptions): Promise<LeakReport> {
  const { engine } = await connectEngine(env, signal);
  return findLeaks({ paths: project, uid: process.getuid?.() ?? 0, engine, cache: cacheRoot(env), signal });
}
