import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { FleetNews } from '../../client/fleet-events.js';
import { FilareError } from '../../contract/errors.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { parseCount, parseMoment } from '../duration.js';
import { safeJson } from '../output.js';

/** `events [ID…]`: the story of all sessions in one stream, for programs. */
export function eventsCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'events',
    'The story of all sessions as one stream of NDJSON, for programs: what was said, and with --follow what happens',
    [
      'filare-agents events --since 1h',
      'filare-agents events --follow --lines 0',
      'filare-agents events --follow | jq -c \'select(.type == "prompt")\'',
    ],
  )
    .argument('[id...]', 'only these: agent ids (their later sessions too), session ids, or unique beginnings of them')
    .option('-f, --follow', 'go on with what comes until Ctrl-C, of sessions that start later too')
    .option('-a, --all', 'also sessions that have ended')
    .option('-n, --lines <count>', 'only the last so many entries, of all sessions together')
    .option('-s, --since <moment>', 'from then on: 10m, 2h, or RFC 3339')
    .addHelpText('after', TYPES)
    .action(async (ids, options) => {
      const lines = options.lines === undefined ? undefined : parseCount(options.lines, '--lines', 0);
      const since = options.since === undefined ? undefined : parseMoment(options.since, '--since', context.now_ms());
      if (since !== undefined && lines !== undefined) {
        throw new FilareError({ code: 'usage', message: '--since does not go with --lines' });
      }
      if (ids.length > 0 && options.all === true) {
        throw new FilareError({ code: 'usage', message: 'name sessions, or say --all, not both' });
      }
      const { out } = context;
      await using fleet = await context.openFleet();
      const events = fleet.events({
        follow: options.follow === true,
        all: options.all === true,
        signal: out.gone,
        ...(ids.length === 0 ? {} : { refs: ids }),
        ...(lines === undefined ? {} : { last: lines }),
        ...(since === undefined ? {} : { since }),
      });
      try {
        for await (const event of events) await out.writeAll(`${safeJson(lineOf(event), 0)}\n`);
      } catch (error) {
        if (!out.gone.aborted) throw error;
      }
    });
}

const TYPES = `
Lines, by their "type":
  entry          an entry of a transcript, with its fields: session_id, seq, timestamp, kind, text…
  row            a session that changed, as in list --json (with --follow)
  prompt         a prompt that opened or changed, as in feedback list --json (with --follow)
  prompt_closed  {prompt_id} (with --follow)
Each session's entries come in the order of seq, each once.`;

function lineOf(event: FleetNews): object {
  return event.type === 'entry' ? { type: event.type, ...event.entry } : event;
}
