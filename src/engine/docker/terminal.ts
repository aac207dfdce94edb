/** A command in a running container with a terminal. */
import { addAbortSignal } from 'node:stream';
import { finished } from 'node:stream/promises';
import { FilareError } from '../../contract/errors.js';
import { ENGINE_CALL_MS } from '../engine.js';
import type { CallOptions, Engine, ExecTerminal } from '../engine.js';
import type { Caller } from './call.js';
import { beginExec, execExitCode, prepareExec } from './exec-steps.js';
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
  const what = `open a terminal in container ${id}`;
  const { exec, socket } = await withLimit(caller.site(what), limitOf(options), async (signal) => {
    const limit = { deadline_ms: undefined, signal };
    const exec = await prepareExec(caller, id, request, { what, limit, tty: true, stdin: true });
    return { exec, socket: await beginExec(caller, exec, limit) };
  });
  if (options?.signal) addAbortSignal(options.signal, socket);
  // A stream nobody listens to must not end the process when the engine goes away; whoever reads it sees the error as well.
  socket.on('error', () => undefined);

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
  return {
    stream: socket,
    resize,
    exitCode: async () => {
      await finished(socket, { writable: false }).catch(() => undefined);
      return withLimit(caller.site(`ask for the exit code of ${what}`), limitOf(undefined, ENGINE_CALL_MS), (signal) =>
        execExitCode(caller, exec, signal),
      );
    },
  };
}
