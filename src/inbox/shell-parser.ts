import { readFile } from 'node:fs/promises';
import { Language, Parser, type Node } from 'web-tree-sitter';
import { grammarFile } from './grammar-file.js';

/** Longest script that is parsed, in bytes of UTF-8. */
export const MAX_COMMAND_BYTES = 64 * 1024;
/** The parser keeps a stack for each way a text could go on; so many of these signs cost it a tenth of a second and 80 MB at most, measured. */
const MAX_BRACKETS = 1000;
const MAX_PIPES = 400;
const MAX_HEREDOCS = 60;
/** Each bracket may make it read a long word anew: brackets times characters of the longest word. */
const MAX_WORD_WORK = 2_000_000;
/** Steps of 100 operations each. Counted, not timed, so that the same script has the same verdict on every machine. */
const MAX_STEPS = 4000;

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
  let steps = 0;
  try {
    const tree = parser.parse(script, null, {
      // The type says that it returns nothing; to return true ends the parsing.
      progressCallback: () => (steps += 1) > MAX_STEPS,
    });
    if (tree === null) parser.reset();
    return tree;
  } catch {
    // The parser has given up for good (it is WebAssembly and out of memory): from here on nothing can be parsed, and so nothing is approved by a rule.
    return null;
  }
}

function isBounded(script: string): boolean {
  if (script.length > MAX_COMMAND_BYTES || Buffer.byteLength(script) > MAX_COMMAND_BYTES) return false;
  const brackets = countOf(script, /[([{`]/g);
  const longest = Math.max(0, ...Array.from(script.matchAll(/\S{100,}/g), ([word]) => word.length));
  return (
    brackets <= MAX_BRACKETS &&
    brackets * longest <= MAX_WORD_WORK &&
    countOf(script, /\|/g) <= MAX_PIPES &&
    countOf(script, /<</g) <= MAX_HEREDOCS
  );
}

function countOf(text: string, sign: RegExp): number {
  return text.match(sign)?.length ?? 0;
}
