/**
 * The story of a session for people: a line with time and speaker for every entry, and what an agent is just saying as it says it. Contract:
 * - a text that was streamed in pieces is not printed again when its item is finished: only what was missing, and for a command how it ended;
 * - everything that came from the agent is made safe, also when an escape sequence is spread over pieces;
 * - nothing is ever redrawn: the same bytes are right on a terminal, in a file and in a pager.
 */
import type { Piece, TranscriptEntry } from '../contract/transcript.js';
import { TerminalText } from '../transcript/sanitize.js';
import { entryBody, type BodyLine } from './tail-entry.js';
import type { Output } from './output.js';
import { paint, styled, type Span, type Style } from './style.js';

const INDENT = '  ';
/** Items that are remembered while they grow. */
const MAX_OPEN_ITEMS = 64;

interface OpenItem {
  readonly kind: Piece['kind'];
  /** What was printed of it, as it came. */
  shown: string;
  readonly safe: TerminalText;
}

/** See the top of this file. */
export class TailView {
  readonly #out: Output;
  readonly #color: boolean;
  readonly #open = new Map<string, OpenItem>();
  /** The item whose text ends where the cursor is. */
  #current: string | null = null;
  #at_line_start = true;
  /** Newlines at the end of what was streamed: written only when more of the item follows. */
  #held_newlines = 0;

  constructor(out: Output, color: boolean) {
    this.#out = out;
    this.#color = color;
  }

  /** A finished entry. */
  entry(entry: TranscriptEntry): void {
    const item_id = typeof entry.data?.['item_id'] === 'string' ? entry.data['item_id'] : null;
    const open = item_id === null ? undefined : this.#open.get(item_id);
    if (item_id === null || open === undefined) {
      this.#print(entry, entryBody(entry));
      return;
    }
    const whole = open.kind === 'command' ? commandOutput(entry) : (entry.text ?? '');
    if (whole.startsWith(open.shown)) {
      const missing = whole.slice(open.shown.length);
      if (missing !== '') this.#grow(item_id, open, missing, entry.from, Date.parse(entry.timestamp));
      this.#endLine();
      if (open.kind === 'command') this.#print(entry, entryBody(entry).slice(0, 1));
    } else {
      this.#print(entry, entryBody(entry));
    }
    this.#open.delete(item_id);
    if (this.#current === item_id) this.#current = null;
  }

  /** A piece of an item that is not finished. What was printed already is not printed again. */
  piece(piece: Piece, speaker: string, now_ms: number): void {
    let open = this.#open.get(piece.item_id);
    if (open === undefined) {
      if (piece.offset !== 0) return;
      // One that a turn left unfinished is never heard of again.
      for (const oldest of this.#open.keys()) if (this.#open.size >= MAX_OPEN_ITEMS) this.#open.delete(oldest);
      open = { kind: piece.kind, shown: '', safe: new TerminalText() };
      this.#open.set(piece.item_id, open);
    }
    const known = open.shown.length - piece.offset;
    if (known < 0 || known >= piece.text.length) return;
    this.#grow(piece.item_id, open, piece.text.slice(known), speaker, now_ms);
  }

  /** No more comes: the line that stands open is ended. */
  close(): void {
    this.#endLine();
  }

  #grow(item_id: string, open: OpenItem, text: string, speaker: string, now_ms: number): void {
    if (this.#current !== item_id) {
      this.#endLine();
      const again = open.shown === '' ? '' : ' (goes on)';
      this.#write(
        this.#out.render([...stamp(now_ms, '←', speaker, 'out'), `${PIECE_WORDS[open.kind]}${again}`], 'stdout'),
      );
      this.#current = item_id;
      if (open.kind === 'command') this.#endLine(INDENT);
    }
    open.shown += text;
    const safe = '\n'.repeat(this.#held_newlines) + open.safe.push(text);
    const told = safe.replace(/\n+$/, '');
    this.#held_newlines = safe.length - told.length;
    const indented = told.replaceAll('\n', `\n${INDENT}`);
    this.#write(this.#color && open.kind !== 'reply' && indented !== '' ? paint('dim', indented) : indented);
  }

  #print(entry: TranscriptEntry, body: readonly BodyLine[]): void {
    this.#endLine();
    const arrow = { in: '→', out: '←', system: '·' }[entry.direction];
    const head = stamp(Date.parse(entry.timestamp), arrow, entry.from, entry.direction);
    body.forEach((line, at) => {
      this.#out.line(...(at === 0 ? head : [INDENT]), ...line);
    });
    if (body.length === 0) this.#out.line(...head);
  }

  #endLine(then = ''): void {
    if (!this.#at_line_start) this.#out.write(`\n${then}`);
    this.#at_line_start = then === '';
    this.#held_newlines = 0;
    if (then === '') this.#current = null;
  }

  #write(safe: string): void {
    if (safe === '') return;
    this.#out.write(safe);
    this.#at_line_start = false;
  }
}

const PIECE_WORDS: Readonly<Record<Piece['kind'], string>> = {
  reply: '',
  reasoning: 'thinks: ',
  plan: 'plan: ',
  command: 'output:',
};

const DIRECTION_STYLES: Readonly<Record<TranscriptEntry['direction'], Style>> = {
  in: 'cyan',
  out: 'green',
  system: 'dim',
};

function stamp(time_ms: number, arrow: string, speaker: string, direction: TranscriptEntry['direction']): Span[] {
  const time = new Date(time_ms);
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((n) => String(n).padStart(2, '0'))
    .join(':');
  return [
    styled('dim', `${clock} `),
    styled(DIRECTION_STYLES[direction], `${arrow} ${speaker.replace(/\s+/g, ' ')}`),
    styled('dim', ': '),
  ];
}

function commandOutput(entry: TranscriptEntry): string {
  return typeof entry.data?.['output'] === 'string' ? entry.data['output'] : '';
}
