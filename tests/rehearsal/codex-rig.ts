import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'smol-toml';
import { z } from 'zod';
import { codexConfig, codexModelCatalog } from '../../src/rehearsal/codex-setup.js';
import { isRecord, type Plan } from '../../src/rehearsal/plan.js';
import { loadRehearsal } from '../../src/rehearsal/script.js';
import { startRehearsalServer, type RehearsalServer, type RequestRecord } from '../../src/rehearsal/server.js';

/** The longest a test waits for anything of Codex, in milliseconds. */
const DEADLINE_MS = 45_000;

const messageSchema = z.object({
  id: z.union([z.number(), z.string()]).optional(),
  method: z.string().optional(),
  params: z.record(z.string(), z.unknown()).default({}),
  result: z.unknown().optional(),
  error: z.unknown().optional(),
});
type Message = z.infer<typeof messageSchema>;
const itemSchema = z.looseObject({ type: z.string(), id: z.string() });
/** An item as `item/completed` shows it. */
export type Item = z.infer<typeof itemSchema>;

/** What a test may choose; the rest is as the product does it. */
export interface RigOptions {
  /** A rehearsal script as YAML, or a plan. */
  readonly script: string | Plan;
  readonly agent?: string;
  readonly role?: string;
  readonly approvalPolicy?: 'never' | 'untrusted' | 'on-request';
  readonly dynamicTools?: readonly unknown[];
  /** Answers to Codex's requests, by method. */
  readonly answers?: Readonly<Record<string, unknown>>;
  /** Merged over the product's config.toml. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Merged over the provider's table in it. */
  readonly provider?: Readonly<Record<string, unknown>>;
}

/** The real Codex app-server on this machine, in a home of its own, against a rehearsal server on loopback. */
export class CodexRig implements AsyncDisposable {
  readonly folder: string;
  readonly workspace: string;
  /** Every notification and request of Codex, in order. */
  readonly seen: Message[] = [];
  /** Requests that the rehearsal server answered. */
  readonly log: RequestRecord[] = [];
  readonly #options: RigOptions;
  readonly #plan: Plan;
  readonly #replies = new Map<number, (message: Message) => void>();
  readonly #watchers = new Set<() => void>();
  #server: RehearsalServer | undefined;
  #codex: ChildProcessWithoutNullStreams | undefined;
  #nextId = 1;
  #threadId = '';

  private constructor(folder: string, options: RigOptions, plan: Plan) {
    this.folder = folder;
    this.workspace = join(folder, 'workspace');
    this.#options = options;
    this.#plan = plan;
  }

  static async start(options: RigOptions): Promise<CodexRig> {
    const folder = await mkdtemp(join(homedir(), '.filare-rehearsal-test-'));
    const rig = new CodexRig(folder, options, await planOf(options.script, folder));
    try {
      await rig.#open();
    } catch (error) {
      await rig[Symbol.asyncDispose]();
      throw error;
    }
    return rig;
  }

  /** Starts the rehearsal server, on the port of the last one when there was one. */
  async startServer(port: number): Promise<void> {
    this.#server = await startRehearsalServer({ plan: this.#plan, port, log: (record) => this.log.push(record) });
  }

  /** Ends the rehearsal server and starts it again: what it kept in memory is gone. */
  async restartServer(): Promise<void> {
    const port = this.#server?.port ?? 0;
    await this.#server?.close();
    await this.startServer(port);
  }

