/** Where a path is written and what it may mention. */
export interface PathSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The home folder that `~` stands for. */
  readonly home: string;
}

/** A path with everything in it replaced, or what is wrong and at which character. */
export type ExpandedPath =
  { readonly path: string } | { readonly at: number; readonly message: string; readonly hint: string };

const VARIABLE = /\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|)/g;
const MAX_PATH_BYTES = 4096;

/**
 * Replaces `~` at the beginning, `$VAR`, `${VAR}` and `${VAR:-x}` (when unset or empty); `$$` is one dollar sign. A variable that is not set is a
 * mistake, never an empty text: `$WORK/x` must not become `/x`.
 */
export function expandPath(text: string, around: PathSurroundings): ExpandedPath {
  const tilde = /^~([^/]*)/.exec(text);
  if (tilde !== null && tilde[1] !== '') {
    return {
      at: 0,
      message: `~${tilde[1] ?? ''} is not known here: only ~/ (your own home folder) is`,
      hint: 'write the path in full',
    };
  }
  let path = '';
  let end = 0;
  for (const match of text.matchAll(VARIABLE)) {
    const [whole, dollar, short, long, otherwise] = match;
    const name = short ?? long;
    path += text.slice(end, match.index);
    end = match.index + whole.length;
    if (dollar !== undefined) path += '$';
    else if (name === undefined)
      return {
        at: match.index,
        message: 'there is no name after this $',
        hint: 'write $NAME, ${NAME} or ${NAME:-otherwise}; $$ is a dollar sign',
      };
    else {
      const value = Object.hasOwn(around.env, name) ? around.env[name] : undefined;
      if (value !== undefined && value !== '') path += value;
      else if (otherwise !== undefined) path += otherwise;
      else if (value === undefined)
        return {
          at: match.index,
          message: `the variable ${name} is not set`,
          hint: `export ${name}=…, or give it a value here: \${${name}:-…}`,
        };
    }
  }
  path += text.slice(end);
  if (tilde !== null) path = around.home + path.slice(1);
  return checked(path);
}

function checked(path: string): ExpandedPath {
  if (path === '') return { at: 0, message: 'the path is empty', hint: 'leave the field out, or name a path' };
  if (/[\p{Cc}]/u.test(path))
    return { at: 0, message: 'the path holds a control character', hint: 'write it on one line, without tabs' };
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    return { at: 0, message: `the path is longer than ${MAX_PATH_BYTES} bytes`, hint: 'no system opens such a path' };
  return { path };
}
