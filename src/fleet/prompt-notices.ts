import type { NotifyWay } from '../contract/agent-spec.js';
import type { Prompt, PromptRecord } from '../contract/session.js';
import type { NotifyEvent } from '../inbox/notify/notification.js';
import type { Notifier } from '../inbox/notify/notifier.js';
import type { Session } from '../session/session.js';
import type { OpenRequest, OwnPrompt } from '../session/state.js';

/** Tells somebody of a prompt; the notifier, as far as it is used. */
export type Tell = Notifier['tell'];

interface Known {
  readonly prompt: Prompt;
  readonly ways: readonly NotifyWay[];
  readonly reminded: boolean;
}

/**
 * Has operators told of prompts as their manifests say: when one opens, when one is reminded of, when it is over. That a prompt was handed over is written
 * down, so that the next daemon tells of those alone that nobody was told of: at least once, and hardly ever twice.
 */
export class PromptNotices {
  readonly #tell: Tell;
  readonly #known = new Map<string, Map<string, Known>>();

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** Something of this session changed, or it was just taken up. */
  look(session: Session): void {
    const { escalation } = session.state.agent;
    if (escalation.notify.length === 0) return;
    const { session_id } = session.state;
    const before = this.#known.get(session_id) ?? new Map<string, Known>();
    const open = session.openPrompts;
    if (open.length === 0 && before.size === 0) return;
    const now = new Map<string, Known>();
    for (const one of open) now.set(one.prompt_id, this.#open(session, one, before.get(one.prompt_id)));
    for (const [prompt_id, known] of before) if (!now.has(prompt_id)) this.#over(session.prompt(prompt_id), known);
    if (now.size === 0) this.#known.delete(session_id);
    else this.#known.set(session_id, now);
  }

  #open(session: Session, one: OpenRequest | OwnPrompt, before: Known | undefined): Known {
    const prompt = before?.prompt ?? session.show(one);
    const known: Known = { prompt, ways: session.state.agent.escalation.notify, reminded: one.reminded };
    if (before === undefined && !one.notified) {
      this.#say('prompt.opened', known);
      session.noteNotified(one.prompt_id);
    }
    if (before?.reminded === false && one.reminded) this.#say('prompt.reminder', known);
    return known;
  }

  #over(record: PromptRecord | undefined, known: Known): void {
    if (record?.decision == null) return;
    this.#tell('prompt.closed', known.prompt, known.ways, record.decision);
  }

  #say(event: NotifyEvent, known: Known): void {
    this.#tell(event, known.prompt, known.ways);
  }
}
