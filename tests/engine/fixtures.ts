/** Containers as tests ask for them: hardened like an agent's, small, labelled, and gone afterwards. */
import { randomUUID } from 'node:crypto';
import type { ContainerRequest } from '../../src/engine/engine.js';

/** An image with bash and coreutils that the engine under test has. */
export const TEST_IMAGE = 'debian:bookworm-slim';

/** The label that everything made by tests carries; its value is one test's own. */
export const PROJECT_LABEL = 'filare.project';

/** A value for {@link PROJECT_LABEL} that no other run has. */
export function uniqueProject(): string {
  return `test-${randomUUID().slice(0, 8)}`;
}

/** A container that sleeps, unless told otherwise. */
export function aContainer(project: string, changes: Partial<ContainerRequest> = {}): ContainerRequest {
  return {
    name: `filare-${project}-${randomUUID().slice(0, 8)}`,
    image: TEST_IMAGE,
    labels: { [PROJECT_LABEL]: project },
    user: '1000:1000',
    env: {},
    command: ['sleep', 'infinity'],
    working_dir: '/',
    binds: [],
    tmpfs: [],
    cpus: 1,
    memory_bytes: 128 * 1024 * 1024,
    pids: 64,
    network: { name: 'none' },
    extra_hosts: [],
    read_only_root: true,
    open_files: 512,
    hostname: 'agent',
    ...changes,
  };
}
