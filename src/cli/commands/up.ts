import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import type { AgentSpec } from '../../contract/agent-spec.js';
import type { StartOutcome } from '../../contract/api-shapes.js';
import { FilareError } from '../../contract/errors.js';
import type { Fleet } from '../../client/fleet.js';
import type { RehearsalInput } from '../../client/fleet-options.js';
import { WAIT_STATES, type WaitState } from '../../client/wait-sessions.js';
import { bringUp, type Begun } from '../bring-up.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { parseDuration } from '../duration.js';
import { liveView } from '../live-view.js';
import { loadAgentsToStart, loadRehearsalInput } from '../load-agents.js';
import { maxParallelOption } from '../max-parallel.js';
import { PROGRESS_MODES, ProgressDisplay, type ProgressMode } from '../progress.js';
import { rollBack } from '../roll-back.js';
import { refusals, sayOutcomes, sayWarnings } from '../start-outcomes.js';
import { styled } from '../style.js';

interface UpOptions {
  readonly wait?: WaitState | boolean | undefined;
  readonly timeout?: string | undefined;
  readonly progress?: ProgressMode | undefined;
  readonly maxParallel?: number | undefined;
}

/** `up [MANIFEST…]`: image, daemon, every agent, then a live view. */
export function upCommand(context: CliContext): CommandUnknownOpts {
  // Both set one value, and the parser lets the later one win without a word.
  const said = { wait: false, no_wait: false };
  return newCommand(
    'up',
    'Bring everything up: the image, the daemon, every agent of the manifests (by default all of configs/agents), then a live view',
    [
      'filare-agents up',
      'filare-agents up configs/agents/docs.yml --no-wait',
      'filare-agents up --rehearsal rehearsal/first-day.yml --wait idle --progress plain',
    ],
  )
    .argument('[manifest...]', 'manifest files or folders')
    .option('--rehearsal <file...>', 'play a scripted part instead of calling a model')
    .addOption(maxParallelOption())
    .addOption(
      new Option('--wait <state>', 'end when every agent has been in this state, instead of watching').choices(
        WAIT_STATES,
      ),
    )
    .option('--no-wait', 'end as soon as every agent runs, or is known to wait in the queue')
    .option('-t, --timeout <duration>', 'with --wait: give up after so long, exit code 5; agents keep running')
    .addOption(new Option('--progress <mode>', 'how progress is shown').choices(PROGRESS_MODES))
    .addHelpText(
      'after',
      '\nCtrl-C before the live view takes back what this call began; in it, the agents keep running.\nCtrl-C twice leaves at once.',
    )
    .on('option:wait', () => (said.wait = true))
    .on('option:no-wait', () => (said.no_wait = true))
    .action(async (manifests, options) => {
      if (said.wait && said.no_wait) {
        throw new FilareError({ code: 'usage', message: 'say --wait STATE or --no-wait, not both' });
      }
      if (options.timeout !== undefined && typeof options.wait !== 'string') {
        throw new FilareError({ code: 'usage', message: '--timeout goes with --wait STATE' });
      }
      const agents = await loadAgentsToStart(context, manifests);
      if (agents.length === 0) {
        throw new FilareError({
          code: 'usage',
          message: 'no manifest declares an agent',
          hint: 'write one in configs/agents',
        });
      }
      const rehearsal = await loadRehearsalInput(options.rehearsal);
      context.interrupts.signal.throwIfAborted();
      await up(context, agents, rehearsal, options);
    });
}

async function up(
  context: CliContext,
  agents: readonly AgentSpec[],
  rehearsal: RehearsalInput | undefined,
  options: UpOptions,
): Promise<void> {
  const { out, globals, now_ms } = context;
  const { signal } = context.interrupts;
  const quiet = globals.json === true || globals.quiet === true;
  const progress = new ProgressDisplay({ out, mode: options.progress ?? (quiet ? 'quiet' : 'auto'), now_ms });
  const begun: Begun = { agent_ids: new Set(agents.map((agent) => agent.id)), known: new Set(), starting: undefined };
  let fleet: Fleet | undefined;
  let outcomes: StartOutcome[];
  try {
    progress.step('daemon');
    fleet = await context.openFleet({ begins: true });
    progress.done(fleet.started_daemon ? 'started' : 'is running');
    await using deaf = await context.openFleetForRollback();
    outcomes = await bringUp({
      fleet,
      deaf,
      agents,
      rehearsal,
      max_parallel: options.maxParallel,
      progress,
      signal,
      begun,
    });
    signal.throwIfAborted();
  } catch (error) {
    progress.failed();
    progress.close();
    if (signal.aborted) out.note('interrupted: taking back what this call began (Ctrl-C again leaves at once)');
    if (fleet !== undefined) await takeBack(context, fleet, begun);
    throw error;
  }
  progress.close();
  sayWarnings(context, outcomes);
  await afterStart(context, fleet, outcomes, options);
}

async function takeBack(context: CliContext, fleet: Fleet, begun: Begun): Promise<void> {
  const { started_daemon } = fleet;
  try {
    await using deaf = await context.openFleetForRollback();
    await rollBack({ fleet: deaf, begun, started_daemon, out: context.out });
  } catch (error) {
    // The daemon is gone: there is nobody left to ask, and the failure that brought us here is the one to show.
    if (!(error instanceof FilareError && error.code === 'bad_state')) throw error;
  }
}

async function afterStart(
  context: CliContext,
  fleet: Fleet,
  outcomes: readonly StartOutcome[],
  options: UpOptions,
): Promise<void> {
  const { out, globals } = context;
  const session_ids = outcomes.flatMap(({ session, outcome }) =>
    session === null || outcome === 'refused' ? [] : [session.session_id],
  );
  const refused = refusals(outcomes);
  if (refused !== undefined || options.wait === false || (globals.json === true && options.wait === undefined)) {
    sayOutcomes(context, outcomes);
    if (refused !== undefined && session_ids.length > 0) out.note('the others keep running: filare-agents list');
    if (refused !== undefined) throw refused;
    return;
  }
  if (typeof options.wait === 'string') {
    await waitInView(context, fleet, session_ids, options.wait, options.timeout);
    return;
  }
  await liveView(context, { fleet, session_ids, signal: context.interrupts.signal, show: true });
  if (context.interrupts.signal.aborted) {
    out.note(
      'the agents keep running: ',
      styled('bold', 'filare-agents list'),
      ', ',
      styled('bold', 'filare-agents stop --all'),
    );
  }
}

async function waitInView(
  context: CliContext,
  fleet: Fleet,
  session_ids: readonly string[],
  until: WaitState,
  timeout: string | undefined,
): Promise<void> {
  const { out, globals } = context;
  const waited = new AbortController();
  const view = liveView(context, {
    fleet,
    session_ids: [],
    signal: AbortSignal.any([waited.signal, context.interrupts.signal]),
    show: globals.json !== true && globals.quiet !== true,
  });
  try {
    const timeout_ms = timeout === undefined ? undefined : parseDuration(timeout, '--timeout');
    const rows = await fleet.wait(session_ids, until, { timeout_ms });
    if (globals.json === true) out.json(rows);
    else if (globals.quiet === true) for (const row of rows) out.line(row.session_id);
  } finally {
    waited.abort();
    await view;
  }
  if (globals.json === true || globals.quiet === true) return;
  const rows = await fleet.sessions();
  const { sayFleetSummary } = await import('../fleet-summary.js');
  await sayFleetSummary(
    context,
    fleet,
    rows.filter((row) => session_ids.includes(row.session_id)),
  );
}
