import { rm } from 'node:fs/promises';
import { renameSync } from 'node:fs';
import { dirname } from 'node:path';

import { FilareError } from '../contract/errors.js';
import type { LogDamage } from '../ledger/append-log.js';
import { FILE_IO, type LogIo } from '../ledger/log-file.js';
import { syncFolder } from '../ledger/replace-file.js';
import { ActivePart } from './active-part.js';
import { compressPart, type BeforeStep } from './compress-part.js';
import { GzPart } from './gz-part.js';
import { EMPTY_CHAIN, type ChainHead } from './line-chain.js';
import type { FoundEntry, Part, Wanted } from './part.js';
import { PlainPart, type PartSnapshot } from './plain-part.js';
import { listSegments, segmentPaths } from './segment-files.js';
import { FirstEntries, LastEntries, MAX_PAGE_BYTES, type TranscriptPage } from './transcript-page.js';

/** What is known of a transcript, to be stored: with it the next opening reads only what came after. */
export interface StoreSnapshot {
  /** Number of the newest segment; 0 when there is none. */
  readonly segment: number;
  /** Seq of the last entry, wherever it is. */
  readonly last_seq: number;
  readonly active: PartSnapshot;
}

/** How a transcript is opened. */
export interface StoreOptions {
  /** The seq that its first entry follows, where nothing on disk says so; an empty file begins at 1 without it. */
  readonly before?: number;
  /** What is known of it; the caller has seen that the file is the one that is meant. Ignored where segments were added since. */
  readonly resume?: StoreSnapshot | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Segment {
  readonly n: number;
  part: PlainPart | GzPart;
}

/**
 * The transcript of a session that is being written: closed segments, compressed or about to be, and the one active file. Its lines can be derived
 * again from the journal, so they are not synced; opening cuts off what a crash tore, and `last_seq` says from where to derive again.
 *
 * - `append` takes lines whose seq continue without gap or repeat, else it rejects with a plain Error: that is a bug;
 * - after a failed append `last_seq` is where it was: derive again from there. What waited behind it has failed with it;
 * - reading sees what was appended successfully, across segments, finds it by a sparse index, and holds one page;
 * - damaged lines inside the files are reported at opening, left in place, and left out of pages;
 * - `closeSegment` and `compress` may be cut short anywhere: the next opening finds each line once.
 * Errors: those of AppendLog; reading a file that is gone is `ended`, a damaged segment `bad_state`.
 */
export class TranscriptStore implements AsyncDisposable {
  readonly #path: string;
  readonly #io: LogIo;
  readonly #segments: Segment[];
  #active: ActivePart;
  readonly #ending = new AbortController();
  #compressing: Promise<void> = Promise.resolve();

  private constructor(path: string, segments: Segment[], active: ActivePart, io: LogIo) {
    this.#path = path;
    this.#segments = segments;
    this.#active = active;
    this.#io = io;
  }

  /** Opens or makes the transcript at `path`, with its segments beside it. */
  static async open(path: string, options: StoreOptions = {}, io: LogIo = FILE_IO): Promise<TranscriptStore> {
    const found = await listSegments(path);
    for (const left of found.half_made) await rm(left, { force: true });
    const segments: Segment[] = [];
    let begin: { before: number | undefined; chain: ChainHead } = { before: options.before, chain: EMPTY_CHAIN };
    for (const { n, gz } of found.segments) {
      const paths = segmentPaths(path, n);
      const part = gz ? await GzPart.open(paths.gz, paths.index, begin) : await PlainPart.read(paths.plain, begin, io);
      // A crash came between: the compressed one was whole before it had its name.
      if (gz) await rm(paths.plain, { force: true });
      segments.push({ n, part });
      begin = { before: Math.max(part.last_seq, begin.before ?? 0), chain: part.chain };
    }
    const { resume } = options;
    const fits = resume !== undefined && resume.segment === (segments.at(-1)?.n ?? 0);
    const active = await ActivePart.open(
      path,
      { ...begin, signal: options.signal, resume: fits ? resume.active : undefined },
      io,
    );
    return new TranscriptStore(path, segments, active, io);
  }

  /** Damaged lines and gaps of the active file that were found at opening. */
  get damage(): readonly LogDamage[] {
    return this.#active.part.damage;
  }

  /** Bytes that opening cut off. */
  get cut_bytes(): number {
    return this.#active.cut_bytes;
  }

  /** Seq of the first entry; 0 when there is none. */
  get first_seq(): number {
    return this.#segments[0]?.part.first_seq ?? this.#active.part.first_seq;
  }

  /** Seq of the last entry that is written. */
  get last_seq(): number {
    return this.#active.last_seq;
  }

  /** Bytes in the active file. */
  get bytes(): number {
    return this.#active.part.end;
  }

  /** Time of the first entry in the active file, in milliseconds since the epoch; 0 when it is empty. */
  get since_ms(): number {
    return this.#active.part.since_ms;
  }

  /** The checksum of all lines. */
  get chain(): ChainHead {
    return this.#active.part.chain;
  }

  /** Segments that are not compressed. */
  get pending(): number {
    return this.#segments.filter(({ part }) => part instanceof PlainPart).length;
  }

