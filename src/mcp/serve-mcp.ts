/**
 * The door for outside programs: an MCP server on standard input and output. Contract:
 * - it offers the tools of contract/tools.ts under their names, and the transcripts as resources; nothing is decided here, the daemon decides;
 * - nothing but JSON-RPC is written to standard output; whatever else is to be said goes to `say`;
 * - no call makes it end: a failure is the answer of that call. It ends when standard input does, or the signal; calls that are still running are ended
 *   with it, unanswered, and it answers once they have let go;
 * - the daemon is looked for at each call, and started if it is not there: it may come and go in between.
 */
import type { Readable, Writable } from 'node:stream';
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { createMcpServer, type Offer } from './mcp-server.js';

/** What surrounds the server. */
export interface McpAmbient {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Ends the server. */
  readonly signal: AbortSignal;
  /** Takes what a person may want to know; never part of the protocol. */
  readonly say: (text: string) => void;
}

/** Serves until standard input or the signal ends. See the top of this file. */
export async function serveMcp(offer: Offer, ambient: McpAmbient): Promise<void> {
  const running = new Set<Promise<unknown>>();
  const remember = <T>(call: Promise<T>): Promise<T> => {
    running.add(call);
    return call.finally(() => running.delete(call));
  };
  const transport = new EndingTransport(ambient.stdin, ambient.stdout);
  const connection = serveStdio(() => createMcpServer(offer, { remember, say: ambient.say }), {
    transport,
    onerror: (error) => ambient.say(`mcp: ${error.message}`),
  });
  const end = (): void => void connection.close();
  ambient.signal.addEventListener('abort', end, { once: true });
  if (ambient.signal.aborted) end();
  await transport.ended;
  ambient.signal.removeEventListener('abort', end);
  await Promise.allSettled(running);
}

/** Standard input and output, and when they came to their end: the connection above it owns the callback that would tell. */
class EndingTransport extends StdioServerTransport {
  readonly ended: Promise<void>;
  readonly #end: () => void;

  constructor(stdin: Readable, stdout: Writable) {
    super(stdin, stdout);
    let settle = (): void => undefined;
    this.ended = new Promise((resolve) => (settle = resolve));
    this.#end = settle;
  }

  override async close(): Promise<void> {
    await super.close();
    this.#end();
  }
}
