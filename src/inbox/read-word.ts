import type { Node } from 'web-tree-sitter';
import { ansiCText } from './ansi-c-text.js';

/**
 * A word of a command, as far as it can be known without running anything: `literal` is exactly this text; `pattern` begins as this text says, up to what
 * names of files or the agent's home put in; `hidden` may be anything, several words too.
 */
export type Word =
  { readonly kind: 'literal' | 'pattern'; readonly text: string } | { readonly kind: 'hidden'; readonly text: null };

const HIDDEN: Word = { kind: 'hidden', text: null };
const HOME_VARIABLE = /^\$(?:HOME|\{HOME\})$/;

/** The word that a node of the tree stands for. */
export function readWord(node: Node): Word {
  switch (node.type) {
    case 'word':
    case 'number':
    case 'variable_name':
    case 'test_operator':
    case 'special_variable_name':
      return unquotedWord(node.text);
    case 'raw_string':
      return literal(node.text.slice(1, -1));
    case 'ansi_c_string': {
      const text = ansiCText(node.text.slice(2, -1));
      return text === null ? HIDDEN : literal(text);
    }
    case 'string':
      return stringWord(node);
    case 'translated_string':
      return node.namedChildren[0] === undefined ? HIDDEN : readWord(node.namedChildren[0]);
    case 'command_name':
      return node.children[0] === undefined ? HIDDEN : readWord(node.children[0]);
    case 'concatenation':
      return joined(node);
    case 'simple_expansion':
    case 'expansion':
      return HOME_VARIABLE.test(node.text) ? { kind: 'pattern', text: '~' } : HIDDEN;
    case 'variable_assignment':
      return assignmentWord(node);
    case 'regex':
    case 'extglob_pattern':
      return { kind: 'pattern', text: node.text };
    default:
      return node.isNamed ? HIDDEN : literal(node.text);
  }
}

function literal(text: string): Word {
  return { kind: 'literal', text };
}

/** A word without quotes: a backslash takes the meaning of what follows, braces may make several words of it, a pattern names files. */
function unquotedWord(raw: string): Word {
  if (expandsBraces(raw)) return HIDDEN;
  const text = raw.replaceAll('\\\n', '').replaceAll(/\\(.)/gs, '$1');
  const bare = raw.replaceAll(/\\./gs, '');
  return /[*?[]/.test(bare) || raw.startsWith('~') ? { kind: 'pattern', text } : literal(text);
}

function stringWord(node: Node): Word {
  const raw = node.text.slice(1, -1);
  if (node.namedChildren.every((child) => child.type === 'string_content')) return literal(inDoubleQuotes(raw));
  const [only] = node.namedChildren;
  if (only === undefined || !HOME_VARIABLE.test(only.text) || !raw.startsWith(only.text)) return HIDDEN;
  if (node.namedChildren.slice(1).some((child) => child.type !== 'string_content')) return HIDDEN;
  return { kind: 'pattern', text: `~${inDoubleQuotes(raw.slice(only.text.length))}` };
}

function inDoubleQuotes(raw: string): string {
  return raw.replaceAll('\\\n', '').replaceAll(/\\([$`"\\])/g, '$1');
}

function joined(node: Node): Word {
  // Braces are only seen in the whole: the grammar cuts `{a,b}` into five pieces.
  const bare = node.text.replaceAll(/\\.|'[^']*'|"(?:[^"\\]|\\.)*"/gs, '');
  if (expandsBraces(bare)) return HIDDEN;
  let text = '';
  let kind: 'literal' | 'pattern' = 'literal';
  for (const child of node.children) {
    const word = readWord(child);
    if (word.kind === 'hidden') return HIDDEN;
    if (word.kind === 'pattern') kind = 'pattern';
    text += word.text;
  }
  return { kind, text };
}

function expandsBraces(bare: string): boolean {
  return bare.includes('{') && /,|\.\./.test(bare);
}

function assignmentWord(node: Node): Word {
  const name = node.childForFieldName('name');
  const value = node.childForFieldName('value');
  if (name?.type !== 'variable_name') return HIDDEN;
  const word = value === null ? literal('') : readWord(value);
  return word.kind === 'hidden' ? HIDDEN : { kind: word.kind, text: `${name.text}=${word.text}` };
}
