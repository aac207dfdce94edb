import { z } from 'zod';
import { cpusField, count, HOST_AND_PORT, line, path, sizeField } from './field-formats.js';

const MIB = 1024 * 1024;
/** Codex took 45 to 110 MiB for a turn, measured; the commands of the agent come on top. */
const MIN_MEMORY_BYTES = 128 * MIB;
const MIN_PIDS = 128;

/** The field `workspace` as a mapping. */
export const workspaceFields = z.strictObject({
  path: path()
    .optional()
    .meta({ description: 'The folder the agent works in. Default: .filare/workspaces/<id>.', expected: 'a path' }),
  template: path()
    .optional()
    .meta({ description: 'A folder that an empty or missing workspace is copied from.', expected: 'a path' }),
  repo: line().optional().meta({
    description: 'A repository that an empty or missing workspace is cloned from: a path or an address.',
    expected: 'a path, https://…, ssh://… or user@host:path',
  }),
  ref: line()
    .optional()
    .meta({ description: 'The branch, tag or commit of `repo` to begin from.', expected: 'a branch, tag or commit' }),
  sync: z.enum(['on-stop', 'never']).optional().meta({
    description: "Whether the agent's branch is brought into your repository when the session ends.",
    default: 'never',
    expected: 'on-stop or never',
  }),
  keep: z.enum(['always', 'on-failure', 'never']).optional().meta({
    description:
      'Whether the workspace stays when the session ends. One under .filare/workspaces is deleted otherwise, unless work in it was not brought home.',
    default: 'always',
    expected: 'always, on-failure or never',
  }),
});

/** The field `mounts`, one entry of it. */
export const mountFields = z.strictObject({
  source: path().meta({
    description: 'An existing file or folder of this machine; links are followed first.',
    expected: 'a path',
  }),
  target: path().meta({
    description: 'Where the agent sees it; it may cover nothing that the container needs.',
    expected: 'an absolute path in the container, like /data',
  }),
  read_only: z
    .boolean()
    .optional()
    .meta({ description: 'Whether the agent may only read it.', default: false, expected: 'true or false' }),
});

/** The field `resources`. */
export const resourcesFields = z.strictObject({
  cpus: cpusField()
    .optional()
    .meta({
      description: 'Processors, in whole or in part.',
      examples: [2, 0.5],
      default: 2,
      expected: 'a number like 2 or 0.5',
    }),
  memory: sizeField(MIN_MEMORY_BYTES, 'Codex needs (128m)')
    .optional()
    .meta({
      description: 'Memory, at least 128m; swap is off.',
      examples: ['4g', '512m'],
      default: '4g',
      expected: 'a size like 4g or 512m, or a number of bytes',
    }),
  pids: count(MIN_PIDS).optional().meta({
    description: 'Processes and threads, at least 128.',
    default: 512,
    expected: 'a whole number, 128 or more',
  }),
  disk: sizeField(MIB, 'a megabyte')
    .optional()
    .meta({
      description: 'Disk space. Known, but cannot be enforced yet, and therefore refused.',
      examples: ['20g'],
      expected: 'a size like 20g',
    }),
});

/** The field `network`. */
export const networkFields = z.union([
  z.enum(['open', 'none']),
  z.strictObject({
    allow: z.array(z.string().regex(HOST_AND_PORT).meta({ expected: 'host or host:port, like github.com:443' })).meta({
      description: 'Hosts that may be reached. Known, but cannot be enforced yet, and therefore refused.',
      expected: 'a list of host or host:port',
    }),
  }),
]);
