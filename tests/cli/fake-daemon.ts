/**
 * A daemon without agents: it serves the route table on a project's socket and plays what a test tells it. It complains, in `complaints`, about
 * every request that the contract does not allow, and fails itself when it would answer something that the contract does not allow.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { API_VERSION, ROUTES } from '../../src/contract/api.js';
import type { DaemonStatus, PauseQuestion, StartOutcome } from '../../src/contract/api-shapes.js';
import { asFilareError, FilareError, HTTP_STATUS } from '../../src/contract/errors.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import type { Piece, TranscriptEntry } from '../../src/contract/transcript.js';
import type { SessionRow } from '../../src/contract/session.js';
import { FakeInbox, type FakeDecision } from './fake-inbox.js';
import { agentSpec, entryOf, rowOf } from './samples.js';

type RouteName = keyof typeof ROUTES;

/** What a handler is given: the parsed parts, as the contract has them. */
export interface Call {
  readonly route: RouteName;
  readonly params: Record<string, string>;
  readonly query: Record<string, unknown>;
  readonly body: Record<string, unknown>;
  /** Ends when the client goes away. */
  readonly signal: AbortSignal;
}

type Handler = (call: Call) => unknown;

interface FakeSession {
  row: SessionRow;
  readonly entries: TranscriptEntry[];
  readonly watchers: Set<ServerResponse>;
  open: Piece | null;
}

