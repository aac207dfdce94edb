/** A session loop as small as it can be: the real app-server, our connection, our events. */
import type { AgentEvent, AgentRequest } from '../../src/contract/agent-event.js';
import type { AgentSpec } from '../../src/contract/agent-spec.js';
import { answerRequest, type Decision } from '../../src/codex/answer.js';
import { ASK_OPERATOR_TOOL } from '../../src/codex/ask-operator.js';
import { configToml, type ConfigOptions } from '../../src/codex/config-toml.js';
import { CodexConnection } from '../../src/codex/connection.js';
import { observe } from '../../src/codex/observe.js';
import { threadResumeParams, threadStartParams } from '../../src/codex/thread-params.js';
import { agentSpec } from './agents.js';
import { AppServer, makeHome, startModel, type ModelAnswer } from './rig.js';

type Place = ReturnType<typeof makeHome>;

export interface TalkOptions {
  readonly answers?: ModelAnswer[];
  readonly agent?: Partial<AgentSpec>;
  /** In place of a rehearsal's. */
  readonly config?: ConfigOptions;
  readonly env?: Record<string, string>;
  /** Prepares home and workspace before Codex starts. */
  readonly prepare?: (place: Place) => void;
  readonly decide?: (request: AgentRequest) => Decision;
  /** The model's address in place of the rehearsal's, in `config.toml`. */
  readonly adapt?: (toml: string, base_url: string) => string;
}

export class Talk implements AsyncDisposable {
  readonly events: AgentEvent[] = [];
  readonly requests: AgentRequest[] = [];
  thread_id: string | null = null;
  readonly #waits = new Set<() => void>();

  private constructor(
    readonly place: Place,
    readonly model: Awaited<ReturnType<typeof startModel>>,
    readonly agent: AgentSpec,
    readonly config: string,
    readonly options: TalkOptions,
    public app: AppServer,
    public codex: CodexConnection,
  ) {
    this.#follow();
  }

  static async begin(options: TalkOptions = {}): Promise<Talk> {
    const model = await startModel(options.answers ?? []);
    const place = makeHome('');
    const agent = agentSpec(options.agent);
    const rehearsal = { base_url: model.base_url, agent: agent.id, role: agent.role };
    let config = onHost(configToml(agent, options.config ?? { model_key_names: [], rehearsal }), place);
    config = options.adapt?.(config, model.base_url) ?? config;
    place.write(config);
    options.prepare?.(place);
    const app = new AppServer(place, options.env);
    const talk = new Talk(
      place,
      model,
      agent,
      config,
      options,
      app,
      new CodexConnection({ writer: app, id_prefix: 'one' }),
    );
    await talk.codex.initialize();
    const params = { ...threadStartParams(agent, { dynamic_tools: [ASK_OPERATOR_TOOL] }), cwd: place.workspace };
    talk.thread_id = (await talk.codex.request('thread/start', params)).thread.id;
    return talk;
  }

  /** Ends app-server and resumes the thread in a new one. */
  async restart(): Promise<void> {
    await this.app.close();
    this.app = new AppServer(this.place, this.options.env);
    this.codex = new CodexConnection({ writer: this.app, id_prefix: 'two' });
    this.#follow();
    await this.codex.initialize();
    await this.codex.request('thread/resume', {
      ...threadResumeParams(this.agent, this.thread_id ?? ''),
      cwd: this.place.workspace,
    });
  }

  /** Sends a message and resolves with how its turn ended. */
  async turn(text: string): Promise<Extract<AgentEvent, { type: 'turn_ended' }>> {
    const from = this.events.length;
    await this.codex.startTurn(this.thread_id ?? '', { message_id: `m-${from}`, text });
    return this.until((event) => event.type === 'turn_ended', from);
  }

  /** The first event from `from` on that passes. */
  async until<E extends AgentEvent>(test: (event: AgentEvent) => event is E, from?: number): Promise<E>;
  async until(test: (event: AgentEvent) => boolean, from = 0): Promise<AgentEvent> {
    for (;;) {
      const found = this.events.slice(from).find(test);
      if (found !== undefined) return found;
      await new Promise<void>((wake) => this.#waits.add(wake));
    }
  }

  all<T extends AgentEvent['type']>(type: T): Extract<AgentEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<AgentEvent, { type: T }> => event.type === type);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    await this.model.close();
    this.place.remove();
  }

  #follow(): void {
    const { codex } = this;
    this.app.onLine((line) => {
      for (const event of observe(line, this.thread_id)) {
        this.events.push(event);
        if (event.type === 'response') codex.take(event);
        if (event.type === 'request') {
          this.requests.push(event.request);
          const decision = this.options.decide?.(event.request) ?? { choice: 'decline', reason: null };
          void answerRequest(codex, event.request, decision);
        }
      }
      for (const wake of this.#waits) wake();
      this.#waits.clear();
    });
  }
}

/** The configuration with the container's paths replaced by those of a folder of the test. */
function onHost(toml: string, place: Place): string {
  return toml
    .replaceAll('/home/agent/workspace', place.workspace)
    .replaceAll('"/home/agent"', JSON.stringify(place.home));
}
