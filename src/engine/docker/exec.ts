/** A command in a running container, run to its end. */
import type { CallOptions, Engine, ExecResult } from '../engine.js';
import { TextHead } from './bounded-text.js';
import type { Caller } from './call.js';
import { beginExec, execExitCode, prepareExec } from './exec-steps.js';
import { frameSplitter } from '../../contract/output-frames.js';
import { limitOf, withLimit } from './limit.js';

/** Output kept of each of standard output and error when the caller says nothing. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * Runs a command to its end; the deadline covers all of it. Standard output and error are each cut at `max_output_bytes` and read to the end
 * all the same. The engine has no way to end a command: one that outlives its deadline goes on until its container ends.
 */
export async function execInContainer(
  caller: Caller,
  id: string,
  request: Parameters<Engine['exec']>[1],
  options?: CallOptions,
): Promise<ExecResult> {
  const what = `run ${request.command[0] ?? 'a command'} in container ${id}`;
  return withLimit(caller.site(what), limitOf(options), async (signal) => {
    const limit = { deadline_ms: undefined, signal };
    const exec = await prepareExec(caller, id, request, {
      what,
      limit,
      tty: false,
      stdin: request.stdin !== undefined,
    });
    const socket = await beginExec(caller, exec, limit);
    const stdout = new TextHead(request.max_output_bytes ?? MAX_OUTPUT_BYTES);
    const stderr = new TextHead(request.max_output_bytes ?? MAX_OUTPUT_BYTES);
    const split = frameSplitter((kind, bytes) => (kind === 'stdout' ? stdout : stderr).push(bytes));
    try {
      if (request.stdin !== undefined) socket.end(request.stdin);
      for await (const chunk of caller.chunks(socket, what)) split(chunk);
    } finally {
      socket.destroy();
    }
    return {
      exit_code: await execExitCode(caller, exec, signal),
      stdout: stdout.text(),
      stderr: stderr.text(),
      ...(stdout.truncated || stderr.truncated ? { truncated: true } : {}),
    };
  });
}
