/** Characters of one piece of a reply or of reasoning, as a model streams them, and of one piece of a command's output. */
export const TEXT_PIECE_CHARS = 12;
export const OUTPUT_PIECE_CHARS = 80;

/** How much of each a turn has. */
export interface TurnMix {
  readonly reasoning_pieces: number;
  readonly reply_pieces: number;
  readonly output_pieces: number;
  /** Characters of a command's output that came in no piece. */
  readonly quiet_output_chars: number;
}

/** A turn as a working agent has them: mostly pieces of text, a command, an edit, counts of tokens. */
export const WORKING: TurnMix = { reasoning_pieces: 12, reply_pieces: 60, output_pieces: 6, quiet_output_chars: 0 };
/** A turn that is mostly one long command output, so that journal and transcript grow alike. */
export const BULKY: TurnMix = { reasoning_pieces: 4, reply_pieces: 12, output_pieces: 4, quiet_output_chars: 24_000 };

/** What is in a turn, to be counted at the other end. */
export interface TurnContents {
  /** Notifications in the journal. */
  readonly lines: number;
  /** Of them, pieces of unfinished items. */
  readonly pieces: number;
  /** Entries that the transcript tells of it. */
  readonly entries: number;
}

const ENTRIES_A_TURN = 8;

/** What a turn of this mix holds. */
export function contentsOf(mix: TurnMix): TurnContents {
  const pieces = mix.reasoning_pieces + mix.reply_pieces + mix.output_pieces;
  return { lines: turnLines('t', 's', 0, mix).length, pieces, entries: ENTRIES_A_TURN };
}

/** The journal of so many turns, as Codex writes it, with texts that name session and turn. */
export function journalOf(thread_id: string, session: string, first: number, turns: number, mix: TurnMix): Buffer {
  const lines: string[] = [];
  for (let turn = first; turn < first + turns; turn += 1) lines.push(...turnLines(thread_id, session, turn, mix));
  return Buffer.from(`${lines.join('\n')}\n`);
}

function turnLines(threadId: string, session: string, turn: number, mix: TurnMix): readonly string[] {
  const turnId = `01a20595-0389-7da1-96c5-${turn.toString(16).padStart(12, '0')}`;
  const emittedAtMs = 1_795_389_982_000 + turn;
  const of = { threadId, turnId };
  const usage = {
    totalTokens: 975 + turn,
    inputTokens: 929,
    cachedInputTokens: 895,
    outputTokens: 46,
    reasoningOutputTokens: 15,
  };
  const lines: string[] = [];
  const say = (method: string, params: object): void => {
    lines.push(JSON.stringify({ method, params, emittedAtMs }));
  };
  const item = (fields: { readonly id: string; readonly type: string }, begun: object, done: object): (() => void) => {
    say('item/started', { item: { ...fields, ...begun, startedAtMs: emittedAtMs }, ...of, startedAtMs: emittedAtMs });
    return () => {
      say('item/completed', {
        item: { ...fields, ...done, completedAtMs: emittedAtMs },
        ...of,
        completedAtMs: emittedAtMs,
      });
    };
  };
  const pieces = (method: string, itemId: string, count: number, chars: number, more: object): string => {
    let all = '';
    for (let n = 0; n < count; n += 1) {
      const delta = `${session}/${turn}/${n} `.padEnd(chars, 'lorem ipsum dolor ').slice(0, chars);
      say(method, { ...of, itemId, delta, ...more });
      all += delta;
    }
    return all;
  };
  const usageUpdate = (): void => {
    say('thread/tokenUsage/updated', { ...of, tokenUsage: { total: usage, last: usage, modelContextWindow: 258_400 } });
    say('account/rateLimits/updated', {
      rateLimits: { limitId: 'codex', primary: null, secondary: null, credits: null },
    });
  };
  const state = { id: turnId, items: [], itemsView: 'notLoaded', error: null };

  say('thread/status/changed', { threadId, status: { type: 'active', activeFlags: [] } });
  say('turn/started', { threadId, turn: { ...state, status: 'inProgress' } });
  const content = [{ type: 'text', text: `message ${turn} of ${session}`, text_elements: [] }];
  item({ type: 'userMessage', id: `user-${turnId}` }, { clientId: null, content }, { clientId: null, content })();

  const thought = `rs_${turnId}`;
  const endThought = item({ type: 'reasoning', id: thought }, { summary: [] }, { summary: ['thought about it'] });
  pieces('item/reasoning/summaryTextDelta', thought, mix.reasoning_pieces, TEXT_PIECE_CHARS, { summaryIndex: 0 });
  endThought();
  usageUpdate();

  const call = `call_${turnId}`;
  const command = { command: "/bin/bash -c 'npm test'", cwd: '/home/agent/workspace', source: 'unifiedExecStartup' };
  const result: { aggregatedOutput: string } = { aggregatedOutput: '' };
  const endCommand = item({ type: 'commandExecution', id: call }, { ...command, status: 'inProgress' }, result);
  result.aggregatedOutput =
    pieces('item/commandExecution/outputDelta', call, mix.output_pieces, OUTPUT_PIECE_CHARS, {}) +
    'ok 1 - all is as it should be\n'.repeat(Math.ceil(mix.quiet_output_chars / 30));
  Object.assign(result, { ...command, status: 'completed', exitCode: 0, durationMs: 12 });
  endCommand();

  const changes = [{ path: 'greeter/farewell.py', kind: { type: 'add' }, diff: '+def farewell():\n+    pass\n' }];
  const edit = { changes, status: 'completed' };
  item({ type: 'fileChange', id: `edit_${turnId}` }, edit, edit)();
  say('turn/diff/updated', { ...of, diff: '+def farewell():\n'.repeat(60) });
  usageUpdate();

  const reply = `msg_${turnId}`;
  const said: { text: string } = { text: '' };
  const endReply = item({ type: 'agentMessage', id: reply }, { text: '', phase: 'final_answer' }, said);
  said.text = pieces('item/agentMessage/delta', reply, mix.reply_pieces, TEXT_PIECE_CHARS, {});
  endReply();
  usageUpdate();
  say('turn/completed', { threadId, turn: { ...state, status: 'completed', durationMs: 2313 } });
  say('thread/status/changed', { threadId, status: { type: 'idle' } });
  return lines;
}
