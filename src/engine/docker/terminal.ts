/** A command in a running container that somebody talks to: with a terminal, or through pipes. */
import type { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import { finished } from 'node:stream/promises';
import { FilareError } from '../../contract/errors.js';
import { ENGINE_CALL_MS } from '../engine.js';
import type { CallOptions, Engine, ExecPipes, ExecTerminal, ExecCommand } from '../engine.js';
import type { Caller } from './call.js';
import { beginExec, execExitCode, prepareExec, type PreparedExec } from './exec-steps.js';
import { limitOf, withLimit } from './limit.js';
import { idSegment } from './names.js';

/**
 * Opens the terminal. The deadline covers its start; the signal also ends the stream later on. Destroying the stream leaves the command without
 * its client, it does not end it: the engine cannot. `resize` fails with `not_found` or `bad_state` once the command is over.
 */
export async function terminalInContainer(
  caller: Caller,
  id: string,
  request: Parameters<Engine['terminal']>[1],
  options?: CallOptions,
): Promise<ExecTerminal> {
  const talk = await begin(caller, id, request, { what: `open a terminal in container ${id}`, tty: true }, options);
  const { exec, socket } = talk;
  const resize: ExecTerminal['resize'] = async ({ columns, rows }) =>
    caller.done({
      ...limitOf(undefined),
      what: `resize the terminal in container ${id}`,
      method: 'POST',
      path: `/exec/${idSegment(exec.id)}/resize`,
      query: { h: String(rows), w: String(columns) },
    });
  try {
    await resize(request);
  } catch (error) {
    // The command may be over before it could be resized: its output and exit code are still to be had.
    if (!(error instanceof FilareError) || error.code === 'engine_unavailable') {
      socket.destroy();
      throw error;
    }
  }
  return { stream: socket, resize, exitCode: () => exitCode(caller, talk) };
}

/** Runs the command without a terminal. Deadline, signal and destroying the stream: as for {@link terminalInContainer}. */
export async function pipesInContainer(
  caller: Caller,
  id: string,
  request: ExecCommand,
  options?: CallOptions,
): Promise<ExecPipes> {
  const what = `run ${request.command[0] ?? 'a command'} in container ${id}`;
  const talk = await begin(caller, id, request, { what, tty: false }, options);
  return { stream: talk.socket, exitCode: () => exitCode(caller, talk) };
}

interface Talk {
  readonly exec: PreparedExec;
  readonly socket: Socket;
}

async function begin(
  caller: Caller,
  id: string,
  request: ExecCommand,
  how: { readonly what: string; readonly tty: boolean },
  options: CallOptions | undefined,
): Promise<Talk> {
  const talk = await withLimit(caller.site(how.what), limitOf(options), async (signal) => {
    const limit = { deadline_ms: undefined, signal };
    const exec = await prepareExec(caller, id, request, { ...how, limit, stdin: true });
    return { exec, socket: await beginExec(caller, exec, limit) };
  });
  if (options?.signal) addAbortSignal(options.signal, talk.socket);
  // A stream nobody listens to must not end the process when the engine goes away; whoever reads it sees the error as well.
  talk.socket.on('error', () => undefined);
  return talk;
}

async function exitCode(caller: Caller, { exec, socket }: Talk): Promise<number> {
  await finished(socket, { writable: false }).catch(() => undefined);
  const site = caller.site(`ask for the exit code of ${exec.what}`);
  return withLimit(site, limitOf(undefined, ENGINE_CALL_MS), (signal) => execExitCode(caller, exec, signal));
}
