import { join } from 'node:path';
import { FilareError } from '../../contract/errors.js';
import type { ContainerRequest } from '../../engine/engine.js';
import { booked, closeContainer } from '../../session/booking.js';
import { helperRequest } from '../../session/helper-request.js';
import { LABEL } from '../../session/labels.js';
import { removeContainer } from '../../session/remove-container.js';
import type { Staging } from '../../workspace/seed-staging.js';
import { diskFull, saysDiskFull } from '../../workspace/system-error.js';
import { removeOfPurpose } from '../../session/remove-of-purpose.js';
import type { FleetSurroundings } from '../surroundings.js';
import { THREADS } from './place-fork.js';

/** What is copied, and where to. */
export interface CopyJob {
  readonly session_id: string;
  readonly image: string;
  readonly workspace: string;
  readonly codex_home: string;
  /** Null: no thread is copied. */
  readonly thread_id: string | null;
  /** Made at the commit that is checked out, and checked out in the copy. */
  readonly branch: string;
  readonly staging: Staging;
  readonly signal: AbortSignal;
}

/** Longest copy, in milliseconds. */
const COPY_MS = 10 * 60_000;
const SAID_BYTES = 4096;
const MEMORY_BYTES = 512 * 2 ** 20;

/**
 * The whole of it, in the container. Links are copied as links. Of git only what moves a name runs, without hooks. Codex keeps a fork as the turns that it
 * adds, on top of its ancestors' files, so all of them come along; 64 is more than anybody forks. Nothing starts meanwhile, so what a pipe in a file's
 * place would make wait for ever ends soon.
 */
const SCRIPT = String.raw`
set -u
fail() { printf 'filare-fork: %s\n' "$1" >&2; exit 1; }
cp -a --reflink=auto /from/workspace/. /to/workspace/ || fail 'the workspace could not be copied'
cd /to/workspace || fail 'the copy cannot be entered'
if [[ -d .git && ! -L .git ]]; then
  in_copy() { timeout 10 git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c safe.directory='*' "$@"; }
  if head=$(in_copy rev-parse -q --verify 'HEAD^{commit}'); then
    in_copy update-ref "refs/heads/$1" "$head" "$(printf '%s' "$head" | tr 0-9a-f 0)" || fail "the branch $1 exists in the workspace already"
  fi
  in_copy symbolic-ref HEAD "refs/heads/$1" || fail "the copy cannot be put on the branch $1"
fi
thread=$2
for ((kept = 0; kept < 64; kept++)); do
  [[ -n $thread ]] || exit 0
  [[ $thread =~ ^[0-9a-f-]{36}$ ]] || fail 'its record names a thread that is none'
  file=$(find /from/codex/sessions -type f -name "rollout-*-$thread.jsonl" -print -quit 2>/dev/null)
  [[ -n $file ]] || fail "the Codex home has no record of thread $thread"
  timeout 120 cp --reflink=auto "$file" /to/threads/ || fail 'the record of the thread could not be copied'
  thread=$(timeout 20 head -n 1 "$file" | sed -n 's/.*"forked_from_id":"\([0-9a-f-]*\)".*/\1/p')
done
fail 'it was forked too often'
`;

/** Copies workspace and thread of a session into a staging folder, in a container without network that ends with the copy. `bad_state` with what it said when it fails. */
export async function copySource(around: FleetSurroundings, job: CopyJob): Promise<void> {
  const request = copyRequest(around, job);
  const detail = { request: request.labels[LABEL.request] };
  let id: string | undefined;
  try {
    const made = await booked(around.resources, { kind: 'container', name: request.name, detail }, () =>
      around.engine.create(request),
    );
    id = made.id;
    await around.engine.start(id, { signal: job.signal });
    const { exit_code } = await around.engine.wait(id, { signal: job.signal, deadline_ms: COPY_MS });
    if (exit_code !== 0) throw failureOf(await around.engine.logs(id, SAID_BYTES), job);
  } finally {
    if (id === undefined)
      await removeCopiers(around, request.name).catch((failure: unknown) => {
        around.log.warn(
          { container: request.name, err: failure },
          'it is not known whether it was made; the next daemon looks',
        );
      });
    else await removeContainer(around, { id, name: request.name });
  }
}

/** Removes containers that copied for a fork: those of a daemon that died, or the one whose making nobody answered for. */
export async function removeCopiers(around: FleetSurroundings, name?: string): Promise<void> {
  await removeOfPurpose(around, 'fork', { name });
  if (name !== undefined) await closeContainer(around.resources, name, 'not made');
}

function copyRequest(around: FleetSurroundings, job: CopyJob): ContainerRequest {
  return helperRequest(around, {
    name: `filare-${job.session_id}-fork`,
    image: job.image,
    purpose: 'fork',
    env: { LANG: 'C.UTF-8', HOME: '/tmp' },
    entrypoint: ['/usr/bin/tini', '-g', '--', '/bin/bash', '-p', '-c', SCRIPT, 'filare-fork'],
    command: [job.branch, job.thread_id ?? ''],
    working_dir: '/',
    binds: [
      { source: job.workspace, target: '/from/workspace', read_only: true },
      ...(job.thread_id === null ? [] : [{ source: job.codex_home, target: '/from/codex', read_only: true }]),
      { source: job.staging.tree, target: '/to/workspace', read_only: false },
      { source: join(job.staging.scratch, THREADS), target: '/to/threads', read_only: false },
    ],
    tmpfs: [{ target: '/tmp', options: 'rw,noexec,nosuid,nodev,size=16m,mode=1777' }],
    memory_bytes: MEMORY_BYTES,
  });
}

function failureOf(said: string, job: CopyJob): FilareError {
  if (saysDiskFull(said)) return diskFull(job.staging.path);
  const last = said.trim().split('\n').slice(-3).join(' | ');
  return new FilareError({
    code: 'bad_state',
    message: `it could not be forked: ${last === '' ? 'the copy ended without a word' : last}`,
    details: { said },
  });
}
