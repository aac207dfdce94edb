import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import pino from 'pino';
import { projectPaths } from '../../src/contract/project.js';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import type { HomecomingSurroundings } from '../../src/homecoming/homecoming.js';
import { ProjectLedger } from '../../src/ledger/project-ledger.js';
import { containerUser } from '../../src/workspace/container-user.js';

/** What bringing work home stands on, without a daemon: the real engine, and a book of its own in the project at `root`. Close `resources`. */
export async function homecomingWorld(
  root: string,
): Promise<HomecomingSurroundings & { readonly resources: ProjectLedger }> {
  const paths = projectPaths(root, tmpdir());
  await mkdir(paths.workspaces, { recursive: true });
  return {
    engine: await DockerEngine.connect(process.env),
    paths,
    resources: await ProjectLedger.load(paths.ledger),
    instance: 'test',
    user: containerUser(),
    caller_uid: process.geteuid?.() ?? 0,
    log: pino({ level: 'silent' }),
    random: (characters) => Math.random().toString(36).slice(2).padEnd(characters, 'x').slice(0, characters),
  };
}
