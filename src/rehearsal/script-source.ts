import { isMap, isNode, isPair, isScalar, LineCounter, parseDocument, type Document } from 'yaml';

/** A script file may have this many bytes. */
export const MAX_SCRIPT_BYTES = 1024 * 1024;
/** YAML aliases may be resolved this often in one script. */
const MAX_ALIASES = 100;

/** Where in the YAML something is wrong: the path of keys and indexes to it, or to the key named by `key` under it. */
export interface Spot {
  readonly path: readonly PropertyKey[];
  readonly key?: string | undefined;
}

/** One thing that is wrong in a script, where, and the line with a caret under it. Lines and columns count from 1. */
export interface ScriptMistake {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly excerpt: string;
}

/** One script file as YAML, that remembers where everything stands and collects what is wrong. */
export class ScriptSource {
  readonly file: string;
  readonly mistakes: ScriptMistake[] = [];
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #document: Document;

  /** Parses; YAML's own errors become mistakes. */
  constructor(file: string, text: string) {
    this.file = file;
    this.#text = text;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: true });
    for (const error of this.#document.errors) this.#add(error.pos[0], error.message);
  }

  /** The content as plain data; undefined, with a mistake, when there is none to be had. */
  value(): unknown {
    if (this.mistakes.length > 0) return undefined;
    try {
      return this.#document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      this.#add(0, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  /** Notes a mistake at the nearest place that exists in the file. */
  mistake(spot: Spot, message: string): void {
    this.#add(this.#offset(spot), message);
  }

  /** The line, from 1, where something stands. */
  line(path: readonly PropertyKey[]): number {
    return this.#lines.linePos(this.#offset({ path })).line;
  }

  #offset({ path, key }: Spot): number {
    for (let length = path.length; length >= 0; length--) {
      const node: unknown = length === 0 ? this.#document.contents : this.#document.getIn(path.slice(0, length), true);
      if (key !== undefined && length === path.length && isMap(node)) {
        const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key);
        if (pair && isNode(pair.key) && pair.key.range) return pair.key.range[0];
      }
      if (isNode(node) && node.range) return node.range[0];
    }
    return 0;
  }

  #add(offset: number, message: string): void {
    const { line, col } = this.#lines.linePos(offset);
    const text = this.#text.split('\n')[line - 1]?.replace(/\r$/, '') ?? '';
    const gutter = `${line} | `;
    const excerpt = `${gutter}${text.slice(0, 200)}\n${' '.repeat(gutter.length + Math.max(col, 1) - 1)}^`;
    this.mistakes.push({ file: this.file, line: Math.max(line, 1), column: Math.max(col, 1), message, excerpt });
  }
}
