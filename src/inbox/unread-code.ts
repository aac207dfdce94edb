import type { Word } from './read-word.js';

/** Options after which a program takes code of its own language, or a command of another program, from the command line. */
const TAKES_CODE: Readonly<Record<string, RegExp>> = {
  perl: /^-[a-zA-Z0-9]*[eE]/,
  ruby: /^-[a-zA-Z0-9]*e/,
  node: /^(?:-[a-z]*[ep]|--eval|--print|-r|--require|--import|--loader)/,
  bun: /^(?:-e|--eval|-p|--print)/,
  deno: /^(?:eval|repl)$/,
  php: /^-[rBRE]/,
  lua: /^-e/,
  Rscript: /^-e/,
  julia: /^(?:-e|-E|--eval)/,
  elixir: /^-e/,
  ghc: /^-e/,
  osascript: /^-e/,
  pwsh: /^-(?:c|e|Command|EncodedCommand)/i,
  vim: /^(?:-c|-S|-s|--cmd|\+)/,
  vi: /^(?:-c|\+)/,
  nvim: /^(?:-c|-S|-l|--cmd|\+)/,
  ex: /^(?:-c|\+)/,
  emacs: /^(?:--eval|-eval|--execute|-f|-l|--load|--script)/,
  tar: /^(?:--checkpoint-action|--to-command|--use-compress-program|--rsh-command|--rmt-command|--info-script|--new-volume-script|-I|-F)/,
  rsync: /^(?:-[a-zA-Z]*e|--rsh|--rsync-path)/,
  ssh: /^-o|^-[a-zA-Z]*F/,
  scp: /^-[oSF]/,
  sftp: /^-[oSDF]/,
  sort: /^--compress-program/,
  split: /^--filter/,
  zip: /^(?:-TT|--unzip-command)/,
  man: /^(?:-P|-H|--pager|--html)/,
  less: /^\+/,
  make: /^--eval/,
  gdb: /^(?:-ex|-x|-iex|--eval-command|--command)/,
  tcpdump: /^-z/,
  openssl: /^-engine/,
  curl: /^(?:-K|--config)/,
  wget: /^(?:--use-askpass|-e|--execute)/,
  jq: /^(?:-L|-f|--from-file)/,
  docker: /^(?:run|exec)$/,
  podman: /^(?:run|exec)$/,
  kubectl: /^exec$/,
};

/** Programs that run what they are sent where they are given no file. */
const INTERPRETERS =
  /^(?:python[\d.]*|pypy[\d.]*|perl|ruby|node|nodejs|php|lua[\d.]*|Rscript|tclsh|guile|ghci|irb|psql|sqlite3|mysql)$/;
const PYTHON = /^(?:python|pypy)[\d.]*$/;
const AWK = /^[gmn]?awk$/;
const AWK_RUNS = /system|getline|\||>|@load|@include|close/;
/** `e`, `r`, `w` as commands of sed, or as flags of its `s`. */
const SED_RUNS = /(?:^|[;{}\n\d/$,!])\s*[erRwW](?:\s|$|;)|[^\w\s][gpIiMm\d]*[ew][gpIiMm\d]*\s*(?:$|[;}\n])/;

/** Why a command carries code that is no shell's, and is therefore not read; null where it does not. */
export function unreadCode(name: string, args: readonly Word[]): string | null {
  const texts = args.map((arg) => arg.text ?? '');
  if (PYTHON.test(name)) {
    if (texts.some((text) => /^-[a-zA-Z]*c/.test(text))) return `${name} takes code from its arguments`;
  } else if (AWK.test(name)) {
    return texts.some((text) => AWK_RUNS.test(text) || /^(?:-[fEl]|--file|--exec|--load)/.test(text))
      ? `${name} may run commands from its program`
      : null;
  } else if (name === 'sed' || name === 'gsed') {
    return texts.some((text) => SED_RUNS.test(text) || /^(?:-f|--file)/.test(text))
      ? `${name} may run commands or write files from its script`
      : null;
  }
  const takes = Object.hasOwn(TAKES_CODE, name) ? TAKES_CODE[name] : undefined;
  const option = takes === undefined ? undefined : texts.find((text) => takes.test(text));
  return option === undefined ? null : `${name} ${option.slice(0, 40)} takes code, or a command, from its arguments`;
}

/** Whether a program is an interpreter that is given no file: it runs what it is sent. */
export function runsItsInput(name: string, args: readonly Word[]): boolean {
  if (!INTERPRETERS.test(name)) return false;
  return args.every(
    (arg) =>
      arg.text === '-' ||
      (arg.text?.startsWith('-') === true && /^-[A-Za-z]$/.test(arg.text) && !/^-[cem]/.test(arg.text)),
  );
}
