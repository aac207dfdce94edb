import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import type { Fleet } from '../../client/fleet.js';
import { WAIT_STATES } from '../../client/wait-sessions.js';
import type { SessionRow } from '../../contract/session.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { parseDuration } from '../duration.js';
import { chosenRefs, requireChoice } from '../each-ref.js';
import { stateWords } from '../fleet-table.js';
import { styled } from '../style.js';
import { tellingPrompts } from '../tell-prompts.js';

/** `wait ID… --until STATE`: for scripts and orchestrators. */
export function waitCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('wait', 'Wait until every session has been in a state: idle, waiting (for a person) or stopped', [
    'filare-agents wait docs',
    'filare-agents wait feature docs --until stopped --timeout 30m',
    'filare-agents wait --all --until idle --timeout 1h --json',
  ])
    .argument('[id...]', 'agent ids, session ids, or unique beginnings of them')
    .option('-a, --all', 'every session that has not ended')
    .addOption(new Option('-u, --until <state>', 'the state to wait for').choices(WAIT_STATES).default('idle' as const))
    .option('-t, --timeout <duration>', 'give up after so long, exit code 5 (default: never)')
    .addHelpText('after', '\nExit codes: 0 there · 4 it ended otherwise · 5 timed out')
    .action(async (ids, options) => {
      requireChoice(ids, options.all);
      const timeout_ms = options.timeout === undefined ? undefined : parseDuration(options.timeout, '--timeout');
      await using fleet = await context.openFleet();
      const refs = await chosenRefs(fleet, ids, options.all);
      const work = (): Promise<SessionRow[]> => fleet.wait(refs, options.until, { timeout_ms });
      // Whoever waits for a prompt is told by the command's own answer.
      const rows = options.until === 'waiting' ? await work() : await waitTelling(context, fleet, refs, work);
      if (context.globals.json === true) context.out.json(rows);
      else if (context.globals.quiet === true) for (const row of rows) context.out.line(row.session_id);
      else for (const row of rows) context.out.line(styled('bold', row.id), ` ${stateWords(row)}`);
    });
}

async function waitTelling(
  context: CliContext,
  fleet: Fleet,
  refs: readonly string[],
  work: () => Promise<SessionRow[]>,
): Promise<SessionRow[]> {
  const details = await Promise.all(refs.map((ref) => fleet.describe(ref)));
  return tellingPrompts(context, { fleet, session_ids: details.map(({ row }) => row.session_id) }, work);
}
