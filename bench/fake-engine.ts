import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { cpus } from 'node:os';
import { z } from 'zod';
import { FakeAgent } from './fake-agent.js';

const createSchema = z.looseObject({
  Image: z.string(),
  Labels: z.record(z.string(), z.string()),
  HostConfig: z.looseObject({ Mounts: z.array(z.looseObject({ Source: z.string(), Target: z.string() })) }),
});
const filterSchema = z.object({ label: z.array(z.string()).optional() });

interface FakeContainer {
  readonly id: string;
  readonly name: string;
  readonly request: z.infer<typeof createSchema>;
  agent: FakeAgent | null;
}

/**
 * The part of the Docker Engine API that the daemon uses, without containers: a container that is started is a FakeAgent on its /io folder. For
 * what is measured between journal and subscriber, and pipe and API: the daemon is the real one and cannot tell.
 */
export class FakeEngine {
  readonly #server: Server;
  readonly #containers = new Map<string, FakeContainer>();
  readonly #networks = new Map<string, { readonly Id: string; readonly Name: string; readonly Labels: unknown }>();
  #count = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((failure: unknown) => {
        response.writeHead(500, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ message: String(failure) }));
      });
    });
  }

  /** Answers on the unix socket at `path`. */
  static async listen(path: string): Promise<FakeEngine> {
    const engine = new FakeEngine();
    await new Promise<void>((resolve) => engine.#server.listen(path, resolve));
    return engine;
  }

  /** The agent in the container that carries these labels. */
  agent(session_id: string): FakeAgent {
    const found = [...this.#containers.values()].find((one) => one.request.Labels['filare.session'] === session_id);
    if (found?.agent == null) throw new Error(`no agent of session ${session_id} runs`);
    return found.agent;
  }

  /** Ends agents and connections. */
  async close(): Promise<void> {
    for (const { agent } of this.#containers.values()) agent?.end();
    this.#containers.clear();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? '/', 'http://engine');
    const say = (status: number, body?: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? '' : JSON.stringify(body));
    };
    const [, kind = '', name = '', verb = ''] = url.pathname.split('/');
    if (kind === 'events') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
    } else if (kind === 'containers') this.#container(request.method ?? '', name, verb, url, text, say);
    else if (kind === 'networks') this.#network(request.method ?? '', name, text, say);
    else say(200, this.#facts(kind));
  }

  #facts(kind: string): unknown {
    if (kind === 'version') return { Version: 'bench', ApiVersion: '1.41', Components: [] };
    if (kind === 'info')
      return { MemTotal: 2 ** 40, NCPU: cpus().length, OperatingSystem: 'bench', Architecture: 'x86_64' };
    return { Id: 'sha256:bench', RepoTags: [], Created: '', Size: 0, Config: { Labels: {} } };
  }

  #network(method: string, name: string, text: string, say: (status: number, body?: unknown) => void): void {
    if (method === 'GET') return say(200, [...this.#networks.values()]);
    if (method === 'DELETE') {
      this.#networks.delete(name);
      return say(204);
    }
    const made = z.looseObject({ Name: z.string(), Labels: z.unknown() }).parse(JSON.parse(text));
    this.#networks.set('network', { Id: 'network', Name: made.Name, Labels: made.Labels });
    return say(201, { Id: 'network' });
  }

  #container(
    method: string,
    name: string,
    verb: string,
    url: URL,
    text: string,
    say: (status: number, body?: unknown) => void,
  ): void {
    if (name === 'json') return say(200, this.#list(url.searchParams.get('filters') ?? '{}'));
    if (name === 'create') {
      this.#count += 1;
      const id = this.#count.toString(16).padStart(64, '0');
      const request = createSchema.parse(JSON.parse(text));
      this.#containers.set(id, { id, name: url.searchParams.get('name') ?? id, request, agent: null });
      return say(201, { Id: id, Warnings: [] });
    }
    const container = this.#containers.get(name);
    if (container === undefined) return say(404, { message: `No such container: ${name}` });
    if (verb === 'json') return say(200, view(container));
    if (verb === 'start') {
      const io = container.request.HostConfig.Mounts.find((mount) => mount.Target === '/io')?.Source ?? '';
      container.agent ??= new FakeAgent(io, `thread-${container.request.Labels['filare.agent'] ?? ''}`);
    } else {
      container.agent?.end();
      container.agent = null;
      if (method === 'DELETE') this.#containers.delete(name);
    }
    return say(204);
  }

  #list(filters: string): readonly { readonly Id: string }[] {
    const wanted = filterSchema.parse(JSON.parse(filters)).label ?? [];
    const fits = ({ request }: FakeContainer): boolean =>
      wanted.every((label) => {
        const [key = '', value] = label.split(/=(.*)/s);
        return key in request.Labels && (value === undefined || request.Labels[key] === value);
      });
    return [...this.#containers.values()].filter(fits).map(({ id }) => ({ Id: id }));
  }
}

function view({ id, name, request, agent }: FakeContainer): unknown {
  const running = agent !== null;
  return {
    Id: id,
    Name: `/${name}`,
    Image: 'sha256:bench',
    Config: { Image: request.Image, Labels: request.Labels },
    State: { Status: running ? 'running' : 'created', OOMKilled: false, Pid: running ? 1 : 0, ExitCode: 0 },
    NetworkSettings: { Networks: {} },
  };
}
