/**
 * Carries out the tools of contract/tools.ts, for agents that orchestrate and for outside programs.
 *
 * Invariants: a caller reaches only the agents that it was given, and never itself; what it was not given it is told does not exist; every call is written
 * down with the caller's name before it is carried out; what a caller gets wrong is an answer, never a failure of the session that called.
 */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { AgentSpec } from '../contract/agent-spec.js';
import { asFilareError, FilareError } from '../contract/errors.js';
import type { Prompt, SessionRow } from '../contract/session.js';
import { isToolName, TOOLS, type ToolName } from '../contract/tools.js';
import type { CallLog } from './call-log.js';
import type { Fleet } from './fleet.js';
import { readTranscript } from './read-transcript.js';

const DEFAULT_ENTRIES = 50;
/** Longest text of an entry, and longest answer, that a tool gives, in characters. */
const MAX_TEXT_CHARS = 8_000;
const MAX_ANSWER_CHARS = 200_000;

/** Who calls, and what it may. */
export interface Caller {
  readonly name: string;
  /** Whether it may drive this agent. */
  readonly reaches: (agent: { readonly id: string; readonly tags: readonly string[] }) => boolean;
  readonly answer: 'none' | 'questions' | 'approvals' | 'all';
  /** The agents that it starts rehearse. */
  readonly rehearsed: boolean;
}

/** One call. `key`: the same key is the same call, also after a crash. */
export interface ToolCall {
  readonly tool: string;
  readonly arguments: unknown;
  readonly key: string;
  readonly signal: AbortSignal;
}

/** The answer: JSON as text for a model, and as data for a program. */
export interface ToolAnswer {
  readonly success: boolean;
  readonly text: string;
  readonly data?: unknown;
}

/** What the desk works with. */
export interface ToolDeskContext {
  readonly fleet: Fleet;
  readonly calls: CallLog;
  /** Agents that the project's manifests declare now; rejects with the manifests' mistakes. */
  readonly declared: () => Promise<readonly AgentSpec[]>;
}

type Input<N extends ToolName> = z.output<(typeof TOOLS)[N]['input']>;
type Tools = { readonly [N in ToolName]: (caller: Caller, input: Input<N>, call: ToolCall) => Promise<unknown> };

/** See the top of this file. */
export class ToolDesk {
  readonly #context: ToolDeskContext;
  readonly #tools: Tools;

  constructor(context: ToolDeskContext) {
    this.#context = context;
    this.#tools = {
      list_agents: (caller) => this.#listAgents(caller),
      start_agent: (caller, { agent }, { signal }) => this.#start(caller, agent, signal),
      stop_agent: async (caller, { agent }) =>
        this.#shortRow(await this.#fleet.stop(this.#ref(caller, agent), caller.name, undefined)),
      send_message: (caller, input, call) => this.#send(caller, input, call),
      wait_for_agent: (caller, input, { signal }) => this.#wait(caller, input, signal),
      read_transcript: (caller, input) => this.#read(caller, input),
      list_prompts: (caller) => Promise.resolve(this.#prompts(caller).map(shortPrompt)),
      answer_prompt: (caller, input) => this.#answer(caller, input),
    };
  }

