import { AppendLog } from '../ledger/append-log.js';

/** How much of a call's arguments, and of its answer, is kept, in characters. */
const MAX_KEPT_CHARS = 4096;

/** One call of a tool, as it is written down. */
export interface ToolCallRecord {
  readonly caller: string;
  readonly tool: string;
  readonly arguments: unknown;
}

/** Every call of a tool with which agents are driven, with the caller's name: one record when it begins, one when it is answered. */
export class CallLog implements AsyncDisposable {
  readonly #log: AppendLog;
  readonly #now_ms: () => number;
  #count: number;

  private constructor(log: AppendLog, count: number, now_ms: () => number) {
    this.#log = log;
    this.#count = count;
    this.#now_ms = now_ms;
  }

  /** Opens or makes the file at `path`. */
  static async open(path: string, now_ms: () => number): Promise<CallLog> {
    let lines = 0;
    const { log } = await AppendLog.openLines(path, () => (lines += 1));
    return new CallLog(log, lines, now_ms);
  }

  /** Writes down that a call begins; durable when it resolves. The returned function writes down its answer. */
  async begin(
    call: ToolCallRecord,
  ): Promise<(answer: { readonly success: boolean; readonly text: string }) => Promise<void>> {
    const n = (this.#count += 1);
    const begun_ms = this.#now_ms();
    const at = new Date(begun_ms).toISOString();
    await this.#log.append({
      n,
      record: 'called',
      at,
      caller: call.caller,
      tool: call.tool,
      arguments: kept(call.arguments),
    });
    return async ({ success, text }) => {
      const took_ms = this.#now_ms() - begun_ms;
      await this.#log.append({ n, record: 'answered', success, took_ms, text: text.slice(0, MAX_KEPT_CHARS) });
    };
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Arguments as they are, or the beginning of their text where they are long. */
function kept(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined || text.length <= MAX_KEPT_CHARS ? value : `${text.slice(0, MAX_KEPT_CHARS)}…`;
}
