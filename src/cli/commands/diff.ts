import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import type { SessionDiff } from '../../contract/homecoming.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { patchLines, statLines } from '../diff-lines.js';
import { plural } from '../fleet-table.js';
import { showingSteps } from '../progress.js';

/** `diff ID`: what an agent changed since its session began. */
export function diffCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'diff',
    'What an agent changed since its session began, committed or not; computed in a container, at any time',
    [
      'filare-agents diff docs',
      'filare-agents diff docs --stat',
      'filare-agents diff docs --committed | git apply --check',
    ],
  )
    .argument('<id>', 'agent id, session id, or a unique beginning of one')
    .addOption(new Option('--stat', 'files and how many lines changed').conflicts('nameOnly'))
    .addOption(new Option('--name-only', 'paths alone').conflicts('stat'))
    .addOption(new Option('--committed', 'only what is in commits').conflicts('uncommitted'))
    .addOption(new Option('--uncommitted', 'only what is in no commit, new files among it').conflicts('committed'))
    .option('--base <commit>', 'compare with this commit of its repository instead')
    .addHelpText(
      'after',
      '\nAt most 4 MiB of patch, 5000 files and 1000 commits are shown; what is cut is said. To a terminal the patch is made safe; elsewhere it is as it is.',
    )
    .action(async (id, options) => {
      await using fleet = await context.openFleet();
      const patch = options.stat !== true && options.nameOnly !== true;
      const scope = options.committed === true ? 'committed' : options.uncommitted === true ? 'uncommitted' : 'all';
      const diff = await showingSteps(context, `diff ${id}`, (on_step) =>
        fleet.diff(id, {
          scope,
          patch,
          ...(options.base === undefined ? {} : { base: options.base }),
          ...(on_step === undefined ? {} : { on_step: (step) => on_step(id, step) }),
        }),
      );
      if (context.globals.json === true) {
        context.out.json(diff);
        return;
      }
      if (patch) await sayPatch(context, diff.patch ?? '');
      else if (options.stat === true) for (const line of statLines(diff.files)) context.out.line(...line);
      else for (const file of diff.files) context.out.line(file.path);
      saySummary(context, diff);
    });
}

async function sayPatch({ out }: CliContext, patch: string): Promise<void> {
  if (!out.is_terminal) await out.writeAll(patch);
  else for (const line of patchLines(patch)) out.line(...line);
}

function saySummary({ out }: CliContext, diff: SessionDiff): void {
  const since = diff.base === null ? 'since it began' : `since ${diff.base.slice(0, 12)}`;
  const uncommitted = plural(diff.uncommitted.length, 'file');
  out.note(`${diff.id}: ${plural(diff.commits.length, 'commit')} ${since}, ${uncommitted} with changes in no commit`);
  for (const note of diff.notes) out.note(`  ${note}`);
  if (diff.cut.length > 0) out.complain(`  cut, for there is more than is shown: ${diff.cut.join(', ')}`);
}
