/**
 * What an agent did, in words that are not Codex's: codex/ makes these from journal lines, session/ and transcript/ live on them.
 * One journal line gives zero or more events.
 */

/** A finished or growing piece of work of the agent. */
export interface AgentItem {
  readonly item_id: string;
  readonly kind: 'message' | 'reply' | 'reasoning' | 'plan' | 'command' | 'file_change' | 'tool' | 'note';
  /** The readable text: the reply, the command line, the files changed, the tool and its arguments. */
  readonly text: string;
  /** Kind-specific facts, snake_case: command {command, cwd, exit_code, output, duration_ms, status}; file_change {changes: [{path, kind, diff}], status}; tool {server, tool, arguments, result, error, status}; message {message_id}. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** What an agent asks a person (or the policy) to decide. */
export interface AgentRequest {
  /** Codex's own id of the request: unique within one attempt only. */
  readonly request_id: string | number;
  readonly method: string;
  /** `approval`: command, file change, permissions. `question`: user input, elicitation, ask_operator. `tool`: another dynamic tool. `other`: something we cannot serve. */
  readonly kind: 'approval' | 'question' | 'tool' | 'other';
  readonly reason: string | null;
  /** One sentence: what it wants to do. */
  readonly summary: string;
  /** Facts: {type: 'command', command, cwd} | {type: 'file_change', item_id, grant_root} | {type: 'permissions', permissions} | {type:'question', questions} | {type:'tool', tool, arguments} … */
  readonly action: Readonly<Record<string, unknown>>;
  /** What may be answered, in our words: accept, decline, cancel. */
  readonly choices: readonly string[];
  readonly turn_id: string | null;
  readonly item_id: string | null;
}

/** Time the source itself gave, milliseconds since the epoch; null where it gave none. */
export type SourceTime = number | null;

/** One thing that an agent did. */
export type AgentEvent =
  | { readonly type: 'initialized'; readonly user_agent: string }
  | { readonly type: 'thread_started'; readonly thread_id: string }
  | { readonly type: 'turn_started'; readonly turn_id: string; readonly time_ms: SourceTime }
  | {
      readonly type: 'turn_ended';
      readonly turn_id: string;
      readonly status: 'completed' | 'interrupted' | 'failed';
      readonly error: string | null;
      readonly time_ms: SourceTime;
    }
  | { readonly type: 'item_started'; readonly turn_id: string; readonly item: AgentItem; readonly time_ms: SourceTime }
  | {
      readonly type: 'item_piece';
      readonly turn_id: string;
      readonly item_id: string;
      readonly kind: 'reply' | 'reasoning' | 'plan' | 'command';
      readonly text: string;
    }
  | { readonly type: 'item_done'; readonly turn_id: string; readonly item: AgentItem; readonly time_ms: SourceTime }
  /** Codex shows a message of ours: the proof of delivery. `message_id` null when it is not one of ours. */
  | {
      readonly type: 'message_shown';
      readonly turn_id: string;
      readonly message_id: string | null;
      readonly text: string;
      readonly time_ms: SourceTime;
    }
  | {
      readonly type: 'plan';
      readonly turn_id: string;
      readonly text: string;
      readonly data: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: 'tokens';
      readonly turn_id: string;
      readonly total: number;
      readonly input: number;
      readonly cached_input: number;
      readonly output: number;
      readonly reasoning: number;
    }
  | { readonly type: 'request'; readonly request: AgentRequest; readonly time_ms: SourceTime }
  | { readonly type: 'request_closed'; readonly request_id: string | number }
  /** Codex has taken a message into this turn, which it may show only later. */
  | { readonly type: 'message_accepted'; readonly turn_id: string }
  | {
      readonly type: 'response';
      readonly id: string | number;
      readonly result?: unknown;
      readonly error?: { readonly code: number; readonly message: string };
    }
  | { readonly type: 'warning'; readonly text: string; readonly data: Readonly<Record<string, unknown>> }
  | {
      readonly type: 'error';
      readonly text: string;
      readonly will_retry: boolean;
      readonly turn_id: string | null;
      readonly data: Readonly<Record<string, unknown>>;
    }
  /** Known to be of no interest to a reader of the story; still in the journal. */
  | { readonly type: 'quiet'; readonly method: string }
  /** Something this version does not know: shown raw, never fatal. */
  | { readonly type: 'unknown'; readonly method: string; readonly params: unknown }
  /** Bytes that are no message: not UTF-8, not JSON, or longer than the bound. */
  | {
      readonly type: 'unparsed';
      readonly reason: 'not_json' | 'not_utf8' | 'too_long';
      readonly preview: string;
      readonly bytes: number;
    };
