import type { Duplex } from 'node:stream';
import { DaemonUnreachable } from '../client/http-request.js';
import type { TerminalKind } from '../client/terminal.js';
import { finished } from 'node:stream/promises';
import { FilareError } from '../contract/errors.js';
import type { CliContext } from './context.js';
import { hasTerminal, joinPipes } from './join-pipes.js';

/** What ends the input of a terminal: Ctrl-D. */
const END_OF_INPUT = '\u0004';

/** What Codex's interface may have switched on in a terminal, off: its second screen, pasted text in brackets, mouse, focus, keys, and the cursor hidden. */
const GIVE_BACK =
  '\u001b[<u\u001b[>4;0m\u001b[?2026l\u001b[?2004l\u001b[?1006l\u001b[?1003l\u001b[?1002l\u001b[?1000l\u001b[?1004l\u001b[?7h\u001b[?25h\u001b[0m\u001b[?47l\r\n';

/** Connects this terminal with one in a container until the program there ends; its exit code becomes ours. Without a terminal here, there is none there. */
export async function runTerminal(
  context: CliContext,
  ref: string,
  kind: TerminalKind,
  command?: readonly string[],
): Promise<void> {
  if (context.globals.json === true) {
    throw new FilareError({ code: 'usage', message: `${kind} is for people; it has no --json` });
  }
  await using fleet = await context.openFleet();
  const is_piped = kind !== 'attach' && !hasTerminal(context);
  try {
    if (is_piped) {
      await joinPipes(context, await fleet.pipes(ref, kind, { command }));
      return;
    }
    const terminal = await fleet.terminal(ref, kind, { ...context.out.size, command });
    // From here Ctrl-C is a key of the program inside, not ours.
    if (context.stdin.isTTY === true) context.interrupts.release();
    await joinTerminal(context, terminal).catch((failure: unknown) => {
      // It was cut off and could not give the terminal back itself.
      if (!context.interrupts.signal.aborted) context.out.write(GIVE_BACK);
      throw failure;
    });
  } catch (failure) {
    if (context.interrupts.signal.aborted || !isCutOff(failure)) throw failure;
    throw new FilareError({
      code: 'bad_state',
      message: `the daemon ended, and this ${is_piped ? 'connection' : 'terminal'} with it; ${ref} goes on`,
      hint: `filare-agents ${kind} ${ref}`,
      cause: failure,
    });
  }
}

/** Nobody but the daemon is at the other end of its socket. */
function isCutOff(failure: unknown): boolean {
  if (failure instanceof DaemonUnreachable) return true;
  return failure instanceof Error && 'code' in failure && (failure.code === 'ECONNRESET' || failure.code === 'EPIPE');
}

/** A program with a terminal somewhere else. */
interface RemoteTerminal {
  readonly stream: Duplex;
  resize(size: { readonly columns: number; readonly rows: number }): Promise<void>;
  exitCode(): Promise<number>;
}

/** Connects this terminal with that one until the program there ends, or a signal comes; its exit code becomes ours. */
export async function joinTerminal(context: CliContext, terminal: RemoteTerminal): Promise<void> {
  const { stdin, stdout, out } = context;
  const raw = stdin.isTTY === true;
  context.interrupts.signal.throwIfAborted();
  const resized = (): void => void terminal.resize(out.size).catch(() => undefined);
  try {
    if (raw) stdin.setRawMode?.(true);
    stdout.on('resize', resized);
    const type = (chunk: Buffer | string): void => void terminal.stream.write(chunk);
    const ended = (): void => void terminal.stream.write(END_OF_INPUT);
    stdin.on('data', type);
    stdin.once('end', ended);
    terminal.stream.on('error', () => undefined);
    context.interrupts.signal.addEventListener('abort', () => terminal.stream.destroy(), { once: true });
    for await (const chunk of terminal.stream as AsyncIterable<Buffer>) out.write(chunk);
    stdin.off('data', type);
    stdin.off('end', ended);
    terminal.stream.destroy();
    // It may have been closed before anybody looked: a program that was over at once.
    await finished(terminal.stream).catch(() => undefined);
  } catch (failure) {
    // What a signal breaks off ends as the signal says.
    context.interrupts.signal.throwIfAborted();
    throw failure;
  } finally {
    stdout.off('resize', resized);
    if (raw) stdin.setRawMode?.(false);
    stdin.pause();
  }
  context.interrupts.signal.throwIfAborted();
  context.exit_code = await terminal.exitCode();
}
