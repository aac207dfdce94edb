import { asFilareError } from '../contract/errors.js';
import { readSeals, type TranscriptSeal } from '../ledger/transcript-seals.js';
import { readHead } from './entry-head.js';
import { FIRST_LINK, nextLink } from './line-chain.js';
import { transcriptLines } from './transcript-lines.js';

/** Problems that are told of one transcript; more are counted. */
const MAX_PROBLEMS = 100;

/** Something that is not as it was written. */
export interface TranscriptProblem {
  /** The first seq that may be concerned. */
  readonly seq: number;
  readonly text: string;
}

/** What can be said of a transcript. */
export interface TranscriptVerdict {
  readonly lines: number;
  readonly last_seq: number;
  /** The link after the last line: write it down elsewhere to hold the transcript to it later. */
  readonly link: string;
  /** Entries up to this seq are those whose checksum was recorded; what comes after it is not covered. */
  readonly sealed_seq: number;
  readonly problems: readonly TranscriptProblem[];
}

/** The checksums that stand in the project's ledger at `path`, by session. */
export function recordedSeals(path: string): Promise<ReadonlyMap<string, readonly TranscriptSeal[]>> {
  return readSeals(path);
}

/**
 * Holds the transcript at `path` against the checksums that were recorded of it: notices a line that was cut, lost, edited, added or put
 * elsewhere. An edit that left the line an entry is placed between two seals. After the last seal only order and form can be looked at. Changes nothing.
 */
export async function verifyTranscript(path: string, seals: readonly TranscriptSeal[]): Promise<TranscriptVerdict> {
  const check = new Check(seals);
  try {
    for await (const { bytes, file, line } of transcriptLines(path)) check.see(bytes, `${file}:${line}`);
  } catch (failure) {
    const { code, message } = asFilareError(failure);
    if (code !== 'bad_state' && code !== 'not_found') throw failure;
    check.problem(message);
  }
  return check.finish();
}

class Check {
  readonly #seals: readonly TranscriptSeal[];
  readonly #problems: TranscriptProblem[] = [];
  #next_seal = 0;
  #lines = 0;
  #last_seq = 0;
  #link = FIRST_LINK;
  /** Up to here the recorded checksums fit. */
  #sealed_seq = 0;
  /** Since the last seal a problem was told: that its checksum differs is no news. */
  #is_told = false;

  constructor(seals: readonly TranscriptSeal[]) {
    this.#seals = [...seals].sort((a, b) => a.last_seq - b.last_seq);
  }

  problem(text: string, seq = this.#last_seq + 1): void {
    this.#is_told = true;
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push({ seq, text });
  }

  see(bytes: Buffer, place: string): void {
    this.#lines += 1;
    const head = readHead(bytes);
    const expected = this.#last_seq + 1;
    if (head === undefined || !isJson(bytes)) {
      this.problem(`seq ${expected}: the line at ${place} is cut, or no entry`);
    } else if (head.seq < expected) {
      this.problem(`seq ${head.seq} at ${place} comes after seq ${this.#last_seq}: added, or put elsewhere`, head.seq);
    } else if (head.seq > expected) {
      const lost = head.seq === expected + 1 ? `seq ${expected} is` : `seq ${expected} to ${head.seq - 1} are`;
      this.problem(`${lost} missing before ${place}`);
    }
    this.#passSeals(head?.seq ?? 0);
    this.#link = nextLink(this.#link, bytes);
    this.#last_seq = Math.max(this.#last_seq, head?.seq ?? 0);
    this.#atSeal();
  }

  finish(): TranscriptVerdict {
    const last = this.#seals.at(-1);
    if (last !== undefined && last.last_seq > this.#last_seq) {
      this.problem(
        `it ends at seq ${this.#last_seq}; on ${last.at} it reached to seq ${last.last_seq}: the rest is lost`,
      );
    }
    return {
      lines: this.#lines,
      last_seq: this.#last_seq,
      link: this.#link,
      sealed_seq: this.#sealed_seq,
      problems: this.#problems,
    };
  }

  /** A seal whose own entry is lost: what follows is held against the next one. */
  #passSeals(seq: number): void {
    for (let seal = this.#seals[this.#next_seal]; seal !== undefined && seal.last_seq < seq;) {
      if (seal.last_seq <= this.#last_seq) break;
      this.#goOnFrom(seal);
      seal = this.#seals[this.#next_seal];
    }
  }

  #atSeal(): void {
    for (
      let seal = this.#seals[this.#next_seal];
      seal?.last_seq === this.#last_seq;
      seal = this.#seals[this.#next_seal]
    ) {
      const fits = seal.link === this.#link;
      if (!fits && !this.#is_told) {
        const first = (this.#seals[this.#next_seal - 1]?.last_seq ?? 0) + 1;
        this.problem(
          `between seq ${first} and ${seal.last_seq} a line is not what it was on ${seal.at}: edited, or put elsewhere`,
          first,
        );
      }
      if (fits && this.#problems.length === 0) this.#sealed_seq = seal.last_seq;
      this.#goOnFrom(seal);
    }
  }

  /** From here on the lines are held against what was recorded, whatever came before. */
  #goOnFrom(seal: TranscriptSeal): void {
    this.#link = seal.link;
    this.#next_seal += 1;
    this.#is_told = false;
  }
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
