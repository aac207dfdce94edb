/** One word for a POSIX shell, in quotes only where it needs them: for commands that a person copies, and for GIT_SSH_COMMAND. */
export function shellQuote(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
