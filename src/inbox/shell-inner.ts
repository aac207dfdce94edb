import type { Inner } from './inner-commands.js';
import type { Word } from './read-word.js';

/** Programs that run scripts of a shell. */
export const SHELLS: ReadonlySet<string> = new Set([
  'sh',
  'bash',
  'dash',
  'zsh',
  'ksh',
  'mksh',
  'ash',
  'rbash',
  'fish',
  'csh',
  'tcsh',
]);

const SHELL_FLAGS: ReadonlySet<string> = new Set(['--login', '--norc', '--noprofile', '--posix', '--']);

/** What a shell, or a word of the shell that runs text, runs; null for everything else. `args` are the words after the program. */
export function shellInner(name: string, args: readonly Word[]): Inner[] | null {
  if (SHELLS.has(name)) return [ofShell(name, args)];
  switch (name) {
    case 'eval':
    case 'watch':
      return [ofEval(name, args)];
    case 'at':
    case 'batch':
    case 'systemd-run':
      return [{ type: 'hidden', why: `${name} runs something later` }];
    case 'crontab':
      return args.some((arg) => /^-[lr]$/.test(arg.text ?? ''))
        ? null
        : [{ type: 'hidden', why: `${name} runs something later` }];
    case 'parallel':
    case 'entr':
      return [{ type: 'hidden', why: `${name} puts together what it runs` }];
    case 'source':
    case '.':
      return [{ type: 'hidden', why: `${name} runs a file` }];
    case 'trap':
      return args.length < 2 || args[0]?.text === '-' ? [] : [asScript(name, args[0])];
    case 'alias':
      return args.map((arg) => asScript(name, { ...arg, text: arg.text?.replace(/^[^=]*=?/, '') ?? null } as Word));
    case 'su':
    case 'runuser':
    case 'script':
      return [ofCommandOption(name, args)];
    case 'enable':
    case 'bind':
    case 'complete':
    case 'mapfile':
    case 'readarray':
      return args.some((arg) => /^-[a-zA-Z]*[fFxC]/.test(arg.text ?? '-f'))
        ? [{ type: 'hidden', why: `${name} may load code` }]
        : null;
    default:
      return null;
  }
}

function ofShell(name: string, args: readonly Word[]): Inner {
  for (let at = 0; at < args.length; at += 1) {
    const text = args[at]?.text;
    if (text === undefined || text === null) return { type: 'hidden', why: `${name} runs what is not written out` };
    if (SHELL_FLAGS.has(text)) continue;
    if (text === '--version' || text === '--help') return { type: 'script', script: '' };
    if (/^[-+][A-Za-z]*$/.test(text) && text.length > 1) {
      if (/^-[a-z]*c/.test(text))
        return asScript(
          name,
          args.slice(at + 1).find((arg) => !/^[-+]/.test(arg.text ?? '')),
        );
      if (/[oO]$/.test(text)) at += 1;
      continue;
    }
    if (text.startsWith('-')) return { type: 'hidden', why: `${name} has the option ${text}` };
    return { type: 'hidden', why: `${name} runs a file` };
  }
  return { type: 'hidden', why: `${name} runs what it is sent` };
}

function ofEval(name: string, args: readonly Word[]): Inner {
  // `watch -n 5 ls`: what of it is an option is watch's own affair.
  if (name === 'watch' && args[0]?.text?.startsWith('-') === true) return { type: 'hidden', why: 'watch has options' };
  const texts = args.map((arg) => (arg.kind === 'literal' ? arg.text : null));
  if (texts.some((text) => text === null)) return { type: 'hidden', why: `${name} runs what is not written out` };
  return { type: 'script', script: (texts[0] === '--' ? texts.slice(1) : texts).join(' ') };
}

/** Programs that run a script after `-c`, else a shell. */
function ofCommandOption(name: string, args: readonly Word[]): Inner {
  const at = args.findIndex((arg) => arg.text === '-c' || arg.text === '--command');
  return at === -1 ? { type: 'hidden', why: `${name} starts a shell` } : asScript(name, args[at + 1]);
}

function asScript(name: string, word: Word | undefined): Inner {
  if (word?.kind !== 'literal') return { type: 'hidden', why: `${name} runs what is not written out` };
  return { type: 'script', script: word.text };
}
