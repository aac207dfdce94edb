import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Largest justfile that is read for its comments, in bytes; just itself has no bound. */
const MAX_BYTES = 4 * 1024 * 1024;
const HEADER = /^@?([A-Za-z_][A-Za-z0-9_-]*)(?=[\s:])/;
const IMPORT = /^import\??\s*('''|"""|'|")([^'"]*)\1/;
/** Words that begin other statements; a recipe may have their name, and then its colon stands near. */
const STATEMENT = /^(?:set|import\??|mod\??|alias|export|unexport|eager|lazy)\s+['"A-Za-z_]/;
const SAFE_MARK = /^#\s*agent\s*:\s*safe\s*$/i;
const OTHER_SYSTEMS = /^\[[^\]]*\b(?:android|dragonfly|freebsd|macos|netbsd|openbsd|windows)\b/;
const THIS_SYSTEM = /^\[[^\]]*\b(?:linux|unix)\b/;

/** Where a recipe stands in a justfile, and what its comments say. */
export interface WrittenRecipe {
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** `# agent: safe` stands in the comment right above it. */
  readonly marked_safe: boolean;
  /** The last line of that comment that is no mark, without `#`; null when there is none. */
  readonly comment: string | null;
}

/** What one justfile or module holds with all that it imports. */
export interface WrittenModule {
  readonly recipes: readonly WrittenRecipe[];
  /** The files that were read, absolute, the module's own first. */
  readonly files: readonly string[];
}

/**
 * Reads a justfile, and what it imports, for what `just --dump` does not tell: the place of each recipe and the comments above it. Only ever used beside
 * the dump: what is missed here is missing a mark or a place, never a recipe. Files that cannot be read hold nothing; just says why.
 */
export function readJustfileSource(file: string): WrittenModule {
  const files: string[] = [];
  const recipes: WrittenRecipe[] = [];
  const queue = [file];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (files.includes(path)) continue;
    const text = textOf(path);
    if (text === undefined) continue;
    files.push(path);
    for (const statement of statements(text)) {
      const imported = IMPORT.exec(statement.text)?.[2];
      if (imported !== undefined) queue.push(resolve(dirname(path), imported));
      const recipe = asRecipe(statement, path);
      if (recipe !== undefined) recipes.push(recipe);
    }
  }
  return { recipes, files };
}

function textOf(path: string): string | undefined {
  try {
    const bytes = readFileSync(path);
    return bytes.length > MAX_BYTES ? undefined : bytes.toString('utf8');
  } catch {
    return undefined;
  }
}

interface Statement {
  /** What stands at the beginning of a line and is no comment or attribute, to the end of that line. */
  readonly text: string;
  readonly line: number;
  /** The comments and attributes right above it. */
  readonly above: readonly string[];
}

/** The statements of a justfile: lines that begin in the first column, outside of recipes' bodies and of strings over many lines. */
function* statements(text: string): Generator<Statement> {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  let open: string | null = null;
  let above: string[] = [];
  for (const [at, line] of lines.entries()) {
    if (open !== null) {
      open = openString(line, open);
      continue;
    }
    if (/^[#[]/.test(line)) {
      above.push(line.trim());
      continue;
    }
    if (/^\S/.test(line)) {
      yield { text: line, line: at + 1, above };
      open = openString(line, null);
    }
    above = [];
  }
}

const QUOTES = ["'''", '"""', '```', "'", '"', '`'];

/** The quote that is open at the end of a line, null for none; `open` is the one that is open at its beginning. */
function openString(line: string, open: string | null): string | null {
  let quote = open;
  for (let at = 0; at < line.length;) {
    const rest = line.slice(at);
    if (quote === null) {
      if (rest.startsWith('#')) return null;
      quote = QUOTES.find((mark) => rest.startsWith(mark)) ?? null;
      at += quote?.length ?? 1;
    } else if (quote.startsWith('"') && rest.startsWith('\\')) at += 2;
    else if (rest.startsWith(quote)) {
      at += quote.length;
      quote = null;
    } else at += 1;
  }
  return quote;
}

function asRecipe({ text, line, above }: Statement, file: string): WrittenRecipe | undefined {
  const name = HEADER.exec(text)?.[1];
  if (name === undefined || /^@?[\w-]+\s*:=/.test(text) || STATEMENT.test(text) || !text.includes(':'))
    return undefined;
  if (above.some((one) => OTHER_SYSTEMS.test(one)) && !above.some((one) => THIS_SYSTEM.test(one))) return undefined;
  const comments = above.filter((one) => one.startsWith('#'));
  const comment = comments.findLast((one) => !SAFE_MARK.test(one));
  return {
    name,
    file,
    line,
    marked_safe: comments.some((one) => SAFE_MARK.test(one)),
    comment: comment === undefined ? null : comment.replace(/^#+\s*/, ''),
  };
}
