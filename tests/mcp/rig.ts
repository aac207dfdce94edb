import { fileURLToPath } from 'node:url';
import { Client, type CallToolResult } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { ProjectPaths } from '../../src/contract/project.js';
import { TSX } from '../cli/rig.js';

/** The program as a user has it, built. */
export const BIN = fileURLToPath(new URL('../../bin/filare-agents.js', import.meta.url));
const FROM_SOURCE = fileURLToPath(new URL('../cli/cli-from-source.ts', import.meta.url));

/** How to connect. */
export interface ConnectOptions {
  readonly args?: readonly string[];
  readonly client_name?: string;
  /** The newest revision of the protocol instead of the one that most clients speak. */
  readonly modern?: boolean;
  /** Let the server start the fake daemon in this mode, from source. */
  readonly starts_daemon?: 'plain';
}

/** A client with `filare-agents mcp` as a process of its own. */
export class Connection {
  readonly client: Client;
  readonly transport: StdioClientTransport;
  stderr = '';
  /** What the client could not take as JSON-RPC. */
  readonly errors: Error[] = [];

  private constructor(project: ProjectPaths, options: ConnectOptions) {
    const own = ['mcp', ...(options.args ?? [])];
    const from_source = options.starts_daemon !== undefined;
    this.transport = new StdioClientTransport({
      command: process.execPath,
      args: from_source ? ['--import', TSX, FROM_SOURCE, ...own] : [BIN, ...own],
      cwd: project.root,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: project.root,
        ...(from_source ? { TEST_DAEMON: options.starts_daemon } : {}),
      },
      stderr: 'pipe',
    });
    this.transport.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.client = new Client(
      { name: options.client_name ?? 'test-client', version: '1.0.0' },
      options.modern === true ? { versionNegotiation: { mode: 'auto' } } : {},
    );
    this.client.onerror = (error) => this.errors.push(error);
  }

  static async open(project: ProjectPaths, options: ConnectOptions = {}): Promise<Connection> {
    const connection = new Connection(project, options);
    await connection.client.connect(connection.transport);
    return connection;
  }

  /** Calls a tool; answers with its text and whether it was an error. */
  async call(name: string, given: Record<string, unknown> = {}): Promise<{ text: string; is_error: boolean }> {
    const result = await this.client.callTool({ name, arguments: given });
    return { text: textOf(result), is_error: result.isError === true };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

/** The text of a tool's answer. */
export function textOf(result: CallToolResult): string {
  return result.content.map((part) => (part.type === 'text' ? part.text : `[${part.type}]`)).join('\n');
}
