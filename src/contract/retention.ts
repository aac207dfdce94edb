/** Which ended sessions are kept. Null: that says nothing. */
export interface Retention {
  /** Those that ended within so many days. */
  readonly days: number | null;
  /** The last so many of each agent. */
  readonly keep_last: number | null;
  /** Whatever else is kept, all of it together takes at most so much disk, in bytes: the oldest go first, those of `keep_last` never. */
  readonly total_bytes: number | null;
}
