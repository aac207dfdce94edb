import type { AgentEvent } from '../contract/agent-event.js';
import type { PromptOrigin, PromptOutcome, StandingRule } from '../contract/session.js';

/** A fact of ours that the story tells, or that it needs to tell what the agent does. */
export type StoryFact =
  /** A message was taken in; the story tells it when Codex shows it. */
  | {
      readonly type: 'message';
      readonly message_id: string;
      readonly from: string;
      readonly text: string;
      readonly mode: string;
    }
  | {
      readonly type: 'state';
      readonly phase: string;
      readonly text: string;
      readonly data: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: 'decision';
      readonly prompt_id: string;
      readonly choice: string;
      readonly by: string;
      readonly rule: string | null;
      readonly reason: string | null;
      readonly outcome: PromptOutcome;
      readonly remember: StandingRule | null;
    }
  /** A question that is no request of Codex. */
  | {
      readonly type: 'question';
      readonly prompt_id: string;
      readonly origin: Exclude<PromptOrigin, 'codex'>;
      readonly asked_by: string;
      readonly question: string;
      readonly choices: readonly string[];
      readonly suggested_reply: string | null;
      readonly severity: string;
    }
  | {
      readonly type: 'note' | 'warning' | 'error';
      readonly text: string;
      readonly data: Readonly<Record<string, unknown>>;
    };

/** What became of a request in the moment it was made. */
export interface Asked {
  /** A person is asked. */
  readonly asks: boolean;
  readonly categories: readonly string[];
}

/** One source of the story, in the order of the ledger and the journal. Times in milliseconds since the epoch. */
export type StorySource =
  | {
      readonly from: 'agent';
      readonly attempt: number;
      readonly time_ms: number;
      readonly event: AgentEvent;
      /** Of a request: what the policy said of it. */
      readonly asked?: Asked | undefined;
    }
  | { readonly from: 'fact'; readonly attempt: number; readonly time_ms: number; readonly fact: StoryFact }
  | { readonly from: 'branch'; readonly branch: string | null };
