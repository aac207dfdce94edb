import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Fleet } from '../../client/fleet.js';
import type { TailOptions } from '../../client/session-tail.js';
import { FilareError } from '../../contract/errors.js';
import { TerminalText } from '../../transcript/sanitize.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { parseCount, parseMoment } from '../duration.js';
import { wantsColor } from '../style.js';
import { TailView } from '../tail-view.js';
import { sayConnection, sayEnd, tellStory } from '../tell-story.js';

/** `tail ID`. */
export function tailCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('tail', 'Read what an agent was told, says and does, as it happens with --follow', [
    'filare-agents tail docs --follow',
    'filare-agents tail docs --since 10m',
    'filare-agents tail docs --lines 20 --json',
    'filare-agents tail docs --raw --follow > journal.jsonl',
  ])
    .argument('<id>', 'agent id, session id, or a unique beginning of one')
    .option('-f, --follow', 'go on with what comes, until the session ends')
    .option('-n, --lines <count>', 'only the last so many entries (with --raw: lines)')
    .option('-s, --since <moment>', 'from then on: 10m, 2h, or RFC 3339')
    .option('--raw', 'the bytes that Codex wrote, instead of the story')
    .action(async (id, options) => {
      const lines = options.lines === undefined ? undefined : parseCount(options.lines, '--lines', 0);
      const since = options.since === undefined ? undefined : parseMoment(options.since, '--since', context.now_ms());
      if (since !== undefined && (lines !== undefined || options.raw === true)) {
        throw new FilareError({
          code: 'usage',
          message: `--since does not go with ${options.raw === true ? '--raw' : '--lines'}`,
        });
      }
      await using fleet = await context.openFleet();
      const follow = options.follow === true;
      try {
        if (options.raw === true) await tailRaw(context, fleet, id, { follow, last: lines });
        else {
          await tailStory(context, fleet, id, {
            follow,
            patient: context.out.is_terminal,
            signal: context.out.gone,
            ...(lines === undefined ? {} : { last: lines }),
            ...(since === undefined ? {} : { since }),
          });
        }
      } catch (error) {
        if (!context.out.gone.aborted) throw error;
      }
    });
}

async function tailStory(context: CliContext, fleet: Fleet, id: string, options: TailOptions): Promise<void> {
  const { out } = context;
  const events = fleet.tail(id, options);
  if (context.globals.json !== true) {
    await tellStory(context, new TailView(out, wantsColor(context.env, out.is_terminal)), events);
    return;
  }
  for await (const event of events) {
    if (event.type === 'entry') out.jsonLine(event.entry);
    else if (event.type === 'end') sayEnd(context, event.row);
    else if (event.type === 'lost' || event.type === 'reconnected') sayConnection(context, event.type);
  }
}

async function tailRaw(
  context: CliContext,
  fleet: Fleet,
  id: string,
  options: { follow: boolean; last: number | undefined },
): Promise<void> {
  const { out } = context;
  const decoder = new TextDecoder();
  const safe = new TerminalText();
  for await (const bytes of fleet.journal(id, { ...options, signal: out.gone })) {
    // A terminal obeys what it is given; a file or a pipe gets the bytes themselves.
    await out.writeAll(out.is_terminal ? safe.push(decoder.decode(bytes, { stream: true })) : bytes);
  }
}
