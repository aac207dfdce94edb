/**
 * A terminal in an agent's container: bytes both ways over an upgraded connection to the daemon. What comes out is whatever the program
 * inside writes, escape sequences included, as with any remote shell.
 */
import type { Socket } from 'node:net';
import { FilareError } from '../contract/errors.js';
import type { ControlClient } from './http-client.js';
import { failureFromBody, openResponse, readText, requestFailure, startRequest } from './http-request.js';
import { STREAM_PATHS } from './route-paths.js';

/** Deadline for the terminal to open, in milliseconds. */
const TERMINAL_OPEN_MS = 30_000;

/** Longest command, in characters of an address: it stands in the head of a request, which Node bounds at 16 KiB. */
const MAX_COMMAND = 12_000;

/** What to open. `login` is Codex's own device login into that agent's home; `attach` is Codex's terminal interface on the session, outside its container. */
export type TerminalKind = 'shell' | 'login' | 'attach';

/** What can do without a terminal. */
export type PipedKind = Exclude<TerminalKind, 'attach'>;

/** Which, where, and how large. */
export interface TerminalRequest {
  readonly ref: string;
  readonly kind: TerminalKind;
  /** Instead of a login shell: a program and its arguments, as they are. */
  readonly command?: readonly string[] | undefined;
  readonly columns: number;
  readonly rows: number;
  readonly signal: AbortSignal;
}

/** An open terminal. */
export interface Terminal {
  /** Bytes of the program inside; ends when it does. Write to it to type. */
  readonly stream: Socket;
  resize(size: { readonly columns: number; readonly rows: number }): Promise<void>;
  /** Exit code of the program; ask once the stream has ended. */
  exitCode(): Promise<number>;
}

/** A command without a terminal: what is written is its standard input, ended with the stream's writable half. */
export interface Pipes {
  /** Reads standard output and error, framed as contract/output-frames.ts says; ends when the command does. */
  readonly stream: Socket;
  /** Exit code of the command; ask once the stream has ended. */
  exitCode(): Promise<number>;
}

/** Opens pipes instead of a terminal, so that bytes go through as they are; the daemon's refusal is thrown. */
export async function openPipes(
  client: ControlClient,
  request: Omit<TerminalRequest, 'kind' | 'columns' | 'rows'> & { readonly kind: PipedKind },
): Promise<Pipes> {
  const { ref, kind, signal } = request;
  const query = { kind, tty: 'no', ...commandQuery(request) };
  const { stream, terminal } = await upgrade(client.socket, { ref, signal, query });
  return { stream, exitCode: () => exitCode(client.socket, terminal, signal) };
}

/** Opens a terminal; the daemon's refusal is thrown. */
export async function openTerminal(client: ControlClient, request: TerminalRequest): Promise<Terminal> {
  const { ref, kind, columns, rows, signal } = request;
  const query = { kind, columns, rows, ...commandQuery(request) };
  const { stream, terminal } = await upgrade(client.socket, { ref, signal, query });
  return {
    stream,
    resize: async (size) => {
      await client.call('resizeTerminal', { params: { terminal }, body: { columns: size.columns, rows: size.rows } });
    },
    exitCode: () => exitCode(client.socket, terminal, signal),
  };
}

function commandQuery({ command }: Pick<TerminalRequest, 'command'>): { readonly command?: string } {
  if (command === undefined) return {};
  const words = JSON.stringify(command);
  if (new URLSearchParams({ words }).toString().length > MAX_COMMAND)
    throw new FilareError({
      code: 'usage',
      message: 'the command is too long',
      hint: 'hand a long text to its standard input',
    });
  return { command: words };
}

interface Upgrade {
  readonly ref: string;
  readonly query: Readonly<Record<string, string | number>> & { readonly kind: TerminalKind };
  readonly signal: AbortSignal;
}

async function upgrade(socket: string, request: Upgrade): Promise<{ stream: Socket; terminal: string }> {
  const late = AbortSignal.timeout(TERMINAL_OPEN_MS);
  return new Promise((settle, fail) => {
    const sent = startRequest({
      socket,
      ...STREAM_PATHS.terminal,
      params: { ref: request.ref },
      query: request.query,
      headers: { connection: 'Upgrade', upgrade: 'filare-terminal' },
    });
    const stop = (): void => void sent.destroy(new Error('no answer'));
    const over = (): void => {
      late.removeEventListener('abort', stop);
      request.signal.removeEventListener('abort', stop);
    };
    late.addEventListener('abort', stop);
    request.signal.addEventListener('abort', stop);
    sent.on('error', (error) => {
      over();
      fail(late.aborted ? tooLate(request) : requestFailure({ socket, signal: request.signal }, error));
    });
    sent.on('upgrade', (response, stream, head) => {
      over();
      if (head.length > 0) stream.unshift(head);
      settle({ stream: stream, terminal: String(response.headers['filare-terminal'] ?? '') });
    });
    sent.on('response', (response) => {
      over();
      readText(response, 1024 * 1024).then((text) => fail(failureFromBody(text, response.statusCode ?? 500)), fail);
    });
  });
}

function tooLate(request: Upgrade): FilareError {
  return new FilareError({
    code: 'timeout',
    message: `no ${request.query.kind} on ${request.ref} after ${TERMINAL_OPEN_MS} ms`,
  });
}

async function exitCode(socket: string, terminal: string, signal: AbortSignal): Promise<number> {
  const response = await openResponse({ socket, ...STREAM_PATHS.terminalStatus, params: { terminal }, signal });
  const answer: unknown = JSON.parse(await readText(response, 1024 * 1024));
  if (typeof answer === 'object' && answer !== null && 'exit_code' in answer && typeof answer.exit_code === 'number') {
    return answer.exit_code;
  }
  throw new FilareError({ code: 'unexpected', message: 'the daemon did not say how the terminal ended' });
}
