import type { Node } from 'web-tree-sitter';
import { readWord, type Word } from './read-word.js';

/** A variable that is set, for one command or for all that follow. */
export interface Assignment {
  readonly name: string;
  readonly value: Word;
}

/** A command as the tree has it: a program with its words, or, without words, what is set or redirected around others. */
export interface RawCommand {
  readonly words: readonly Word[];
  readonly assignments: readonly Assignment[];
  /** Files that its input and output are tied to. */
  readonly files: readonly Word[];
}

/** Everything that a script may run, in the order it is written, whether or not it comes to that. */
export interface RawScript {
  readonly commands: readonly RawCommand[];
  /** Why what it runs cannot be told from reading it; null where it can. */
  readonly opaque: string | null;
}

const MAX_DEPTH = 150;
const MAX_COMMANDS = 2000;

/** Reads a tree. */
export function readScript(root: Node): RawScript {
  const found = new Found();
  if (root.hasError) found.hides('it cannot be parsed');
  visit(root, found, 0);
  return { commands: found.commands, opaque: found.opaque };
}

class Found {
  readonly commands: RawCommand[] = [];
  opaque: string | null = null;

  hides(why: string): void {
    this.opaque ??= why;
  }

  add(command: Partial<RawCommand>): void {
    if (this.commands.length === MAX_COMMANDS) return this.hides(`it has more than ${MAX_COMMANDS} commands`);
    this.commands.push({ words: [], assignments: [], files: [], ...command });
  }
}

/** Kinds of nodes inside a command that are not words of it. */
const NO_WORDS: ReadonlySet<string> = new Set([
  'variable_assignment',
  'file_redirect',
  'heredoc_redirect',
  'herestring_redirect',
  'subshell',
  'comment',
]);

function visit(node: Node, found: Found, depth: number): void {
  if (depth > MAX_DEPTH) return found.hides(`it is nested more than ${MAX_DEPTH} deep`);
  switch (node.type) {
    case 'command':
      found.add({ words: wordsOf(node), assignments: assignmentsOf(node), files: filesOf(node) });
      break;
    case 'declaration_command':
    case 'unset_command':
      found.add({ words: wordsOf(node), assignments: assignmentsOf(node) });
      break;
    case 'redirected_statement':
      addRedirected(node, found);
      return visitChildrenBut(node, node.childForFieldName('body'), found, depth);
    case 'variable_assignment':
      // Those of commands are theirs; of the others, each is one.
      if (!['command', 'declaration_command'].includes(node.parent?.type ?? '')) {
        found.add({ assignments: [assignmentOf(node)] });
      }
      break;
    case 'expansion':
      if (/@P\}?$/.test(node.text))
        found.hides('it expands the text of a variable as a prompt, which may run commands');
      break;
    default:
  }
  for (const child of node.namedChildren) visit(child, found, depth + 1);
}

/** A statement whose files are named after it: those of one command belong to that command, with the words that stand among them. */
function addRedirected(node: Node, found: Found): void {
  const body = node.childForFieldName('body');
  const files = filesOf(node);
  const words = wordsAmongRedirections(node);
  if (body?.type === 'command') {
    found.add({
      words: [...wordsOf(body), ...words],
      assignments: assignmentsOf(body),
      files: [...filesOf(body), ...files],
    });
  } else {
    found.add({ words, files });
  }
}

function visitChildrenBut(node: Node, body: Node | null, found: Found, depth: number): void {
  for (const child of node.namedChildren) {
    if (body?.type === 'command' && child.id === body.id) {
      for (const inner of child.namedChildren) visit(inner, found, depth + 1);
    } else {
      visit(child, found, depth + 1);
    }
  }
}

function wordsOf(command: Node): Word[] {
  return command.children.filter((child) => !NO_WORDS.has(child.type) || isArgument(child, command)).map(readWord);
}

/** `export a=b` takes assignments as its arguments. */
function isArgument(child: Node, command: Node): boolean {
  return child.type === 'variable_assignment' && command.type === 'declaration_command';
}

function assignmentsOf(command: Node): Assignment[] {
  return command.namedChildren.filter((child) => child.type === 'variable_assignment').map(assignmentOf);
}

function assignmentOf(node: Node): Assignment {
  const value = node.childForFieldName('value');
  return {
    name: (node.childForFieldName('name')?.text ?? '').replace(/\[.*$/s, ''),
    value: value === null ? { kind: 'literal', text: '' } : readWord(value),
  };
}

function filesOf(node: Node): Word[] {
  return redirectionsOf(node).flatMap((redirection) => {
    const [target] = targetsOf(redirection);
    return target === undefined || isDescriptor(redirection, target) ? [] : [readWord(target)];
  });
}

/** `2>&1` names a descriptor, not a file. */
function isDescriptor(redirection: Node, target: Node): boolean {
  return target.type === 'number' && redirection.children.some((child) => child.type === '>&' || child.type === '<&');
}

/** Words of the command that the grammar takes for more targets: the `b` of `a > out b`. */
function wordsAmongRedirections(node: Node): Word[] {
  return [
    ...redirectionsOf(node).flatMap((redirection) => targetsOf(redirection).slice(1)),
    ...node.namedChildren.flatMap((child) =>
      child.type === 'heredoc_redirect' ? child.childrenForFieldName('argument') : [],
    ),
  ].map(readWord);
}

function targetsOf(redirection: Node): Node[] {
  return redirection.namedChildren.filter((child) => child.type !== 'file_descriptor');
}

function redirectionsOf(node: Node): Node[] {
  return node.namedChildren.flatMap((child) => {
    if (child.type === 'file_redirect') return [child];
    return child.type === 'heredoc_redirect' ? redirectionsOf(child) : [];
  });
}
