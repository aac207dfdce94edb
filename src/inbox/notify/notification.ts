import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { RuleCondition } from '../../contract/agent-spec.js';
import { promptDecisionSchema, promptSchema, type Prompt, type PromptDecision } from '../../contract/session.js';
import { cutter, type CutLimit, type Cutter } from './cutter.js';

/** What a person can be told of a prompt. */
export const NOTIFY_EVENTS = ['prompt.opened', 'prompt.reminder', 'prompt.closed'] as const;
/** What a person is told of a prompt. */
export type NotifyEvent = (typeof NOTIFY_EVENTS)[number];

/** Largest notification, in bytes of JSON. */
export const MAX_NOTIFICATION_BYTES = 64 * 1024;

/** A notification: what webhooks and commands are given. Fields are added, never renamed or taken away. docs/notifications.md explains each. */
export const notificationSchema = z.strictObject({
  type: z.enum(NOTIFY_EVENTS),
  /** When it was made, RFC 3339 UTC; the same in every try. */
  sent_at: z.string(),
  /** Name of the project's folder, without its path. */
  project: z.string(),
  /** Texts were too long and were cut; `feedback show` has them whole. */
  cut: z.boolean(),
  prompt: promptSchema,
  /** Only of a closed prompt. */
  decision: promptDecisionSchema.optional(),
});
/** A notification. */
export type Notification = z.infer<typeof notificationSchema>;

/** What a notification is made of. */
export interface Occasion {
  readonly event: NotifyEvent;
  /** Name of the project's folder, without its path. */
  readonly project: string;
  /** With secrets masked already. */
  readonly prompt: Prompt;
  readonly decision?: PromptDecision | undefined;
}

/** No more than this can fit, so no more is tried. */
const all_chars = MAX_NOTIFICATION_BYTES;
/** Limits of free text, widest first; at the last one, whatever it holds, a notification stays under 64 KiB (six bytes a character at worst). */
const LIMITS: readonly CutLimit[] = [
  { chars: 16_384, all_chars, values: 4096 },
  { chars: 4096, all_chars, values: 1024 },
  { chars: 1024, all_chars, values: 256 },
  { chars: 256, all_chars, values: 64 },
  { chars: 64, all_chars, values: 32 },
];

/** The notification of an occasion, at most MAX_NOTIFICATION_BYTES: long texts end in a mark that says how much is missing, and then `cut` is true. */
export function notification(occasion: Occasion, now: Date): Notification {
  for (const limit of LIMITS) {
    const made = compose(occasion, now, cutter(limit));
    if (Buffer.byteLength(notificationText(made)) <= MAX_NOTIFICATION_BYTES) return made;
  }
  throw new Error(`the notification of ${occasion.prompt.prompt_id} cannot be made small enough`);
}

/** The notification as one line of JSON: the bytes that are sent and signed. */
export function notificationText(made: Notification): string {
  return JSON.stringify(made);
}

/** The same for the same prompt and event, however often and by whichever daemon it is told: receivers tell repeats by it. Each reminder is one of its own. */
export function notificationId({ type, sent_at, prompt }: Notification): string {
  const { session_id, prompt_id, revision } = prompt;
  const key = [type, session_id, prompt_id, revision, ...(type === 'prompt.reminder' ? [sent_at] : [])];
  return `msg_${createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32)}`;
}

/** Free text goes through `cut`; names that we made are short already and stay whole. */
function compose({ event, project, prompt, decision }: Occasion, now: Date, cut: Cutter): Notification {
  const orNull = (text: string | null): string | null => (text === null ? null : cut.text(text));
  const shown: Prompt = {
    ...prompt,
    workspace: cut.text(prompt.workspace),
    branch: orNull(prompt.branch),
    asked_by: cut.text(prompt.asked_by),
    reason: orNull(prompt.reason),
    summary: cut.text(prompt.summary),
    requested_action: cut.record(prompt.requested_action),
    choices: cut.texts(prompt.choices),
    suggested_reply: orNull(prompt.suggested_reply),
    rule_offer: prompt.rule_offer === null ? null : cutOffer(prompt.rule_offer, cut),
  };
  const decided = decision === undefined ? undefined : cutDecision(decision, orNull, cut);
  return {
    type: event,
    sent_at: now.toISOString(),
    project,
    cut: cut.cut,
    prompt: shown,
    ...(decided === undefined ? {} : { decision: decided }),
  };
}

function cutOffer({ command, category, path, tool }: RuleCondition, cut: Cutter): RuleCondition {
  return {
    ...(command === undefined ? {} : { command: cut.text(command) }),
    ...(category === undefined ? {} : { category }),
    ...(path === undefined ? {} : { path: cut.text(path) }),
    ...(tool === undefined ? {} : { tool: cut.text(tool) }),
  };
}

function cutDecision(
  decision: PromptDecision,
  orNull: (text: string | null) => string | null,
  cut: Cutter,
): PromptDecision {
  return {
    ...decision,
    choice: orNull(decision.choice),
    by: cut.text(decision.by),
    reason: orNull(decision.reason),
    rule: orNull(decision.rule),
  };
}
