import type { FilareError } from '../contract/errors.js';
import type { ChannelPaths, ChannelWriter, JournalLine } from '../channel/channel.js';
import { FifoWriter } from '../channel/fifo-writer.js';
import { JournalFile } from '../channel/journal-file.js';
import { CodexConnection } from '../codex/connection.js';

/** What happens with the lines of the journal. */
export interface LinkEvents {
  /** Takes lines in; reading goes on when it has resolved. */
  readonly take: (lines: readonly JournalLine[]) => Promise<void>;
  /** Reading failed for good: the journal was cut or replaced, or what it says could not be kept. */
  readonly broken: (failure: unknown) => void;
}

/** The daemon's hold on one attempt: the pipe in, the journal out, and the protocol over both. Ends with `close`. */
export class AttemptLink {
  readonly codex: CodexConnection;
  readonly #out: string;
  readonly #writer: ChannelWriter;
  readonly #ending = new AbortController();
  readonly #events: LinkEvents;
  #reading: Promise<void>;

  private constructor(paths: ChannelPaths, writer: ChannelWriter, from: number, prefix: string, events: LinkEvents) {
    this.#out = paths.out;
    this.#writer = writer;
    this.#events = events;
    this.codex = new CodexConnection({ writer, id_prefix: prefix });
    this.#reading = this.#read(from);
  }

  /** Opens the pipe and follows the journal from byte `from`. `prefix` makes request ids unique per hold. */
  static async open(paths: ChannelPaths, from: number, prefix: string, events: LinkEvents): Promise<AttemptLink> {
    const writer = await FifoWriter.open(paths.in);
    return new AttemptLink(paths, writer, from, prefix, events);
  }

  /** Writes a line as it is (the bootstrap of the container's entry). */
  write(line: string): Promise<void> {
    return this.#writer.write(line);
  }

  /** Lets go: nothing of the attempt changes, another daemon may take it up. */
  async close(cause: FilareError): Promise<void> {
    this.#ending.abort();
    this.codex.close(cause);
    await this.#reading;
    await this.#writer.close();
  }

  async #read(from: number): Promise<void> {
    try {
      const lines = new JournalFile(this.#out).read({ from, follow: true, signal: this.#ending.signal });
      for await (const batch of lines) await this.#events.take(batch);
    } catch (failure) {
      if (!this.#ending.signal.aborted) this.#events.broken(failure);
    }
  }
}
