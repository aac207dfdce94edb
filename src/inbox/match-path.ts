import { matchesWildcards } from './match-words.js';

/**
 * Whether a glob is about a file. A glob that begins with `/` is compared with the absolute place, another one with the path in the workspace. `*` stays
 * within one name, `**` as a whole name is any number of folders. `hidden_too`: wildcards also take names that begin with a dot, which the glob does
 * not name.
 */
export function matchesPath(
  glob: string,
  file: { readonly place: string; readonly path: string | null },
  hidden_too: boolean,
): boolean {
  const text = glob.startsWith('/') ? file.place : file.path;
  if (text === null) return false;
  const wanted = glob.replace(/^(?:\.\/)+/, '').split('/');
  return matchesNames(wanted, text.split('/'), hidden_too);
}

/** As a table of what is reached, so that many `**` cost no more than their number times the names. */
function matchesNames(wanted: readonly string[], names: readonly string[], hidden_too: boolean): boolean {
  let reached: readonly boolean[] = [true, ...names.map(() => false)];
  for (const part of wanted) {
    const next = Array.from({ length: names.length + 1 }, () => false);
    for (let at = 0; at <= names.length; at += 1) {
      const name = names[at - 1];
      if (part === '**') {
        next[at] =
          reached[at] === true || (name !== undefined && next[at - 1] === true && (hidden_too || !isHidden(name)));
      } else {
        next[at] = name !== undefined && reached[at - 1] === true && matchesName(part, name, hidden_too);
      }
    }
    reached = next;
  }
  return reached[names.length] === true;
}

function matchesName(part: string, name: string, hidden_too: boolean): boolean {
  const [first = '', ...others] = part.split('*');
  if (!hidden_too && isHidden(name) && !isHidden(first)) return false;
  return matchesWildcards([first, ...others], name);
}

function isHidden(name: string): boolean {
  return name.startsWith('.');
}

/** Whether a glob is about a name: of a tool, a server, or `server/tool`. */
export function matchesToolName(glob: string, name: string): boolean {
  const [first = '', ...others] = glob.split('*');
  return matchesWildcards([first, ...others], name);
}
