/** Names of scripts, as `--rehearsal` takes them; what the library's caller calls a script need be no file. */
const SCRIPT_FILE = /^[A-Za-z0-9_@%+=:./-]+\.(?:ya?ml|json)$/;

/** What to type to start an agent as it was started: `rehearsal` is where its script was read from, null where it called the model provider. */
export function startAgain(id: string, rehearsal: string | null): string {
  return `filare-agents start --session ${id}${rehearsal === null ? '' : ` --rehearsal ${scriptWords(rehearsal)}`}`;
}

/** The scripts of a rehearsal as words of a command; FILE where they are none that could be typed. */
export function scriptWords(rehearsal: string): string {
  const files = rehearsal.split(', ');
  return files.every((file) => SCRIPT_FILE.test(file)) ? files.join(' ') : 'FILE';
}
