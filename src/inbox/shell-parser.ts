import { readFile } from 'node:fs/promises';
import { Language, Parser, type Node } from 'web-tree-sitter';
import { grammarFile } from './grammar-file.js';

/** Longest script that is parsed, in bytes of UTF-8. */
export const MAX_COMMAND_BYTES = 64 * 1024;
/** How much of the script the parser is handed at a time, in characters. */
const CHUNK_CHARS = 256;
/**
 * How often it is: a sane script of 64 KiB is read through in 300 chunks, a hostile one makes the parser go back over the same text again and again. Counted,
 * not timed, so that the same script has the same verdict on every machine; these take a tenth of a second.
 */
const MAX_CHUNKS = 4000;
/** Steps of the parser, of 100 operations each. */
const MAX_STEPS = 4000;
/** Signs that make the parser keep one more stack, in memory. So many cost it 90 MB at most, measured. */
const MAX_BRACKETS = 10_000;
const MAX_PIPES = 400;
const MAX_HEREDOCS = 60;

/** Parses scripts of bash. */
export interface ShellParser {
  /**
   * What `read` makes of the tree of a script; null for one that is too long or too tangled to be parsed. The tree is gone afterwards: what is kept must
   * be copied out of it. Synchronous, bounded, and throws only what `read` throws.
   */
  read<Reading>(script: string, read: (root: Node) => Reading): Reading | null;
}

/** The parser, with its grammar loaded; fails with `unexpected` where the grammar is missing. */
export async function loadShellParser(): Promise<ShellParser> {
  const grammar = await readFile(grammarFile());
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(grammar));
  return {
    read(script, read) {
      if (!isBounded(script)) return null;
      const tree = parse(parser, script);
      if (tree === null) return null;
      try {
        return read(tree.rootNode);
      } finally {
        tree.delete();
      }
    },
  };
}

function parse(parser: Parser, script: string): ReturnType<Parser['parse']> {
  let chunks = 0;
  let steps = 0;
  const isSpent = (): boolean => chunks > MAX_CHUNKS || steps > MAX_STEPS;
  try {
    const tree = parser.parse(
      (index) => {
        chunks += 1;
        // Nothing more to read brings it to its next step, where it is stopped.
        return isSpent() ? '' : script.slice(index, index + CHUNK_CHARS);
      },
      null,
      {
        // The type says that it returns nothing; to return true ends the parsing.
        progressCallback: () => {
          steps += 1;
          return isSpent();
        },
      },
    );
    if (tree !== null && !isSpent()) return tree;
    tree?.delete();
    parser.reset();
    return null;
  } catch {
    // The parser has given up for good (it is WebAssembly and out of memory): from here on nothing can be parsed, and so nothing is approved by a rule.
    return null;
  }
}

function isBounded(script: string): boolean {
  if (script.length > MAX_COMMAND_BYTES || Buffer.byteLength(script) > MAX_COMMAND_BYTES) return false;
  return (
    countOf(script, /[([{`]/g) <= MAX_BRACKETS &&
    countOf(script, /\|/g) <= MAX_PIPES &&
    countOf(script, /<</g) <= MAX_HEREDOCS
  );
}

function countOf(text: string, sign: RegExp): number {
  return text.match(sign)?.length ?? 0;
}
