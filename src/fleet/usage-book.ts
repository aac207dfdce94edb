import { z } from 'zod';
import type { UsageRow } from '../contract/api-shapes.js';
import { tokensSchema, type SessionRow, type Tokens } from '../contract/session.js';
import { AppendLog } from '../ledger/append-log.js';
import { NO_TOKENS } from '../session/state.js';
import { minusTokens, plusTokens } from '../session/token-sums.js';

const recordSchema = z.object({
  at: z.string(),
  session_id: z.string(),
  id: z.string(),
  role: z.string(),
  /** Totals of the session's thread then. */
  tokens: tokensSchema,
});
type UsageRecord = z.infer<typeof recordSchema>;

/**
 * Tokens used, kept when sessions end: one record a turn, with the totals of its thread, so that one that is written twice, or missed by a crash, changes
 * nothing of the sum. An append-only file of the project.
 */
export class UsageBook implements AsyncDisposable {
  readonly #log: AppendLog;
  readonly #records: UsageRecord[];
  /** Last total of each session. */
  readonly #totals = new Map<string, number>();

  private constructor(log: AppendLog, records: UsageRecord[]) {
    this.#log = log;
    this.#records = records;
    for (const { session_id, tokens } of records) this.#totals.set(session_id, tokens.total);
  }

  /** Opens or makes the file at `path`. */
  static async load(path: string): Promise<UsageBook> {
    const { log, records } = await AppendLog.open(path, { parse: recordSchema });
    return new UsageBook(log, records);
  }

  /** Writes down what a session has used, where that has grown. A power failure may lose the last turns; the next record makes up for them. */
  async note(row: SessionRow, now_ms: number): Promise<void> {
    if (row.tokens.total <= (this.#totals.get(row.session_id) ?? 0)) return;
    this.#totals.set(row.session_id, row.tokens.total);
    const { session_id, id, role, tokens } = row;
    const record = { at: new Date(now_ms).toISOString(), session_id, id, role, tokens };
    this.#records.push(record);
    await this.#log.appendUnsynced([JSON.stringify(record)]);
  }

  /** A row for each agent and day (UTC), oldest first; `since_ms`: only records from then on, counted from what was used before. */
  rows(since_ms = 0): readonly UsageRow[] {
    const rows = new Map<string, UsageRow & { readonly of: Set<string> }>();
    const before = new Map<string, Tokens>();
    for (const { at, session_id, id, role, tokens } of this.#records) {
      const used = minusTokens(tokens, before.get(session_id) ?? NO_TOKENS);
      before.set(session_id, tokens);
      if (Date.parse(at) < since_ms) continue;
      const day = at.slice(0, 10);
      const row = rows.get(`${day} ${id}`) ?? { day, id, role, sessions: 0, turns: 0, ...NO_TOKENS, of: new Set() };
      row.of.add(session_id);
      rows.set(`${day} ${id}`, { ...row, ...plusTokens(row, used), sessions: row.of.size, turns: row.turns + 1 });
    }
    return [...rows.values()]
      .map(({ of: _, ...row }) => row)
      .sort((a, b) => a.day.localeCompare(b.day) || a.id.localeCompare(b.id));
  }

  async close(): Promise<void> {
    await this.#log.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
