import { asFilareError } from '../contract/errors.js';
import { readSecrets } from './secrets.js';
import { checkCommandCall, runCommand, runsCommands } from './project-commands.js';
import type { SessionMemory } from './session-memory.js';
import type { Sight } from './sight.js';
import type { OpenRequest } from './state.js';
import type { SessionSurroundings } from './surroundings.js';

interface Answer {
  readonly success: boolean;
  readonly text: string;
}

/** What carrying out tools needs of the session. */
export interface ToolCallContext {
  readonly around: SessionSurroundings;
  readonly memory: SessionMemory;
  readonly sight: Sight;
  readonly nudge: () => void;
}

/**
 * Carries out the tools that an agent calls, to drive others or to run a command of its project, beside its loop: waiting for another agent holds up nothing. The answer becomes a decision like
 * any other. A call that a daemon did not live to answer is carried out again by the next one, under the same key, so that a message goes once.
 */
export class ToolCalls {
  readonly #context: ToolCallContext;
  readonly #under_way = new Map<string, AbortController>();

  constructor(context: ToolCallContext) {
    this.#context = context;
  }

  /** Begins a call; harmless when it is under way. */
  begin(open: OpenRequest): void {
    if (this.#under_way.has(open.prompt_id)) return;
    const ending = new AbortController();
    this.#under_way.set(open.prompt_id, ending);
    this.#context.sight.calling(open.prompt_id, true);
    void this.#call(open, ending.signal);
  }

  /** Ends the calls whose requests are over; all of them where none is open. */
  endOthers(open: readonly OpenRequest[]): void {
    for (const [prompt_id, ending] of this.#under_way)
      if (!open.some((one) => one.prompt_id === prompt_id)) ending.abort();
  }

  async #call(open: OpenRequest, signal: AbortSignal): Promise<void> {
    const { around, memory, sight, nudge } = this.#context;
    const { agent, session_id } = memory.state;
    const { prompt_id, request } = open;
    try {
      const { tool, arguments: args } = request.action;
      const answer = runsCommands(agent, tool)
        ? await this.#runCommand(args, prompt_id, signal)
        : await around.callTool(agent, { tool: String(tool), arguments: args, key: prompt_id, signal });
      if (signal.aborted || !memory.state.requests.some((one) => one.prompt_id === prompt_id)) return;
      await memory.commit({
        type: 'decision',
        prompt_id,
        request_id: request.request_id,
        choice: answer.success ? 'answer' : 'unsupported',
        by: 'filare-agents',
        reason: answer.text,
        rule: null,
        outcome: answer.success ? 'answered' : 'rejected',
      });
    } catch (failure) {
      // What could not be written down is tried again: the request is still open.
      if (!signal.aborted)
        around.log.error({ session_id, prompt_id, err: asFilareError(failure) }, 'a call of a tool was not answered');
    } finally {
      this.#under_way.delete(prompt_id);
      sight.calling(prompt_id, false);
      nudge();
    }
  }

  /** A command of the project, in the agent's own container. */
  async #runCommand(args: unknown, key: string, signal: AbortSignal): Promise<Answer> {
    const { around, memory } = this.#context;
    const { agent, stage } = memory.state;
    const call = checkCommandCall(agent, args);
    if (typeof call === 'string') return { success: false, text: call };
    if (stage.phase !== 'running') return { success: false, text: 'the agent does not run' };
    try {
      const { variables, model_key_names } = await readSecrets(agent);
      const own = Object.entries(variables).filter(([name]) => !model_key_names.includes(name));
      return await runCommand(call, {
        engine: around.engine,
        container: stage.container.id,
        variables: Object.fromEntries(own),
        key,
        signal,
      });
    } catch (failure) {
      return { success: false, text: `${call.line.shown} could not be run: ${asFilareError(failure).message}` };
    }
  }
}
