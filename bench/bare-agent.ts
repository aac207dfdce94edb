import { closeSync, constants, openSync, readSync, watch, writeSync, type FSWatcher } from 'node:fs';
import { z } from 'zod';
import { ASK_OPERATOR_TOOL } from '../src/codex/ask-operator.js';
import { threadStartParams } from '../src/codex/thread-params.js';
import type { AgentSpec } from '../src/contract/agent-spec.js';
import { bootstrapLines } from '../src/session/secrets.js';
import type { BareContainer } from './bare-request.js';
import type { EngineApi } from './engine-api.js';

const CHUNK_BYTES = 64 * 1024;
const ANSWER_MS = 60_000;

const message = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string().optional(),
  params: z
    .looseObject({ item: z.looseObject({ type: z.string(), clientId: z.string().nullish() }).optional() })
    .optional(),
  result: z.looseObject({ thread: z.looseObject({ id: z.string() }).optional() }).optional(),
});
type Message = z.infer<typeof message>;

/** A container with Codex and nothing of ours around it: lines go straight into its pipe and are read straight from its journal. */
export class BareAgent {
  readonly #api: EngineApi;
  readonly #container: BareContainer;
  readonly #in: number;
  readonly #out: number;
  readonly #watcher: FSWatcher;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  readonly #waiting = new Set<(said: Message) => void>();
  #rest = '';
  #id: string | null = null;
  #thread: string | null = null;

  /** Opens pipe and journal of a prepared container. */
  constructor(api: EngineApi, container: BareContainer) {
    this.#api = api;
    this.#container = container;
    this.#in = openSync(container.channel.in, constants.O_RDWR | constants.O_NONBLOCK);
    this.#out = openSync(container.channel.out, constants.O_RDONLY);
    this.#watcher = watch(container.channel.out, () => this.#read());
  }

  /** Creates and starts the container, with the whole handshake in its pipe already: Codex need wait for nobody. */
  async start(agent: AgentSpec): Promise<void> {
    const lines = bootstrapLines(agent, { variables: {}, model_key_names: [], ssh_key: null }, 'codex');
    const clientInfo = { name: 'bench', title: null, version: '0' };
    const capabilities = { experimentalApi: true, requestAttestation: false };
    const params = threadStartParams(agent, { dynamic_tools: [ASK_OPERATOR_TOOL] });
    this.#write([
      ...lines,
      JSON.stringify({ id: 'greet', method: 'initialize', params: { clientInfo, capabilities } }),
      JSON.stringify({ method: 'initialized' }),
      JSON.stringify({ id: 'thread', method: 'thread/start', params }),
    ]);
    this.#id = await this.#api.create(this.#container.name, this.#container.body);
    await this.#api.start(this.#id);
  }

  /** Resolves when `thread/start` is answered. */
  async ready(): Promise<void> {
    if (this.#thread !== null) return;
    const answer = await this.#until((said) => said.id === 'thread');
    this.#thread = answer.result?.thread?.id ?? null;
    if (this.#thread === null) throw new Error('a bare thread/start was refused');
  }

  /** Sends a message; resolves when Codex shows it. */
  async send(id: string, text: string): Promise<void> {
    const shown = this.#until((said) => said.method === 'item/started' && said.params?.item?.clientId === id);
    const input = [{ type: 'text', text, text_elements: [] }];
    const params = { threadId: this.#thread, clientUserMessageId: id, input };
    this.#write([JSON.stringify({ id, method: 'turn/start', params })]);
    await shown;
  }

  /** Resolves when the turn that runs is over. */
  async turnEnd(): Promise<void> {
    await this.#until((said) => said.method === 'turn/completed');
  }

  /** Removes the container and closes what was open. Safe to call again. */
  async end(): Promise<void> {
    this.#watcher.close();
    if (this.#id !== null) await this.#api.remove(this.#id);
    this.#id = null;
    closeSync(this.#in);
    closeSync(this.#out);
  }

  #write(lines: readonly string[]): void {
    writeSync(this.#in, `${lines.join('\n')}\n`);
  }

  #read(): void {
    for (;;) {
      const bytes = readSync(this.#out, this.#chunk);
      if (bytes === 0) return;
      const lines = (this.#rest + this.#chunk.toString('utf8', 0, bytes)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        const said = message.parse(JSON.parse(line));
        for (const take of [...this.#waiting]) take(said);
      }
    }
  }

  #until(test: (said: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting.delete(take);
        reject(new Error(`${this.#container.name} did not answer in time`));
      }, ANSWER_MS);
      const take = (said: Message): void => {
        if (!test(said)) return;
        clearTimeout(late);
        this.#waiting.delete(take);
        resolve(said);
      };
      this.#waiting.add(take);
    });
  }
}
