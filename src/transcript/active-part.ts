import { AppendLog } from '../ledger/append-log.js';
import { FILE_IO, type LogIo } from '../ledger/log-file.js';
import { readHead } from './entry-head.js';
import { PlainPart, type PartBegin } from './plain-part.js';

/** The file of a transcript that is written to. Contract: see TranscriptStore. */
export class ActivePart {
  readonly part: PlainPart;
  /** Bytes that opening cut off. */
  readonly cut_bytes: number;
  readonly #log: AppendLog;
  readonly #before: number;
  /** The append that the next one waits for. */
  #turn: Promise<void> | undefined;

  private constructor(part: PlainPart, log: AppendLog, cut_bytes: number, before: number) {
    this.part = part;
    this.#log = log;
    this.cut_bytes = cut_bytes;
    this.#before = before;
  }

  /** Opens or makes it, and reads what is not known of it. */
  static async open(
    path: string,
    options: PartBegin & { readonly signal?: AbortSignal | undefined },
    io: LogIo = FILE_IO,
  ): Promise<ActivePart> {
    const part = new PlainPart(path, options, io);
    const { log, cut_bytes } = await AppendLog.openLines(
      path,
      (line) => part.see(line),
      { signal: options.signal, from: part.end },
      io,
    );
    part.seen();
    return new ActivePart(part, log, cut_bytes, options.before ?? 0);
  }

  /** Seq of the last entry that is written, here or before it. */
  get last_seq(): number {
    return this.part.last_seq === 0 ? this.#before : this.part.last_seq;
  }

  /** Resolves when the lines are written (one write, not synced). `lastSeq` is the seq of the last of them. */
  async append(entries: readonly string[], lastSeq: number): Promise<void> {
    const turn = this.#write(entries, lastSeq, this.#turn);
    this.#turn = turn;
    try {
      await turn;
    } finally {
      if (this.#turn === turn) this.#turn = undefined;
    }
  }

  /** Resolves when everything that was appended is on the disk. */
  async flush(): Promise<void> {
    await this.#turn?.catch(() => undefined);
    await this.#log.flush();
  }

  /** Waits for what was appended and closes the file. */
  async close(): Promise<void> {
    await this.#turn?.catch(() => undefined);
    await this.#log.close();
  }

  /** One at a time: when the one before fails, this one fails with it, and no hole comes to be. */
  async #write(entries: readonly string[], lastSeq: number, before: Promise<void> | undefined): Promise<void> {
    await before;
    const expected = this.last_seq + 1;
    const heads = entries.map((entry, at) => {
      const head = readHead(entry);
      if (head?.seq === expected + at) return head;
      throw new Error(
        `entry with seq ${head?.seq ?? 'unknown'} where ${expected + at} must follow in ${this.#log.path}`,
      );
    });
    if (expected + heads.length - 1 !== lastSeq) {
      throw new Error(`${heads.length} entries from seq ${expected} on do not end with seq ${lastSeq}`);
    }
    await this.#log.appendUnsynced(entries);
    for (const [at, head] of heads.entries()) this.part.add(head, entries[at] ?? '');
  }
}
