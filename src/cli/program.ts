import { Command, type CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { FilareError } from '../contract/errors.js';
import { exampleText } from './command.js';
import { COMMANDS, findCommand } from './commands.js';
import type { CliContext, GlobalOptions } from './context.js';
import { TOPICS } from './help/topics.js';
import { packageVersion } from './package-version.js';

/** The whole program, with the one command that `argv` names loaded and the others known by name, so that help and suggestions are complete. */
export async function buildProgram(
  argv: readonly string[],
  context: CliContext,
  setGlobals: (globals: GlobalOptions) => void,
): Promise<Command> {
  const printed: string[] = [];
  const print = (text: string): void => {
    if (context.globals.json === true) printed.push(text);
    else context.out.write(text);
  };
  const program: Command = new Command('filare-agents')
    .description('Run many Codex agents side by side, each alone in its own container.')
    .option('--project <dir>', 'the project folder (default: found from here upwards, or FILARE_PROJECT)')
    .option('--json', 'machine-readable output; nothing else on standard output')
    .option('-q, --quiet', 'less talk; ids only where a table would be printed')
    .version(packageVersion(), '-V, --version', 'print the version')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => print(text), writeErr: () => undefined })
    .exitOverride((error) => {
      if (error.code === 'commander.version') context.out.write(printed.join(''));
      else if (printed.length > 0) writeHelp(context, argv, program, printed);
      throw error;
    })
    .commandsGroup('More:')
    .helpCommand(false)
    .addHelpText('before', exampleText(ROOT_EXAMPLES))
    .addHelpText('after', `\nTopics:\n${topicLines()}`)
    .addHelpText('after', '\nEvery command and topic explains itself: filare-agents help NAME');
  program.hook('preAction', () => setGlobals(program.opts()));
  const wanted = commandWord(argv);
  for (const entry of COMMANDS) {
    const is_wanted = wanted !== undefined && findCommand(wanted) === entry;
    const command = is_wanted ? (await entry.load())(context) : new Command(entry.name).summary(entry.summary);
    if (entry.alias !== undefined) command.alias(entry.alias);
    command.helpGroup(`${entry.group}:`);
    inheritAll(command, program);
    program.addCommand(command);
  }
  return program;
}

const ROOT_EXAMPLES = [
  'filare-agents up                               everything in configs/agents, then a live view',
  'filare-agents send docs "Write the changelog" --wait',
  'filare-agents tail docs --follow',
  'filare-agents stop --all',
];

/** With `--json`, what the parser printed in pieces, as one document: nothing else may be on standard output. */
function writeHelp(context: CliContext, argv: readonly string[], program: Command, printed: readonly string[]): void {
  let asked: CommandUnknownOpts = program;
  const words: string[] = [];
  for (const { word } of wordsOf(argv)) {
    const next = asked.commands.find((command) => command.name() === word || command.aliases().includes(word));
    if (next === undefined) break;
    asked = next;
    words.push(next.name());
  }
  context.out.json({ topic: words.join(' '), title: asked.description(), text: printed.join('') });
}

/** What the parser threw, as a failure of ours; undefined when it only printed help or the version. */
export function parserFailure(error: CommanderError, argv: readonly string[]): FilareError | undefined {
  if (error.exitCode === 0) return undefined;
  if (error.code === 'commander.help') {
    const word = commandWord(argv);
    const known = word !== undefined && findCommand(word) !== undefined;
    return new FilareError({
      code: 'usage',
      message: known
        ? `${word} needs another word`
        : word === undefined
          ? 'no command was given'
          : `unknown command '${word}'`,
      hint: known ? `filare-agents ${word} --help` : 'filare-agents --help lists them',
    });
  }
  const [what, suggestion] = error.message.replace(/^error: /, '').split('\n');
  const guess = /^\(Did you mean (.*)\?\)$/.exec(suggestion ?? '')?.[1];
  return new FilareError({
    code: 'usage',
    message: what ?? error.message,
    hint: guess === undefined ? 'add --help to see how it is used' : `did you mean ${guess}?`,
  });
}

/** `help` and `help COMMAND…` as what they stand for, `--help` and `COMMAND… --help`; everything else, `help TOPIC` too, as it is. */
export function withoutHelpWord(argv: readonly string[]): readonly string[] {
  const [first, second] = wordsOf(argv);
  if (first?.word !== 'help' || argv.includes('--help') || argv.includes('-h')) return argv;
  if (second === undefined ? argv.includes('--json') : findCommand(second.word) === undefined) return argv;
  return [...argv.filter((_, at) => at !== first.at), '--help'];
}

/** The word that names the command: the first that is no option nor the value of one. */
function commandWord(argv: readonly string[]): string | undefined {
  return wordsOf(argv)[0]?.word;
}

function wordsOf(argv: readonly string[]): { word: string; at: number }[] {
  const words: { word: string; at: number }[] = [];
  for (let at = 0; at < argv.length && argv[at] !== '--'; at += 1) {
    const word = argv[at] ?? '';
    if (word === '--project') at += 1;
    else if (!word.startsWith('-')) words.push({ word, at });
  }
  return words;
}

/** The names of all topics, on lines of 80 columns. */
function topicLines(): string {
  const names = TOPICS.map(({ name }) => name).join(' ');
  return names.replaceAll(/(.{1,76})(?: |$)/g, '  $1\n').trimEnd();
}

function inheritAll(command: CommandUnknownOpts, parent: Command): void {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) child.copyInheritedSettings(parent);
}
