import { Agent, request } from 'node:http';
import { z } from 'zod';
import { DockerEngine } from '../src/engine/docker/docker-engine.js';

const created = z.object({ Id: z.string() });
const found = z.array(z.object({ Id: z.string() }));

/** The engine's API and nothing around it: one request a call, connections kept. What a program would do that only wants containers. */
export class EngineApi {
  readonly #socket: string;
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** The engine of the environment, over its unix socket. */
  static async connect(): Promise<EngineApi> {
    const { endpoint } = await DockerEngine.connect(process.env);
    if (endpoint.kind !== 'unix') throw new Error('the bare side talks to an engine on a unix socket');
    return new EngineApi(endpoint.socket_path);
  }

  /** Creates a container; answers with its id. */
  async create(name: string, body: unknown): Promise<string> {
    return created.parse(await this.#call('POST', `/containers/create?name=${name}`, body)).Id;
  }

  async start(id: string): Promise<void> {
    await this.#call('POST', `/containers/${id}/start`);
  }

  /** Removes it by force; one that is gone is no failure. */
  async remove(id: string): Promise<void> {
    await this.#call('DELETE', `/containers/${id}?force=1&v=1`);
  }

  /** Ids of containers that carry the label. */
  async list(label: string): Promise<readonly string[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    const answer = await this.#call('GET', `/containers/json?all=1&filters=${filters}`);
    return found.parse(answer).map((container) => container.Id);
  }

  /** Closes the kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const text = body === undefined ? '' : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.#socket,
          agent: this.#agent,
          method,
          path,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        },
        (response) => {
          let answer = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
          response.on('error', reject).on('end', () => {
            const status = response.statusCode ?? 500;
            if (status < 400 || status === 404) resolve(answer === '' ? null : JSON.parse(answer));
            else reject(new Error(`${method} ${path}: ${String(status)} ${answer.trim()}`));
          });
        },
      );
      sent.on('error', reject);
      sent.end(text);
    });
  }
}
