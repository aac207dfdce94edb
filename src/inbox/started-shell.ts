import { readScript } from './read-script.js';
import type { ShellParser } from './shell-parser.js';

const USUAL = /^(?:\/bin\/|\/usr\/bin\/|\/usr\/local\/bin\/)?(?:bash|sh|dash|zsh|ksh)$/;

/**
 * Why the shell that Codex would start a script with is not one that reads it as it is read here; null where it is, or where there is none. An agent may
 * name the shell: `/home/agent/workspace/bash -lc ls` runs whatever stands there.
 */
export function whyNotUsualShell(command: string, script: string, parser: ShellParser): string | null {
  if (command === script) return null;
  const words = parser.read(command, (root) => {
    const { commands, opaque } = readScript(root);
    const [only] = commands;
    return only === undefined || commands.length > 1 || opaque !== null ? null : only.words.map((word) => word.text);
  });
  if (words === null) return 'how it would be started cannot be parsed';
  const [shell, option, text, ...more] = words;
  if (text !== script || more.length > 0) return 'it would be started with more than the script';
  if (shell == null || !USUAL.test(shell)) return `it would be run by ${shell ?? 'a shell that is not written out'}`;
  return option === '-c' || option === '-lc'
    ? null
    : `it would be started with ${option ?? 'options that are not written out'}`;
}
