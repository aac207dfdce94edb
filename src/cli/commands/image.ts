import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import type { ImageStatus } from '../../contract/api-shapes.js';
import { newCommand, withSubcommands } from '../command.js';
import type { CliContext } from '../context.js';
import { PROGRESS_MODES, ProgressDisplay } from '../progress.js';
import { styled } from '../style.js';

/** `image build|status`. */
export function imageCommand(context: CliContext): CommandUnknownOpts {
  const group = newCommand('image', 'The image that agents run in', [
    'filare-agents image status',
    'filare-agents image build',
  ]);
  return withSubcommands(group, [build(context), status(context)]);
}

function build(context: CliContext): CommandUnknownOpts {
  return newCommand('build', 'Build the image; nothing is done when nothing has changed', [
    'filare-agents image build',
    'filare-agents image build --force --progress plain',
  ])
    .option('--force', 'build although nothing has changed')
    .addOption(new Option('--progress <mode>', 'how progress is shown').choices(PROGRESS_MODES))
    .action(async (options) => {
      const { out, globals, now_ms } = context;
      await using fleet = await context.openFleet({ begins: true });
      const before = await fleet.imageStatus();
      if (before.current && options.force !== true) {
        if (globals.json === true) out.json(before);
        else out.line(`${before.image} is up to date (Codex ${before.codex_version ?? '?'})`);
        return;
      }
      const quiet = globals.json === true || globals.quiet === true;
      const progress = new ProgressDisplay({ out, mode: options.progress ?? (quiet ? 'quiet' : 'auto'), now_ms });
      progress.step(`build ${before.image}`);
      try {
        const after = await fleet.buildImage({
          force: options.force === true,
          on_progress: ({ step, text }) => progress.text(text ?? step ?? ''),
        });
        progress.done();
        sayImage(context, after);
      } catch (error) {
        progress.failed();
        throw error;
      } finally {
        progress.close();
      }
    });
}

function status(context: CliContext): CommandUnknownOpts {
  return newCommand('status', 'Whether the image is there and up to date, and if not, why', [
    'filare-agents image status',
    'filare-agents image status --json',
  ])
    .option('--image <name>', 'another image than the default one')
    .action(async (options) => {
      await using fleet = await context.openFleet({ begins: true });
      sayImage(context, await fleet.imageStatus(options.image));
    });
}

function sayImage(context: CliContext, image: ImageStatus): void {
  const { out, globals } = context;
  if (globals.json === true) out.json(image);
  else if (globals.quiet === true) out.line(image.id ?? '');
  else if (image.current)
    out.line(
      styled('green', '✓'),
      ` ${image.image} is up to date (Codex ${image.codex_version ?? '?'}, ${image.id ?? ''})`,
    );
  else {
    out.line(styled('yellow', '!'), ` ${image.image} ${image.present ? 'would be built again' : 'is not there'}`);
    for (const reason of image.reasons) out.line(`  ${reason}`);
    out.note('  ', styled('cyan', 'try'), ': filare-agents image build');
  }
}
