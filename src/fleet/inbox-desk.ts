import { asFilareError, FilareError } from '../contract/errors.js';
import type { Prompt, PromptRecord, StandingRule } from '../contract/session.js';
import { overFailure, promptRecord, type DecisionRequest } from '../session/decide.js';
import type { Session } from '../session/session.js';
import { sessionFiles } from '../session/session-files.js';
import { transcriptLines } from '../transcript/transcript-lines.js';
import type { FleetSurroundings } from './surroundings.js';
import { openMemory } from './open-memory.js';

/** Ended sessions that are searched for a prompt that no live one knows, newest first. */
const MAX_SEARCHED_SESSIONS = 200;

/** A session that has ended, as far as its prompts matter. */
interface EndedSession {
  readonly session_id: string;
  readonly folder: string;
  readonly started_at: string;
}

/** What the desk looks into. */
export interface InboxContext {
  readonly around: FleetSurroundings;
  readonly live: () => readonly Session[];
  readonly ended: () => readonly EndedSession[];
}

/** The inbox over all sessions: what is open, what became of what was, and the rules that answers made. */
export class InboxDesk {
  readonly #context: InboxContext;

  constructor(context: InboxContext) {
    this.#context = context;
  }

  /** Open prompts of all sessions, oldest first. */
  get prompts(): readonly Prompt[] {
    return this.#context
      .live()
      .flatMap((session) => session.prompts)
      .sort((a, b) => a.created_at.localeCompare(b.created_at) || a.prompt_id.localeCompare(b.prompt_id));
  }

  /** One prompt, open or over. `not_found` when no session knows it. */
  async prompt(prompt_id: string): Promise<PromptRecord> {
    const record = this.#liveRecord(prompt_id) ?? (await this.#endedRecord(prompt_id));
    if (record === undefined) throw unknownPrompt(prompt_id);
    return record;
  }

  /** Decides a prompt; see decide() in session/decide.ts. A rule that it makes "always" is kept for later sessions. */
  async decide(prompt_id: string, request: DecisionRequest): Promise<PromptRecord> {
    const session = this.#context.live().find((one) => one.prompt(prompt_id) !== undefined);
    if (session === undefined) {
      const over = await this.#endedRecord(prompt_id);
      throw over === undefined ? unknownPrompt(prompt_id) : overFailure(over);
    }
    const { record, rule } = await session.decide(prompt_id, request);
    if (rule?.scope === 'always') await this.#context.around.standing.add(rule);
    return record;
  }

  /** Rules that answers made: those that hold always, and those of live sessions. */
  get rules(): readonly StandingRule[] {
    const of_sessions = this.#context.live().flatMap((session) => session.state.rules);
    const all = new Map([...this.#context.around.standing.all, ...of_sessions].map((rule) => [rule.rule_id, rule]));
    return [...all.values()].sort((a, b) => a.created_at.localeCompare(b.created_at));
  }

  /** Takes a rule back everywhere, from now on. */
  async forgetRule(rule_id: string, by: string): Promise<StandingRule> {
    const rule = this.rules.find((one) => one.rule_id === rule_id);
    if (rule === undefined) {
      throw new FilareError({
        code: 'not_found',
        message: `no rule is called ${rule_id}`,
        hint: 'filare-agents feedback rules',
      });
    }
    const { standing, now_ms } = this.#context.around;
    await standing.forget(rule_id, by, new Date(now_ms()).toISOString());
    for (const session of this.#context.live()) await session.forgetRule(rule_id, by);
    return rule;
  }

  /** After a crash: a rule that a session wrote down as "always" is kept, though the daemon ended before it was. */
  async keepRules(): Promise<void> {
    for (const session of this.#context.live())
      for (const rule of session.state.rules)
        if (rule.scope === 'always') await this.#context.around.standing.add(rule);
  }

  #liveRecord(prompt_id: string): PromptRecord | undefined {
    for (const session of this.#context.live()) {
      const record = session.prompt(prompt_id);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  async #endedRecord(prompt_id: string): Promise<PromptRecord | undefined> {
    if (!/^p-[0-9a-z]+$/.test(prompt_id)) return undefined;
    const newest = [...this.#context.ended()].sort((a, b) => b.started_at.localeCompare(a.started_at));
    for (const session of newest.slice(0, MAX_SEARCHED_SESSIONS)) {
      if (!(await mentions(sessionFiles(session.folder).transcript, prompt_id))) continue;
      try {
        const memory = await openMemory(this.#context.around, session.session_id, session.folder);
        try {
          const record = promptRecord(memory.state, memory, prompt_id);
          if (record !== undefined) return record;
        } finally {
          await memory.close();
        }
      } catch (failure) {
        const { session_id } = session;
        this.#context.around.log.warn({ session_id, err: asFilareError(failure) }, 'a session cannot be searched');
      }
    }
    return undefined;
  }
}

async function mentions(path: string, word: string): Promise<boolean> {
  try {
    for await (const { bytes } of transcriptLines(path)) if (bytes.includes(word)) return true;
    return false;
  } catch {
    return false;
  }
}

function unknownPrompt(prompt_id: string): FilareError {
  return new FilareError({
    code: 'not_found',
    message: `no prompt ${prompt_id} is open`,
    hint: 'filare-agents feedback list',
  });
}
