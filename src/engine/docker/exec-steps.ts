/** The three engine calls behind a command in a container: prepare it, begin it on a connection of its own, ask for its exit code. */
import type { ExecCommand } from '../engine.js';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Caller } from './call.js';
import type { Limit } from './limit.js';
import { idSegment } from './names.js';

/** A command that the engine knows of. */
export interface PreparedExec {
  readonly id: string;
  /** For messages. */
  readonly what: string;
  readonly tty: boolean;
}

const FIRST_POLL_MS = 10;
const LONGEST_POLL_MS = 250;

/** Tells the engine of the command; nothing runs yet. */
export async function prepareExec(
  caller: Caller,
  container: string,
  request: ExecCommand,
  how: { readonly what: string; readonly limit: Limit; readonly tty: boolean; readonly stdin: boolean },
): Promise<PreparedExec> {
  const answer = await caller.json(
    {
      ...how.limit,
      what: how.what,
      method: 'POST',
      path: `/containers/${idSegment(container)}/exec`,
      body: {
        AttachStdin: how.stdin,
        AttachStdout: true,
        AttachStderr: true,
        Tty: how.tty,
        Cmd: [...request.command],
        Privileged: false,
        ...(request.user === undefined ? {} : { User: request.user }),
        ...(request.working_dir === undefined ? {} : { WorkingDir: request.working_dir }),
        ...(request.env === undefined
          ? {}
          : { Env: Object.entries(request.env).map(([name, value]) => `${name}=${value}`) }),
      },
    },
    z.object({ Id: z.string() }),
  );
  return { id: answer.Id, what: how.what, tty: how.tty };
}

/** Runs it; the socket carries its standard streams, framed unless it has a terminal, and ends with them. The limit's signal destroys it. */
export async function beginExec(caller: Caller, exec: PreparedExec, limit: Limit): Promise<Socket> {
  return caller.upgrade({
    ...limit,
    what: exec.what,
    method: 'POST',
    path: `/exec/${idSegment(exec.id)}/start`,
    body: { Detach: false, Tty: exec.tty },
  });
}

const ExecAnswer = z.object({ Running: z.boolean(), ExitCode: z.number().nullish() });

/** Its exit code. Asked for again and again, because its streams may end before it does and the engine tells nobody. */
export async function execExitCode(caller: Caller, exec: PreparedExec, signal: AbortSignal): Promise<number> {
  const limit = { deadline_ms: undefined, signal };
  const path = `/exec/${idSegment(exec.id)}/json`;
  for (let pause_ms = FIRST_POLL_MS; ; pause_ms = Math.min(2 * pause_ms, LONGEST_POLL_MS)) {
    const answer = await caller.json({ ...limit, what: exec.what, method: 'GET', path }, ExecAnswer);
    if (!answer.Running && typeof answer.ExitCode === 'number') return answer.ExitCode;
    await delay(pause_ms, undefined, { signal });
  }
}
