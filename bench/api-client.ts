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
    const answer = answerSchema.parse(JSON.parse(await this.#post(`/v1/sessions/${ref}/messages`, text)));
    if ('error' in answer) throw new Error(answer.error.message);
    if (answer.delivery !== 'accepted') throw new Error(`a message was ${answer.delivery}, not accepted`);
  }

  /** Closes the connection. */
  close(): void {
    this.#agent.destroy();
  }

  #post(path: string, text: string): Promise<string> {
    const body = JSON.stringify({ text, mode: 'default' });
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.#socket,
          agent: this.#agent,
          method: 'POST',
          path,
          headers: {
            host: 'localhost',
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          },
        },
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