  /** Starts app-server and shakes hands. */
  async startCodex(): Promise<void> {
    const env = { PATH: process.env['PATH'], HOME: this.folder, CODEX_HOME: join(this.folder, 'codex') };
    const codex = spawn(await codexBinary(), ['app-server'], { cwd: this.workspace, env });
    this.#codex = codex;
    codex.stderr.resume();
    createInterface({ input: codex.stdout }).on('line', (line) => this.#take(messageSchema.parse(JSON.parse(line))));
    const capabilities = { experimentalApi: true, requestAttestation: false };
    await this.request('initialize', {
      clientInfo: { name: 'rehearsal-test', title: null, version: '1' },
      capabilities,
    });
    this.#write({ method: 'initialized' });
  }

  /** Starts a thread, which all that follows is about. */
  async startThread(): Promise<void> {
    const { approvalPolicy = 'never', dynamicTools = [] } = this.#options;
    const sandbox = 'danger-full-access';
    const started = await this.request('thread/start', { cwd: this.workspace, approvalPolicy, sandbox, dynamicTools });
    this.#threadId = z.object({ thread: z.object({ id: z.string() }) }).parse(started).thread.id;
  }

  /** Kills app-server, starts another on the same home and resumes the thread. */
  async restartCodex(): Promise<void> {
    await this.#endCodex();
    await this.startCodex();
    await this.request('thread/resume', { threadId: this.#threadId });
  }

  /** Sends a message and returns the id of its turn. */
  async begin(text: string): Promise<string> {
    const params = { threadId: this.#threadId, input: [{ type: 'text', text, text_elements: [] }] };
    return z.object({ turn: z.object({ id: z.string() }) }).parse(await this.request('turn/start', params)).turn.id;
  }

  /** Waits for the end of a turn and returns its status and error. */
  async end(turn: string): Promise<{ status: string; error?: unknown }> {
    const completed = await this.until((message) => {
      return (
        message.method === 'turn/completed' && isRecord(message.params['turn']) && message.params['turn']['id'] === turn
      );
    });
    return z.object({ turn: z.object({ status: z.string(), error: z.unknown().optional() }) }).parse(completed.params)
      .turn;
  }

  /** Sends a message, waits for the end of its turn, and returns its status and what was said and done in it. */
  async turn(text: string): Promise<{ status: string; error?: unknown; items: Item[]; said: string[] }> {
    const turn = await this.begin(text);
    const ended = await this.end(turn);
    return { ...ended, items: this.items(turn), said: this.said(turn) };
  }

  async steer(turn: string, text: string): Promise<void> {
    const input = [{ type: 'text', text, text_elements: [] }];
    await this.request('turn/steer', { threadId: this.#threadId, expectedTurnId: turn, input });
  }

  async interrupt(turn: string): Promise<void> {
    await this.request('turn/interrupt', { threadId: this.#threadId, turnId: turn });
  }

  /** Has Codex compact the thread, and waits until it has. */
  async compact(): Promise<void> {
    const before = this.seen.length;
    await this.request('thread/compact/start', { threadId: this.#threadId });
    await this.until((message, index) => index >= before && message.method === 'turn/completed');
  }

  /** Finished items of a turn, in order. */
  items(turn: string): Item[] {
    return this.seen
      .filter((message) => message.method === 'item/completed' && message.params['turnId'] === turn)
      .map((message) => itemSchema.parse(message.params['item']));
  }

  /** The agent's finished messages of a turn. */
  said(turn: string): string[] {
    return this.items(turn).flatMap((item) => (item.type === 'agentMessage' ? [String(item['text'])] : []));
  }

  /** Notifications and requests of one method. */
  of(method: string): Message[] {
    return this.seen.filter((message) => message.method === method);
  }

  /** The first message that fits, now or later. */
  async until(fits: (message: Message, index: number) => boolean): Promise<Message> {
    const find = (): Message | undefined => this.seen.find(fits);
    return await new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find();
        if (!found) return;
        stop();
        resolve(found);
      };
      const deadline = setTimeout(() => {
        stop();
        reject(new Error(`not seen in time; last: ${JSON.stringify(this.seen.slice(-3))}`));
      }, DEADLINE_MS);
      const stop = (): void => {
        clearTimeout(deadline);
        this.#watchers.delete(look);
      };
      this.#watchers.add(look);
      look();
    });
  }

  async request(method: string, params: unknown): Promise<unknown> {
    const id = this.#nextId++;
    const reply = new Promise<Message>((resolve) => this.#replies.set(id, resolve));
    this.#write({ id, method, params });
    const deadline = new AbortController();
    const late = sleep(DEADLINE_MS, undefined, { signal: deadline.signal }).then(() => {
      throw new Error(`${method}: no answer`);
    });
    late.catch(() => undefined);
    const { result, error } = await Promise.race([reply, late]).finally(() => deadline.abort());
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endCodex();
    await this.#server?.close();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #open(): Promise<void> {
    await mkdir(join(this.folder, 'codex'));
    await mkdir(this.workspace);
    await this.startServer(0);
    await this.#writeConfig();
    await this.startCodex();
    await this.startThread();
  }

  async #writeConfig(): Promise<void> {
    const { agent = 'feature', role = 'FEATURE', provider, config } = this.#options;
    const catalog = join(this.folder, 'models.json');
    await writeFile(catalog, JSON.stringify(codexModelCatalog()));
    const base_url = `http://127.0.0.1:${this.#server?.port ?? 0}/v1`;
    const product = codexConfig({ base_url, agent, role, model_catalog: catalog });
    const providers = z.object({ rehearsal: z.record(z.string(), z.unknown()) }).parse(product['model_providers']);
    const model_providers = { rehearsal: { ...providers.rehearsal, ...provider } };
    const toml = stringify({ ...product, model_providers, ...config });
    await writeFile(join(this.folder, 'codex', 'config.toml'), toml);
  }

  #take(message: Message): void {
    if (message.method === undefined) {
      if (typeof message.id === 'number') this.#replies.get(message.id)?.(message);
      return;
    }
    this.seen.push(message);
    const answer = this.#options.answers?.[message.method];
    if (message.id !== undefined && answer !== undefined) this.#write({ id: message.id, result: answer });
    for (const watcher of [...this.#watchers]) watcher();
  }

  #write(message: unknown): void {
    this.#codex?.stdin.write(`${JSON.stringify(message)}\n`);
  }

  async #endCodex(): Promise<void> {
    const codex = this.#codex;
    if (codex?.exitCode !== null || codex.signalCode !== null) return;
    const exited = new Promise((resolve) => codex.once('exit', resolve));
    codex.kill('SIGKILL');
    await exited;
  }
}

async function planOf(script: string | Plan, folder: string): Promise<Plan> {
  if (typeof script !== 'string') return script;
  const file = join(folder, 'script.yml');
  await writeFile(file, script);
  return await loadRehearsal([file]);
}

async function codexBinary(): Promise<string> {
  const vendor = `node_modules/@openai/codex-linux-${process.arch}/vendor`;
  for (const platform of await readdir(vendor)) {
    const binary = join(process.cwd(), vendor, platform, 'bin', 'codex');
    if (existsSync(binary)) return binary;
  }
  throw new Error(`no codex in ${vendor}`);
}
