import { resolve } from 'node:path';
import { absolutePath, at, type AgentDraft } from './agent-draft.js';
import { expandPath } from './expand-path.js';
import type { Path } from './located.js';
import { readText } from './read-text.js';
import { statIfThere } from './real-place.js';

const MAX_NAME_CHARS = 1024;
/** Codex takes this many characters in one message. */
const MAX_TEXT_CHARS = 1_000_000;

/** The text of `goal`: as written, or of the file that `{file}` names. */
export function resolveGoal(draft: AgentDraft): string | undefined {
  const { goal } = draft.fields;
  if (goal === undefined) return undefined;
  const path = ['goal'];
  const text = typeof goal === 'string' ? goal : textOfFile(draft, goal.file, [...path, 'file']);
  return text === undefined ? undefined : usable(draft, text, path);
}

/** The text of `instructions` or `startup_script`: as written, of the file that `{file}` names, or of the file whose path a one-line value is. */
export function resolveTextOrFile(draft: AgentDraft, field: 'instructions' | 'startup_script'): string | undefined {
  const value = draft.fields[field];
  if (value === undefined) return undefined;
  const text =
    typeof value === 'string' ? inlineOrFile(draft, value, field) : textOfFile(draft, value.file, [field, 'file']);
  return text === undefined ? undefined : usable(draft, text, [field]);
}

/** The text of the project's `agents/AGENT.<ROLE>.md`, or undefined when there is none. */
export function defaultInstructions(draft: AgentDraft, role: string): string | undefined {
  const path = resolve(draft.around.project_root, 'agents', `AGENT.${role}.md`);
  if (statIfThere(path) === undefined) return undefined;
  const file = readText(path);
  if ('text' in file) return file.text.trim() === '' ? undefined : file.text;
  draft.findings.mistake(at(draft, 'role'), {
    message: `the default instructions ${path} ${file.refusal}`,
    hint: file.hint,
  });
  return undefined;
}

function inlineOrFile(draft: AgentDraft, value: string, field: 'instructions' | 'startup_script'): string | undefined {
  if (value.includes('\n') || value.length > MAX_NAME_CHARS || value.trim() === '') return value;
  const expanded = expandPath(value, draft.around);
  if ('path' in expanded && isThere(resolve(draft.folder, expanded.path))) return textOfFile(draft, value, [field]);
  const ending = field === 'instructions' ? /\.(md|txt)$/ : /\.(sh|bash)$/;
  const looksLikePath = !/\s/.test(value) && (/^(\.{0,2}\/|~\/|\$)/.test(value) || ending.test(value));
  if (!looksLikePath) return value;
  const path = absolutePath(draft, value, [field]);
  if (path !== undefined) {
    draft.findings.mistake(at(draft, field), {
      message: `${field}: there is no file ${path}`,
      hint: `a path is relative to the manifest; if this is the text itself, write it as a block: ${field}: |`,
    });
  }
  return undefined;
}

function textOfFile(draft: AgentDraft, name: string, path: Path): string | undefined {
  const absolute = absolutePath(draft, name, path);
  if (absolute === undefined) return undefined;
  const file = readText(absolute);
  if ('text' in file) return file.text;
  draft.findings.mistake(at(draft, ...path), {
    message: `${String(path[0])}: ${absolute} ${file.refusal}`,
    hint: file.hint,
  });
  return undefined;
}

function usable(draft: AgentDraft, text: string, path: Path): string | undefined {
  const problem =
    text.trim() === ''
      ? { message: `${String(path[0])} is empty`, hint: 'write something, or leave the field out' }
      : text.includes('\0')
        ? { message: `${String(path[0])} holds a NUL character`, hint: 'name a file of plain text' }
        : text.length > MAX_TEXT_CHARS
          ? {
              message: `${String(path[0])} is longer than ${MAX_TEXT_CHARS} characters`,
              hint: 'put the details into a file of the workspace',
            }
          : undefined;
  if (problem === undefined) return text;
  draft.findings.mistake(at(draft, ...path), problem);
  return undefined;
}

function isThere(path: string): boolean {
  try {
    return statIfThere(path)?.isFile() ?? false;
  } catch {
    // No permission to look: reading it says so.
    return true;
  }
}
