import { z } from 'zod';
import type { AgentRequest } from '../contract/agent-event.js';
import type { TranscriptEntry } from '../contract/transcript.js';

/** An approval that an agent asked for in the past, and what became of it. */
export interface PastApproval {
  readonly prompt_id: string;
  readonly session_id: string;
  /** The agent that asked. */
  readonly id: string;
  readonly timestamp: string;
  readonly request: AgentRequest;
  readonly decision: PastDecision | null;
}

/** How a past approval was decided. */
export interface PastDecision {
  /** As it was chosen: `accept`, `decline`, `cancel`. */
  readonly choice: string;
  /** What that came to; null where it was neither. */
  readonly effect: 'approve' | 'reject' | null;
  readonly by: string;
  readonly rule: string | null;
}

const promptSchema = z.object({
  prompt_id: z.string(),
  kind: z.literal('approval'),
  method: z.string(),
  reason: z.string().nullish(),
  requested_action: z.record(z.string(), z.unknown()),
  choices: z.array(z.string()),
});

const decisionSchema = z.object({
  prompt_id: z.string(),
  choice: z.string().nullish(),
  outcome: z.string().nullish(),
  by: z.string(),
  rule: z.string().nullish(),
});

const EFFECTS: ReadonlyMap<string, 'approve' | 'reject'> = new Map([
  ['accept', 'approve'],
  ['approved', 'approve'],
  ['decline', 'reject'],
  ['cancel', 'reject'],
  ['rejected', 'reject'],
  ['cancelled', 'reject'],
]);

/** The approvals in transcripts of any sessions, in the order they were asked; what is in a shape that this version does not know is left out. */
export function pastApprovals(entries: Iterable<TranscriptEntry>): PastApproval[] {
  const asked: Omit<PastApproval, 'decision'>[] = [];
  const decided = new Map<string, PastDecision>();
  for (const entry of entries) {
    if (entry.kind === 'prompt') {
      const approval = readPrompt(entry);
      if (approval !== null) asked.push(approval);
    } else if (entry.kind === 'decision') {
      const found = decisionSchema.safeParse(entry.data);
      // The first that decided it decided it.
      if (found.success && !decided.has(keyOf(entry.session_id, found.data.prompt_id)))
        decided.set(keyOf(entry.session_id, found.data.prompt_id), readDecision(found.data));
    }
  }
  return asked.map((one) => ({ ...one, decision: decided.get(keyOf(one.session_id, one.prompt_id)) ?? null }));
}

function keyOf(session_id: string, prompt_id: string): string {
  return JSON.stringify([session_id, prompt_id]);
}

function readPrompt(entry: TranscriptEntry): Omit<PastApproval, 'decision'> | null {
  const found = promptSchema.safeParse(entry.data);
  if (!found.success) return null;
  const { prompt_id, kind, method, reason, requested_action, choices } = found.data;
  return {
    prompt_id,
    session_id: entry.session_id,
    id: entry.from,
    timestamp: entry.timestamp,
    request: {
      request_id: prompt_id,
      method,
      kind,
      reason: reason ?? null,
      summary: entry.text ?? '',
      action: requested_action,
      choices,
      turn_id: null,
      item_id: null,
    },
  };
}

function readDecision(data: z.infer<typeof decisionSchema>): PastDecision {
  const choice = data.choice ?? data.outcome ?? '';
  return {
    choice,
    effect: EFFECTS.get(data.outcome ?? '') ?? EFFECTS.get(choice) ?? null,
    by: data.by,
    rule: data.rule ?? null,
  };
}
