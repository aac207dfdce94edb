import { isCollection, isNode, isScalar, Lexer, parseAllDocuments, visit, type Document } from 'yaml';
import type { Findings, Problem } from './diagnostic.js';
import type { Located } from './located.js';
import { locateDocument } from './locate-document.js';
import type { SourceText } from './source-text.js';

/** Lists and mappings may be nested this deep in a manifest. */
export const MAX_DEPTH = 64;
/** Words, signs and line ends of a manifest; a thousand agents with thirty fields each stay below. */
export const MAX_TOKENS = 300_000;

/** What the parser's errors say in words of a manifest. */
const SAID: Readonly<Record<string, { readonly message?: string; readonly hint: string }>> = {
  TAB_AS_INDENT: { hint: 'indent with spaces' },
  BAD_INDENT: { hint: 'entries of one mapping begin in the same column' },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'a second "name: value" begins inside this value',
    hint: 'put text with ": " in it between quotes; entries of one mapping begin in the same column',
  },
  BAD_SCALAR_START: { hint: 'put the value between quotes' },
  MULTILINE_IMPLICIT_KEY: { hint: 'a name and its ":" stand on one line' },
};

/**
 * Reads one YAML 1.2 document. Answers undefined, and says why, when there is nothing to go on with; smaller mistakes (a key twice, an
 * unknown tag) are said and read over. Never runs code, never throws for what the text holds, and is bounded in depth and size.
 */
export function parseYaml(source: SourceText, findings: Findings, kind: FileKind = MANIFEST): Located | undefined {
  const text = source.text;
  const refusal = whyNotParse(text, kind);
  if (refusal !== undefined) {
    findings.mistake({ source, offset: refusal.offset }, refusal);
    return undefined;
  }
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    // Both are ours (locate-document.ts): they need the places.
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const document = documents[0];
  if (document !== undefined && reportSyntax(document, source, findings)) return undefined;
  if (document === undefined || document.contents === null) {
    if (kind.empty !== undefined) findings.mistake({ source, offset: undefined }, kind.empty);
    return undefined;
  }
  const second = documents[1];
  if (second !== undefined) {
    findings.mistake(
      { source, offset: second.contents?.range[0] ?? second.range[0] },
      {
        message: `a second YAML document begins here; a ${kind.name} is one document`,
        hint: kind.instead,
      },
    );
    return undefined;
  }
  return locateDocument(document.contents, source, findings);
}

/** What is said of a manifest without content. */
export const EMPTY = {
  message: 'the manifest is empty',
  expected: 'an agent (id: …, role: …), a list of agents, or {defaults, sessions}',
};

/** What a file is called in messages about it as a whole. */
export interface FileKind {
  readonly name: string;
  /** How deep it is meant to be. */
  readonly shape: string;
  /** What to do instead of a second document. */
  readonly instead: string;
  /** What is said of one without content; undefined where that is no mistake. */
  readonly empty: Problem | undefined;
}

const MANIFEST: FileKind = {
  name: 'manifest',
  shape: 'a manifest is flat: an agent, its fields, their values',
  instead: 'write several agents as a list, or put each document into a file of its own',
  empty: EMPTY,
};

/** The parser recurses, and gives up hard on deep nesting: the lexer, which does not, looks first. */
function whyNotParse(text: string, kind: FileKind): { message: string; hint: string; offset: number } | undefined {
  let depth = 0;
  let offset = 0;
  let tokens = 0;
  let compact = 0;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    if (tokens > MAX_TOKENS)
      return {
        message: `the ${kind.name} has more than ${MAX_TOKENS} words and signs`,
        hint: 'split it into several files',
        offset,
      };
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth = Math.max(0, depth - 1);
    else if (token === '-' || token === '?' || token === ':') compact += 1;
    else if (token === '\n') compact = 0;
    if (depth > MAX_DEPTH || (depth === 0 && compact > MAX_DEPTH))
      return {
        message: `lists and mappings are nested more than ${MAX_DEPTH} deep`,
        hint: kind.shape,
        offset,
      };
    // Marks of the lexer (byte order, document, flow end, scalar) are not in the text.
    if (!/^[\u0002\u0018\u001f\ufeff]$/u.test(token)) offset += token.length;
  }
  return undefined;
}

/** Says the first error of syntax (those after it are its echoes). */
function reportSyntax(document: Document, source: SourceText, findings: Findings): boolean {
  const [error] = document.errors;
  if (error === undefined) return false;
  const opened = openedBefore(document, error);
  const offset = Math.min(opened?.offset ?? error.pos[0], source.text.length);
  const known = Object.hasOwn(SAID, error.code) ? SAID[error.code] : undefined;
  const message = opened?.message ?? known?.message ?? lowerFirst(error.message);
  findings.mistake({ source, offset }, { message: `not valid YAML: ${message}`, hint: opened?.hint ?? known?.hint });
  return true;
}

/** The quote or bracket that an error about its missing end is about: people look for the beginning. */
function openedBefore(
  document: Document,
  error: Document['errors'][number],
): { offset: number; message: string; hint: string } | undefined {
  const quote = error.code === 'MISSING_CHAR' && error.message.includes('quote');
  const bracket =
    /^Flow (map|sequence) in block/.test(error.message) || (error.code === 'BAD_INDENT' && /^Flow/.test(error.message));
  if (!quote && !bracket) return undefined;
  let offset: number | undefined;
  visit(document, (_key, node) => {
    const fits = quote
      ? isScalar(node) && node.type?.startsWith('QUOTE') === true
      : isCollection(node) && node.flow === true;
    const start = fits && isNode(node) ? node.range?.[0] : undefined;
    if (start !== undefined && start < error.pos[0]) offset = start;
  });
  if (offset === undefined) return undefined;
  return quote
    ? {
        offset,
        message: 'this quote is never closed',
        hint: "close it; a quote inside is doubled ('') or marked (\\\")",
      }
    : {
        offset,
        message: 'this bracket is never closed',
        hint: 'close it; what is between brackets is indented more than the key before it',
      };
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
