/** How the command line of a program that runs another one is read, up to that other one. */
export interface Wrapping {
  /** Options that take a value, in the next word or in the same one. */
  readonly values: readonly string[];
  /** Options without a value. */
  readonly flags: readonly string[];
  /** Words of its own before the other program: `timeout 5`. */
  readonly own_words?: number;
  /** Options with which it runs nothing. */
  readonly idle?: readonly string[];
  /** The other program is given more words than are written. */
  readonly adds_words?: boolean;
  /** `A=b` before the other program sets variables for it. */
  readonly sets_variables?: boolean;
  /** The program must be part of what the project uses anyway, and shows what it runs: `uv run pytest` is as plain as `pytest`. */
  readonly is_plain?: boolean;
}

const NOTHING_OF_ITS_OWN: Wrapping = { values: [], flags: [] };

/** Programs (and words of the shell) that run the command that follows. An option that is not listed makes the rest of the line unknown. */
export const WRAPPERS: ReadonlyMap<string, Wrapping> = new Map<string, Wrapping>([
  [
    'sudo',
    {
      values: ['-u', '-g', '-h', '-p', '-C', '-r', '-t', '-T', '-D', '-R', '--user', '--group', '--chdir'],
      flags: ['-E', '-H', '-n', '-S', '-k', '-b', '-P', '-A', '--preserve-env', '--non-interactive'],
      idle: ['-l', '-v', '-K', '-V', '--list', '--version', '--validate'],
      sets_variables: true,
    },
  ],
  ['doas', { values: ['-u', '-C'], flags: ['-n'] }],
  [
    'env',
    {
      values: ['-u', '-C', '--unset', '--chdir'],
      flags: ['-', '-i', '-0', '-v', '--ignore-environment', '--null', '--debug'],
      idle: ['--help', '--version'],
      sets_variables: true,
    },
  ],
  [
    'timeout',
    {
      values: ['-s', '-k', '--signal', '--kill-after'],
      flags: ['-v', '-f', '-p', '--foreground', '--preserve-status', '--verbose'],
      own_words: 1,
    },
  ],
  ['nice', { values: ['-n', '--adjustment'], flags: [] }],
  ['ionice', { values: ['-c', '-n', '--class', '--classdata'], flags: ['-t', '--ignore'] }],
  ['stdbuf', { values: ['-i', '-o', '-e', '--input', '--output', '--error'], flags: [] }],
  ['time', { values: ['-f', '-o', '--format', '--output'], flags: ['-p', '-v', '-a', '--portability', '--verbose'] }],
  ['command', { values: [], flags: ['-p', '--'], idle: ['-v', '-V'] }],
  ['exec', { values: ['-a'], flags: ['-c', '-l'] }],
  [
    'xargs',
    {
      values: ['-I', '-n', '-P', '-L', '-s', '-d', '-E', '-a', '--max-args', '--max-procs', '--replace', '--delimiter'],
      flags: ['-0', '-r', '-t', '-p', '-x', '-i', '--null', '--no-run-if-empty', '--verbose', '--exit'],
      adds_words: true,
    },
  ],
  ['taskset', { values: [], flags: ['-c', '-a'], own_words: 1 }],
  ['setsid', { values: [], flags: ['-c', '-f', '-w', '--fork', '--wait', '--ctty'] }],
  ['chroot', { values: ['--userspec', '--groups'], flags: [], own_words: 1 }],
  ['flock', { values: ['-w', '-E', '--timeout'], flags: ['-n', '-x', '-s', '-e', '-o', '-F'], own_words: 1 }],
  [
    'strace',
    { values: ['-e', '-o', '-s', '-p', '-u'], flags: ['-f', '-ff', '-c', '-C', '-y', '-t', '-tt', '-T', '-v'] },
  ],
  ...[
    'nohup',
    'builtin',
    'coproc',
    'busybox',
    'toybox',
    'unshare',
    'nsenter',
    'setpriv',
    'fakeroot',
    'ltrace',
    'valgrind',
    'proxychains',
    'proxychains4',
    'torsocks',
    'xvfb-run',
    'unbuffer',
  ].map((name) => [name, NOTHING_OF_ITS_OWN] as const),
]);

/** `uv run pytest` and the like, by program and its first word. */
export const RUNNERS: ReadonlyMap<string, Wrapping> = new Map<string, Wrapping>(
  [
    'uv run',
    'poetry run',
    'pipenv run',
    'bundle exec',
    'hatch run',
    'rye run',
    'pdm run',
    'mise exec',
    'direnv exec',
  ].map((words) => [words, { ...NOTHING_OF_ITS_OWN, is_plain: true }]),
);