  /** What is known of it now, to be stored. */
  snapshot(): StoreSnapshot {
    return { segment: this.#segments.at(-1)?.n ?? 0, last_seq: this.last_seq, active: this.#active.part.snapshot() };
  }

  /** Resolves when the lines are written (one write, not synced) and can be read. `lastSeq` is the seq of the last of them. */
  append(entries: readonly string[], lastSeq: number): Promise<void> {
    return this.#active.append(entries, lastSeq);
  }

  /** Resolves when everything that was appended is on the disk. */
  flush(): Promise<void> {
    return this.#active.flush();
  }

  /** Closes the active file off as a segment, all of it on the disk, and begins a new one. Not beside an append. */
  async closeSegment(before_step: BeforeStep = () => undefined): Promise<void> {
    const before = this.last_seq;
    const { part } = this.#active;
    const n = (this.#segments.at(-1)?.n ?? 0) + 1;
    before_step('flush');
    await this.#active.flush();
    before_step('name the part');
    const { plain } = segmentPaths(this.#path, n);
    // In one go: a reader finds it under the name that it knows.
    renameSync(this.#path, plain);
    part.path = plain;
    this.#segments.push({ n, part });
    before_step('begin a new file');
    const closed = this.#active;
    try {
      this.#active = await ActivePart.open(this.#path, { before, chain: part.chain }, this.#io);
    } catch (failure) {
      // The old file goes on: nothing was lost, and there is one active file.
      renameSync(plain, this.#path);
      part.path = this.#path;
      this.#segments.pop();
      throw failure;
    }
    await closed.close();
    await syncFolder(dirname(this.#path));
  }

  /** Compresses the segments that are not, one after the other; ends early when the store is closed. Not twice at once. */
  compress(before_step?: BeforeStep): Promise<void> {
    this.#compressing = this.#compressing.catch(() => undefined).then(() => this.#compress(before_step));
    return this.#compressing;
  }

  /** Up to `limit` entries after `seq`. */
  readAfter(seq: number, limit: number): Promise<TranscriptPage> {
    return this.#page({ after: seq }, limit, '');
  }

  /** Up to `limit` entries after `after` that are not older than `time_ms` (milliseconds since the epoch), whatever the clock did between them. */
  readSince(time_ms: number, limit: number, after = 0): Promise<TranscriptPage> {
    return this.#page({ after, since_ms: time_ms }, limit, new Date(time_ms).toISOString());
  }

  /** The last `n` entries, or as many of them as fit a page. */
  async readLast(n: number): Promise<TranscriptPage> {
    const last = this.last_seq;
    const after = Math.max(0, last - n);
    const lines: string[] = [];
    let left = MAX_PAGE_BYTES;
    for (let upto = last; upto > after;) {
      const part = this.#partWith((one) => one.first_seq !== 0 && one.first_seq <= upto, 'last');
      if (part === undefined) break;
      const found = new LastEntries(left);
      const until = upto;
      const seen = await this.#scan(part, { after, most_bytes: left }, (entry) =>
        entry.head.seq > until ? 'stop' : found.take(entry),
      );
      if (seen === 'moved') continue;
      if (lines.length > 0 && found.bytes > left) break;
      lines.unshift(...found.lines);
      left -= found.bytes;
      if (found.full || left <= 0) break;
      upto = part.first_seq - 1;
    }
    return { lines, next_after: last, more: false };
  }

  /** Waits for what was appended, ends a compression that is under way, and closes the file. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#compressing.catch(() => undefined);
    await this.#active.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #compress(before_step: BeforeStep | undefined): Promise<void> {
    let begin: { before: number | undefined; chain: ChainHead } = { before: undefined, chain: EMPTY_CHAIN };
    for (const segment of [...this.#segments]) {
      const { part } = segment;
      if (part instanceof PlainPart) {
        const paths = segmentPaths(this.#path, segment.n);
        const options = { signal: this.#ending.signal, before_step };
        const index = await compressPart(paths, { ...begin, before: part.first_seq - 1 }, options);
        segment.part = new GzPart(paths.gz, index);
        before_step?.('remove the plain one');
        await rm(paths.plain, { force: true });
      }
      begin = { before: segment.part.last_seq, chain: segment.part.chain };
    }
  }

  async #page(wanted: Wanted, limit: number, since: string): Promise<TranscriptPage> {
    const first = new FirstEntries(wanted.after, limit, since);
    for (let after = wanted.after; ;) {
      const part = this.#partWith((one) => one.last_seq > after, 'first');
      if (part === undefined) break;
      const { last_seq } = part;
      const seen = await this.#scan(part, { ...wanted, after }, (entry) => first.take(entry));
      if (seen === 'stopped') break;
      if (seen === 'done') after = last_seq;
    }
    return first.page;
  }

  #partWith(holds: (part: Part) => boolean, which: 'first' | 'last'): Part | undefined {
    const parts: Part[] = [...this.#segments.map((segment) => segment.part), this.#active.part];
    return which === 'first' ? parts.find(holds) : parts.findLast(holds);
  }

  /** `moved`: the part was compressed in the moment in which it was to be opened. */
  async #scan(
    part: Part,
    wanted: Wanted,
    visit: (entry: FoundEntry) => 'go on' | 'stop',
  ): Promise<'done' | 'stopped' | 'moved'> {
    try {
      return await part.scan(wanted, visit);
    } catch (failure) {
      const is_gone = failure instanceof FilareError && failure.code === 'ended';
      const is_ours = part === this.#active.part || this.#segments.some((segment) => segment.part === part);
      if (is_gone && !is_ours) return 'moved';
      throw failure;
    }
  }
}
