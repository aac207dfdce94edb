import type { Conversation } from './conversation.js';
import type { Part, Plan, Step } from './plan.js';
import type { Values } from './template.js';

/** Who asks: from the headers that the agent's Codex sends. */
export interface Speaker {
  readonly agent: string;
  readonly role: string;
}

/** A part with the values of its variables, ready to be played. */
export interface Scene {
  readonly source: string;
  readonly steps: readonly Step[];
  readonly values: Values;
}

/** `matches` looks at this many characters of a message, so that no message can keep an expression busy for long. */
const MATCHED_CHARACTERS = 65_536;

/** The first part whose cue fits; else the echo; else, in a strict plan, undefined. */
export function chooseScene(plan: Plan, speaker: Speaker, conversation: Conversation): Scene | undefined {
  const values = {
    agent: speaker.agent,
    role: speaker.role,
    text: conversation.text,
    turn: String(conversation.turn),
    last_output: conversation.lastOutput,
  };
  for (const part of plan.parts) {
    const captures = fits(part, speaker, conversation);
    if (captures) return { source: part.source, steps: part.steps, values: { ...values, ...captures } };
  }
  if (plan.strict) return undefined;
  return { source: 'echo', steps: [{ kind: 'say', text: '{{text}}', pace: plan.pace }], values };
}

/** The captures of a part that fits (none without `matches`), or undefined. */
function fits({ cue }: Part, speaker: Speaker, conversation: Conversation): Values | undefined {
  if (cue.role && !includes(cue.role, speaker.role)) return undefined;
  if (cue.agent && !includes(cue.agent, speaker.agent)) return undefined;
  if (cue.turn !== undefined && cue.turn !== conversation.turn) return undefined;
  if (cue.text !== undefined && !conversation.text.toLowerCase().includes(cue.text.toLowerCase())) return undefined;
  if (!cue.matches) return {};
  const match = new RegExp(cue.matches.source, cue.matches.flags).exec(conversation.text.slice(0, MATCHED_CHARACTERS));
  return match
    ? Object.fromEntries(match.map((capture: string | undefined, index) => [String(index), capture ?? '']))
    : undefined;
}

function includes(names: readonly string[], name: string): boolean {
  return names.some((candidate) => candidate.toLowerCase() === name.toLowerCase());
}