  /** Carries a call out. Never rejects for what the caller got wrong; rejects when the call cannot be written down. */
  async call(caller: Caller, call: ToolCall): Promise<ToolAnswer> {
    const answered = await this.#context.calls.begin({
      caller: caller.name,
      tool: call.tool,
      arguments: call.arguments,
    });
    const answer = await this.#answerOf(caller, call);
    await answered(answer);
    return answer;
  }

  get #fleet(): Fleet {
    return this.#context.fleet;
  }

  async #answerOf(caller: Caller, call: ToolCall): Promise<ToolAnswer> {
    try {
      if (!isToolName(call.tool)) return refusal(`there is no tool ${call.tool}`);
      const data = await this.#carryOut(call.tool, caller, call);
      return { success: true, text: cut(JSON.stringify(data, null, 1), MAX_ANSWER_CHARS), data };
    } catch (failure) {
      const { message, hint } = asFilareError(failure);
      return refusal(hint === undefined ? message : `${message} (${hint})`);
    }
  }

  #carryOut(tool: ToolName, caller: Caller, call: ToolCall): Promise<unknown> {
    const parsed = TOOLS[tool].input.safeParse(call.arguments ?? {});
    if (!parsed.success) {
      const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'arguments'}: ${issue.message}`);
      throw new FilareError({
        code: 'usage',
        message: `${tool} cannot be called so: ${issues.slice(0, 5).join('; ')}`,
      });
    }
    // Parsed by the very schema that the tool's type is made of.
    const carryOut = this.#tools[tool] as (caller: Caller, input: unknown, call: ToolCall) => Promise<unknown>;
    return carryOut(caller, parsed.data, call);
  }

  /** The exact session that the caller means, among those that it may drive: others do not exist for it. */
  #row(caller: Caller, agent: string): SessionRow {
    const rows = this.#fleet.rows(true).filter((row) => caller.reaches(row));
    return this.#fleet.roster.resolve(agent, rows);
  }

  #ref(caller: Caller, agent: string): string {
    return this.#row(caller, agent).session_id;
  }

  async #listAgents(caller: Caller): Promise<unknown> {
    const latest = new Map(
      this.#fleet
        .rows(true)
        .filter((row) => caller.reaches(row))
        .map((row) => [row.id, row]),
    );
    const declared = await this.#context.declared().catch(() => []);
    const idle = declared.filter((agent) => caller.reaches(agent) && !latest.has(agent.id));
    return [
      ...[...latest.values()].map((row) => this.#shortRow(row)),
      ...idle.map((agent) => ({ id: agent.id, role: agent.role, phase: 'not started', tags: agent.tags })),
    ];
  }

  async #start(caller: Caller, agent: string, signal: AbortSignal): Promise<unknown> {
    const declared = (await this.#context.declared()).find((one) => one.id === agent);
    const known = declared ?? (await this.#fleet.agentOf(this.#ref(caller, agent)));
    if (!caller.reaches(known)) throw unknownAgent(agent);
    const [outcome] = await this.#fleet.starts.startAlong([known], caller.rehearsed, caller.name, signal);
    if (outcome === undefined || outcome.error !== null) {
      throw new FilareError({ code: 'bad_state', message: outcome?.error?.message ?? `${agent} was not started` });
    }
    return { outcome: outcome.outcome, ...(outcome.session === null ? {} : this.#shortRow(outcome.session)) };
  }

  async #send(caller: Caller, input: Input<'send_message'>, call: ToolCall): Promise<unknown> {
    const session = this.#fleet.live(this.#ref(caller, input.agent));
    return session.send({
      text: input.text,
      images: [],
      mode: 'default',
      from: caller.name,
      wait_ms: input.wait_seconds === undefined ? undefined : input.wait_seconds * 1000,
      key: createHash('sha256').update(call.key).digest('hex').slice(0, 12),
      signal: call.signal,
    });
  }

  async #wait(caller: Caller, input: Input<'wait_for_agent'>, signal: AbortSignal): Promise<unknown> {
    const session_id = this.#ref(caller, input.agent);
    const late = AbortSignal.timeout(input.timeout_seconds * 1000);
    try {
      const row = await this.#fleet.waitFor(session_id, input.until, AbortSignal.any([signal, late]));
      return { reached: true, ...this.#shortRow(row) };
    } catch (failure) {
      if (!late.aborted) throw failure;
      return { reached: false, ...this.#shortRow(this.#row(caller, session_id)) };
    }
  }

  async #read(caller: Caller, input: Input<'read_transcript'>): Promise<unknown> {
    const { entries, next_after, more } = await readTranscript(this.#fleet, this.#ref(caller, input.agent), {
      after: input.after,
      last: input.last,
      limit: input.limit ?? input.last ?? DEFAULT_ENTRIES,
    });
    const short = entries.map(({ seq, timestamp, direction, from, kind, text }) => ({
      seq,
      timestamp,
      direction,
      from,
      kind,
      ...(text === undefined ? {} : { text: cut(text, MAX_TEXT_CHARS) }),
    }));
    return { entries: short, next_after, more };
  }

  #prompts(caller: Caller): readonly Prompt[] {
    const reached = new Set(
      this.#fleet
        .rows(false)
        .filter((row) => caller.reaches(row))
        .map((row) => row.session_id),
    );
    return this.#fleet.prompts.filter((prompt) => reached.has(prompt.session_id));
  }

  async #answer(caller: Caller, input: Input<'answer_prompt'>): Promise<unknown> {
    const prompt = this.#prompts(caller).find((one) => one.prompt_id === input.prompt_id);
    if (prompt === undefined) {
      throw new FilareError({
        code: 'not_found',
        message: `no prompt ${input.prompt_id} is open`,
        hint: 'list_prompts',
      });
    }
    const may = caller.answer === 'all' || caller.answer === (prompt.kind === 'question' ? 'questions' : 'approvals');
    if (!may) {
      throw new FilareError({
        code: 'bad_state',
        message: `you may not answer ${prompt.kind === 'question' ? 'questions' : 'approvals'} of other agents: a person does`,
      });
    }
    const { prompt_id, choice, reason = null, revision } = { ...input, reason: input.reason };
    const record = await this.#fleet.inbox.decide(prompt_id, {
      choice,
      reason,
      by: caller.name,
      revision,
      remember: null,
    });
    return { prompt_id, decision: record.decision };
  }

  #shortRow(row: SessionRow): object {
    const { id, role, session_id, phase, activity, health, branch, pending_prompts, tokens, waiting_for, end_reason } =
      row;
    return {
      id,
      role,
      session_id,
      phase,
      activity,
      health,
      branch,
      pending_prompts,
      tokens: tokens.total,
      waiting_for,
      end_reason,
      tags: row.tags,
    };
  }
}

function shortPrompt(prompt: Prompt): object {
  const {
    prompt_id,
    revision,
    id,
    role,
    kind,
    summary,
    reason,
    requested_action,
    choices,
    suggested_reply,
    severity,
    categories,
    deadline,
  } = prompt;
  const action = JSON.stringify(requested_action);
  const what = action.length <= MAX_TEXT_CHARS ? requested_action : { shortened: cut(action, MAX_TEXT_CHARS) };
  return {
    prompt_id,
    revision,
    id,
    role,
    kind,
    summary: cut(summary, MAX_TEXT_CHARS),
    reason,
    requested_action: what,
    choices,
    suggested_reply,
    severity,
    categories,
    deadline,
  };
}

function unknownAgent(agent: string): FilareError {
  return new FilareError({ code: 'not_found', message: `no session or agent is called ${agent}`, hint: 'list_agents' });
}

function refusal(text: string): ToolAnswer {
  return { success: false, text };
}

function cut(text: string, max_chars: number): string {
  return text.length <= max_chars ? text : `${text.slice(0, max_chars)}… (${text.length - max_chars} more characters)`;
}
