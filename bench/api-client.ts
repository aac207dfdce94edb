import { Agent, request } from 'node:http';
import { z } from 'zod';
import { sendResultSchema } from '../src/contract/session.js';

const answerSchema = z.union([sendResultSchema, z.object({ error: z.object({ message: z.string() }) })]);

/** The control API by hand, over one connection that is kept: what is measured is the daemon, not its client. */
export class ApiClient {
  readonly #socket: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** Sends a message; fails unless it was accepted, which Codex has shown it then. */
  async send(ref: string, text: string): Promise<void> {
    const body = { text, mode: 'default' };
    const answer = answerSchema.parse(JSON.parse(await this.#call('POST', `/v1/sessions/${ref}/messages`, body)));
    if ('error' in answer) throw new Error(answer.error.message);
    if (answer.delivery !== 'accepted') throw new Error(`a message was ${answer.delivery}, not accepted`);
  }

  /** The open prompts, as far as they are looked at. */
  async prompts(): Promise<readonly { readonly prompt_id: string }[]> {
    return JSON.parse(await this.#call('GET', '/v1/prompts')) as readonly { readonly prompt_id: string }[];
  }

  /** Decides a prompt. */
  async decide(prompt_id: string, choice: string): Promise<void> {
    const answer = JSON.parse(await this.#call('POST', `/v1/prompts/${prompt_id}/decision`, { choice })) as object;
    if ('error' in answer) throw new Error(JSON.stringify(answer.error));
  }

  /** Closes the connection. */
  close(): void {
    this.#agent.destroy();
  }

  #call(method: 'GET' | 'POST', path: string, value?: object): Promise<string> {
    const body = value === undefined ? '' : JSON.stringify(value);
    const content =
      value === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    return new Promise((resolve, reject) => {
      const sent = request(
        { socketPath: this.#socket, agent: this.#agent, method, path, headers: { host: 'localhost', ...content } },
        (response) => {
          let answer = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
          response.on('error', reject).on('end', () => {
            resolve(answer);
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