/** See the top of this file. */
export class FakeDaemon {
  readonly project: ProjectPaths;
  readonly sessions = new Map<string, FakeSession>();
  readonly calls: Call[] = [];
  /** Method, path and query of every request, streams too. */
  readonly requests: string[] = [];
  readonly complaints: string[] = [];
  readonly inbox = new FakeInbox((event, data) => this.#tellFleet(event, data));
  /** Replaces what a route does. */
  readonly on: Partial<Record<RouteName, Handler>> = {};
  status: Partial<DaemonStatus> & Record<string, unknown> = {};
  /** Plays `POST /v1/image/build`. */
  build: (say: (line: unknown) => void, signal: AbortSignal) => Promise<void> = (say) => {
    say({ done: { image: 'filare-codex' } });
    return Promise.resolve();
  };
  /** Plays a terminal. */
  shell: (stream: Duplex, query: URLSearchParams) => void = (stream) => stream.end('bye\r\n');
  terminalExit = 0;
  /** In which steps a diff or sync is. */
  homecomingSteps: readonly string[] = [];
  journal = '';
  readonly #server: Server;
  readonly #fleetWatchers = new Set<ServerResponse>();
  readonly #streams = new Set<ServerResponse>();

  private constructor(project: ProjectPaths) {
    this.project = project;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('upgrade', (request, socket) => this.#upgrade(request, socket));
  }

  static async start(project: ProjectPaths): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(project);
    mkdirSync(project.state, { recursive: true, mode: 0o700 });
    await daemon.listen();
    return daemon;
  }

  async listen(): Promise<void> {
    rmSync(this.project.socket, { force: true });
    await new Promise<void>((ready) => this.#server.listen(this.project.socket, ready));
  }

  async close(): Promise<void> {
    await new Promise<void>((closed) => {
      this.#server.close(() => closed());
      this.#server.closeAllConnections();
    });
  }

  /** Breaks every live stream, as a daemon that was killed does. */
  dropStreams(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  get liveStreams(): number {
    return this.#streams.size;
  }

  addSession(id: string, patch: Partial<SessionRow> = {}): SessionRow {
    const row = rowOf(id, patch);
    this.sessions.set(row.session_id, { row, entries: [], watchers: new Set(), open: null });
    this.#tellFleet('row', row);
    return row;
  }

  update(session_id: string, patch: Partial<SessionRow>): SessionRow {
    const session = this.#session(session_id);
    session.row = { ...session.row, ...patch };
    this.#tellFleet('row', session.row);
    for (const watcher of session.watchers) watcher.write(block('row', session.row));
    return session.row;
  }

  /** Adds an entry to the transcript, and tells those who follow. */
  say(
    session_id: string,
    entry: Partial<TranscriptEntry>,
    options: { readonly silently?: boolean } = {},
  ): TranscriptEntry {
    const session = this.#session(session_id);
    const added = entryOf({ ...entry, seq: session.entries.length + 1, session_id });
    session.entries.push(added);
    if (session.open !== null && added.data?.['item_id'] === session.open.item_id) session.open = null;
    if (options.silently !== true) this.tell(session_id, block('entry', added, added.seq));
    return added;
  }

  piece(session_id: string, item_id: string, text: string, kind: Piece['kind'] = 'reply'): void {
    const session = this.#session(session_id);
    const before = session.open?.item_id === item_id ? session.open.text : '';
    session.open = { session_id, item_id, kind, offset: 0, text: before + text };
    this.tell(session_id, block('piece', { session_id, item_id, kind, offset: before.length, text }));
  }

  /** Raw text to everybody who follows the session. */
  tell(session_id: string, text: string): void {
    for (const watcher of this.#session(session_id).watchers) watcher.write(text);
  }

  end(session_id: string, phase: 'stopped' | 'failed', end_reason: string): void {
    const row = this.update(session_id, { phase, activity: null, end_reason, ended_at: new Date().toISOString() });
    const { watchers } = this.#session(session_id);
    for (const watcher of watchers) watcher.end(block('end', row));
    watchers.clear();
  }

  async untilFollowed(session_id: string): Promise<void> {
    while (this.#session(session_id).watchers.size === 0) await new Promise((go) => setTimeout(go, 5));
  }

  #session(ref: string): FakeSession {
    const exact = this.sessions.get(ref) ?? [...this.sessions.values()].filter((s) => s.row.id === ref).at(-1);
    const begun = [...this.sessions.values()].filter((s) => s.row.session_id.startsWith(ref));
    const found = exact ?? (begun.length === 1 ? begun[0] : undefined);
    if (found !== undefined) return found;
    if (begun.length > 1)
      throw new FilareError({
        code: 'usage',
        message: `${ref} is ambiguous`,
        details: { candidates: begun.map((s) => s.row.session_id) },
      });
    throw new FilareError({
      code: 'not_found',
      message: `no session or agent is called ${ref}`,
      hint: 'filare-agents list --all',
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://daemon');
    this.requests.push(`${request.method ?? ''} ${url.pathname}${url.search}`);
    try {
      if (await this.#stream(request, response, url)) return;
      const answer = await this.#json(request, url, response);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    } catch (error) {
      const failure = asFilareError(error);
      if (response.headersSent) response.destroy();
      else
        response
          .writeHead(HTTP_STATUS[failure.code], { 'content-type': 'application/json' })
          .end(JSON.stringify({ error: failure.toBody() }));
    }
  }

  async #json(request: IncomingMessage, url: URL, response: ServerResponse): Promise<unknown> {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    for (const name of Object.keys(ROUTES) as RouteName[]) {
      const route: {
        method: string;
        path: string;
        params?: z.ZodType;
        query?: z.ZodType;
        body?: z.ZodType;
        response: z.ZodType;
      } = ROUTES[name];
      const params = matchPath(route.path, url.pathname);
      if (params === undefined || route.method !== request.method) continue;
      if (route.body !== undefined && request.headers['content-type'] !== 'application/json')
        this.#complain(`${name}: not sent as JSON`);
      if (request.headers['host'] !== 'localhost') this.#complain(`${name}: host is ${request.headers['host'] ?? ''}`);
      const call: Call = {
        route: name,
        params: this.#check(name, route.params ?? z.object({}), params) as Record<string, string>,
        query: this.#check(name, route.query ?? z.strictObject({}), Object.fromEntries(url.searchParams)) as Record<
          string,
          unknown
        >,
        body: this.#check(name, route.body ?? z.undefined(), await bodyOf(request)) as Record<string, unknown>,
        signal: gone.signal,
      };
      this.calls.push(call);
      const answer = await (this.on[name] ?? this.#default(name))(call);
      return name === 'version' ? answer : route.response.parse(answer);
    }
    this.#complain(`no route ${request.method ?? ''} ${url.pathname}`);
    throw new FilareError({ code: 'not_found', message: `no route ${url.pathname}` });
  }

  #check(name: string, schema: z.ZodType, value: unknown): unknown {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    this.#complain(`${name}: ${parsed.error.message}`);
    throw new FilareError({ code: 'usage', message: `the request of ${name} is not as it should be` });
  }

  #complain(what: string): void {
    this.complaints.push(what);
  }

  #default(name: RouteName): Handler {
    const table: Partial<Record<RouteName, Handler>> = {
      version: () => this.daemonStatus(),
      dashboard: () => ({ daemon: this.daemonStatus(), sessions: this.rows(false), prompts: this.inbox.open() }),
      listSessions: ({ query }) => this.rows(query['all'] === true),
      startSessions: ({ body }) =>
        (body['agents'] as { id: string }[]).map(({ id }): StartOutcome => {
          const running = this.rows(false).find((row) => row.id === id && row.phase !== 'failed');
          if (running !== undefined)
            return { id, outcome: 'already_running', session: running, error: null, warnings: [] };
          return { id, outcome: 'started', session: this.addSession(id), error: null, warnings: [] };
        }),
      describeSession: ({ params }) => {
        const { row, entries } = this.#session(params['ref'] ?? '');
        return {
          row,
          agent: agentSpec(row.id),
          folder: '/outputs',
          prompts: this.inbox.open().filter((prompt) => prompt.session_id === row.session_id),
          queued_messages: [],
          attempts: [{ attempt: 1, started_at: row.started_at, ended_at: null, end_reason: null }],
          last_entries: entries.slice(-5),
        };
      },
      stopSession: ({ params }) => {
        const { row } = this.#session(params['ref'] ?? '');
        if (row.phase !== 'stopped') this.end(row.session_id, 'stopped', 'stopped by operator');
        return this.#session(row.session_id).row;
      },
      restartSession: ({ params }) => {
        const { row } = this.#session(params['ref'] ?? '');
        return this.update(row.session_id, { attempt: row.attempt + 1 });
      },
      interruptSession: ({ params }) => this.#session(params['ref'] ?? '').row,
      sendMessage: ({ params }) => ({
        message_id: 'm-1',
        session_id: this.#session(params['ref'] ?? '').row.session_id,
        delivery: 'accepted',
        turn_id: 't-1',
      }),
      readTranscript: ({ params, query }) => {
        const { entries } = this.#session(params['ref'] ?? '');
        const { after, last, since, limit } = query as {
          after?: number;
          last?: number;
          since?: string;
          limit?: number;
        };
        let chosen = entries.filter(
          (entry) => entry.seq > (after ?? 0) && (since === undefined || entry.timestamp >= since),
        );
        if (last !== undefined) chosen = last === 0 ? [] : chosen.slice(-Math.min(last, limit ?? last));
        const page = chosen.slice(0, limit ?? 1000);
        const next_after = page.at(-1)?.seq ?? after ?? 0;
        return { entries: page, next_after, more: next_after < entries.length };
      },
      pauseSession: ({ params, body }) => {
        const { row } = this.#session(params['ref'] ?? '');
        const ask = body['ask'] as PauseQuestion | undefined;
        if (ask === undefined) return this.update(row.session_id, { activity: 'paused' });
        this.inbox.put({
          prompt_id: `p-pause-${row.id}`,
          session_id: row.session_id,
          id: row.id,
          kind: 'question',
          origin: 'pause',
          asked_by: (body['by'] as string | undefined) ?? 'operator',
          summary: ask.question,
          requested_action: { type: 'question', questions: [{ id: 'pause', question: ask.question }] },
          choices: ask.choices ?? [],
          suggested_reply: ask.suggested_reply ?? null,
          severity: ask.severity ?? 'info',
          categories: [],
          rule_offer: null,
        });
        return this.update(row.session_id, { activity: 'paused', pending_prompts: row.pending_prompts + 1 });
      },
      resumeSession: ({ params, body }) => {
        const { row } = this.#session(params['ref'] ?? '');
        const asked = this.inbox.open().filter((one) => one.session_id === row.session_id && one.origin === 'pause');
        const by = (body['by'] as string | undefined) ?? 'operator';
        for (const { prompt_id } of asked) this.inbox.close(prompt_id, { outcome: 'superseded', by });
        return this.update(row.session_id, { activity: 'idle', pending_prompts: row.pending_prompts - asked.length });
      },
      listPrompts: ({ query }) => {
        if (query['ref'] === undefined) return this.inbox.open();
        const { row } = this.#session(query['ref'] as string);
        return this.inbox.open().filter((prompt) => prompt.session_id === row.session_id);
      },
      showPrompt: ({ params }) => this.inbox.show(params['prompt'] ?? ''),
      decidePrompt: ({ params, body }) => this.inbox.decide(params['prompt'] ?? '', body as unknown as FakeDecision),
      listRules: () => [...this.inbox.rules.values()],
      forgetRule: ({ params }) => this.inbox.forget(params['rule'] ?? ''),
      imageStatus: () => ({
        image: 'filare-codex',
        present: true,
        current: true,
        id: 'sha256:1',
        codex_version: '0.169.0',
        reasons: [],
      }),
      cleanup: ({ body }) => [
        {
          kind: 'container',
          name: 'filare-x',
          session_id: null,
          action: body['dry_run'] === true ? 'would_remove' : 'removed',
          reason: 'its session is over',
        },
      ],
      resizeTerminal: () => ({}),
      stopDaemon: () => ({ pid: 999_999_999 }),
    };
    return (
      table[name] ??
      (() => {
        throw new FilareError({ code: 'unsupported', message: `the fake does not play ${name}` });
      })
    );
  }

  daemonStatus(): unknown {
    return {
      running: true,
      pid: process.pid,
      version: '0.1.0',
      api_version: API_VERSION,
      socket: this.project.socket,
      project: this.project.root,
      sessions: this.rows(false).length,
      started_at: new Date().toISOString(),
      memory_bytes: 50_000_000,
      ...this.status,
    };
  }

  rows(all: boolean): SessionRow[] {
    return [...this.sessions.values()].map((session) => session.row).filter((row) => all || row.phase !== 'stopped');
  }

  async #stream(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean> {
    if (request.method === 'POST' && url.pathname === '/v1/image/build') {
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      await bodyOf(request);
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      await this.build((line) => response.write(`${JSON.stringify(line)}\n`), gone.signal);
      response.end();
      return true;
    }
    if (request.method !== 'GET') return false;
    if (url.pathname === '/v1/events') {
      this.#follow(response);
      this.#fleetWatchers.add(response);
      response.on('close', () => this.#fleetWatchers.delete(response));
      for (const row of this.rows(false)) response.write(block('row', row));
      for (const prompt of this.inbox.open()) response.write(block('prompt', prompt));
      return true;
    }
    if (matchPath('/v1/terminals/:terminal', url.pathname) !== undefined) {
      response.writeHead(200).end(JSON.stringify({ exit_code: this.terminalExit }));
      return true;
    }
    const journal = matchPath('/v1/sessions/:ref/journal', url.pathname);
    if (journal !== undefined) {
      this.#session(journal['ref'] ?? '');
      response.writeHead(200).end(this.journal);
      return true;
    }
    if (matchPath('/v1/sessions/:ref/homecoming', url.pathname) !== undefined) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders();
      for (const step of this.homecomingSteps) response.write(`${JSON.stringify({ step })}\n`);
      return true;
    }
    const events = matchPath('/v1/sessions/:ref/events', url.pathname);
    if (events === undefined) return false;
    const session = this.#session(events['ref'] ?? '');
    const resume = request.headers['last-event-id'] ?? url.searchParams.get('after');
    const last = url.searchParams.get('last');
    const after =
      resume === null ? (last === null ? 0 : Math.max(0, session.entries.length - Number(last))) : Number(resume);
    this.#follow(response);
    for (const entry of session.entries.filter(({ seq }) => seq > after))
      response.write(block('entry', entry, entry.seq));
    response.write(block('row', session.row));
    if (session.open !== null) response.write(block('piece', session.open));
    if (session.row.ended_at !== null) response.end(block('end', session.row));
    else session.watchers.add(response);
    response.on('close', () => session.watchers.delete(response));
    return true;
  }

  #follow(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\n');
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  #tellFleet(event: string, data: unknown): void {
    for (const watcher of this.#fleetWatchers) watcher.write(block(event, data));
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    const url = new URL(request.url ?? '/', 'http://daemon');
    this.requests.push(`UPGRADE ${url.pathname}${url.search}`);
    socket.on('error', () => undefined);
    try {
      const params = matchPath('/v1/sessions/:ref/terminal', url.pathname);
      if (params === undefined || request.headers.upgrade !== 'filare-terminal')
        this.#complain('not a terminal request');
      this.#session(params?.['ref'] ?? '');
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: filare-terminal\r\nfilare-terminal: t1\r\n\r\n',
      );
      this.shell(socket, url.searchParams);
    } catch (error) {
      const failure = asFilareError(error);
      const text = JSON.stringify({ error: failure.toBody() });
      socket.end(
        `HTTP/1.1 ${HTTP_STATUS[failure.code]} refused\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
      );
    }
  }
}

/** One server-sent event. */
export function block(event: string, data: unknown, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const names = [...pattern.matchAll(/:([a-z_]+)/g)].map(([, name]) => name ?? '');
  const found = new RegExp(`^${pattern.replace(/:[a-z_]+/g, '([^/]+)')}$`).exec(path);
  if (found === null) return undefined;
  return Object.fromEntries(names.map((name, at) => [name, decodeURIComponent(found[at + 1] ?? '')]));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
}
