/** What the codex tests share: a scripted model server, a home for Codex outside /tmp, and the real app-server over standard streams. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { join, resolve } from 'node:path';
import { CODEX_PROCESS_PATH } from '../../src/codex/guarded-files.js';
import type { ChannelWriter, JournalLine } from '../../src/channel/channel.js';

/** One answer of the model: items of a Responses stream. Pieces are sent before the item that holds them is done. */
export interface ModelAnswer {
  readonly items?: readonly Record<string, unknown>[];
  readonly pieces?: readonly string[];
  readonly status?: number;
}

export interface ModelRequest {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly input?: readonly Record<string, unknown>[];
    readonly tools?: readonly Record<string, unknown>[];
  };
}

export const say = (text: string): Record<string, unknown> => ({
  type: 'message',
  role: 'assistant',
  id: 'msg_1',
  content: [{ type: 'output_text', text }],
});

let calls = 0;
export const callTool = (name: string, args: unknown): Record<string, unknown> => ({
  type: 'function_call',
  id: `fc_${(calls += 1)}`,
  call_id: `call_${calls}`,
  name,
  arguments: JSON.stringify(args),
});
export const run = (cmd: string): Record<string, unknown> => callTool('exec_command', { cmd });

/** A model that answers with the given answers in order, then says "done" for ever. */
export async function startModel(answers: ModelAnswer[]): Promise<{
  readonly base_url: string;
  readonly requests: ModelRequest[];
  close(): Promise<void>;
}> {
  const requests: ModelRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const body: ModelRequest['body'] = text.startsWith('{') ? (JSON.parse(text) as ModelRequest['body']) : {};
      requests.push({ url: `${request.method ?? ''} ${request.url ?? ''}`, headers: request.headers, body });
      if (request.method !== 'POST' || request.url?.endsWith('/responses') !== true) {
        response.setHeader('content-type', 'application/json').end('{"models":[],"data":[]}');
        return;
      }
      const answer = answers.shift() ?? { items: [say('done')] };
      if (answer.status !== undefined) {
        response
          .writeHead(answer.status, { 'content-type': 'application/json' })
          .end('{"error":{"message":"scripted"}}');
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const send = (event: Record<string, unknown>) =>
        response.write(`event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`);
      send({ type: 'response.created', response: { id: 'resp_1' } });
      for (const item of answer.items ?? []) {
        send({ type: 'response.output_item.added', item: { ...item, content: [] } });
        for (const delta of answer.pieces ?? []) send({ type: 'response.output_text.delta', delta });
        send({ type: 'response.output_item.done', item });
      }
      const usage = {
        input_tokens: 100,
        input_tokens_details: { cached_tokens: 40 },
        output_tokens: 10,
        output_tokens_details: { reasoning_tokens: 3 },
        total_tokens: 110,
      };
      send({ type: 'response.completed', response: { id: 'resp_1', usage } });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    base_url: `http://127.0.0.1:${address.port}/v1`,
    requests,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The pinned Codex of this platform. */
export function codexBinary(): string {
  const vendor = resolve(`node_modules/@openai/codex-linux-${process.arch}/vendor`);
  const triple = existsSync(vendor) ? readdirSync(vendor)[0] : undefined;
  if (triple === undefined) throw new Error(`no Codex under ${vendor}: npm install`);
  return join(vendor, triple, 'bin/codex');
}

/** A folder with `codex` (CODEX_HOME, holding config.toml), `home` and `workspace`; not under /tmp, which Codex warns about. */
export function makeHome(configToml: string): {
  readonly root: string;
  readonly codex: string;
  readonly home: string;
  readonly workspace: string;
  write(toml: string): void;
  remove(): void;
} {
  const cache = resolve('node_modules/.cache/codex-tests');
  mkdirSync(cache, { recursive: true });
  const root = mkdtempSync(join(cache, 'home-'));
  const paths = { codex: join(root, 'codex'), home: join(root, 'home'), workspace: join(root, 'home/workspace') };
  mkdirSync(paths.codex);
  mkdirSync(paths.workspace, { recursive: true });
  const write = (toml: string) => writeFileSync(join(paths.codex, 'config.toml'), toml);
  write(configToml);
  return { root, ...paths, write, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** The real app-server, its lines with journal offsets, and a writer as the channel would give. */
export class AppServer implements ChannelWriter {
  readonly lines: JournalLine[] = [];
  readonly unsent = { bytes: 0, lines: 0 };
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(line: JournalLine) => void>();
  stderr = '';
  #rest = '';
  #offset = 0;

  constructor(place: { codex: string; home: string; workspace: string }, env: Record<string, string> = {}) {
    this.#child = spawn(codexBinary(), ['app-server'], {
      cwd: place.workspace,
      env: { PATH: CODEX_PROCESS_PATH, HOME: place.home, CODEX_HOME: place.codex, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#push(text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
  }

  onLine(listener: (line: JournalLine) => void): void {
    for (const line of this.lines) listener(line);
    this.#listeners.add(listener);
  }

  write(line: string): Promise<void> {
    return new Promise((done, fail) => {
      this.#child.stdin?.write(`${line}\n`, (error) => (error ? fail(error) : done()));
    });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #push(text: string): void {
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) {
      const end = this.#offset + Buffer.byteLength(part) + 1;
      const line: JournalLine = { offset: this.#offset, end, text: part, damage: 'none' };
      this.#offset = end;
      this.lines.push(line);
      for (const listener of this.#listeners) listener(line);
    }
  }
}
