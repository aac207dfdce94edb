import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { StartPlan } from '../../contract/api-shapes.js';
import type { AgentSpec } from '../../contract/agent-spec.js';
import { asFilareError, FilareError } from '../../contract/errors.js';
import { isOver } from '../../contract/phase.js';
import type { SessionRow } from '../../contract/session.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { loadAgentsToStart, loadRehearsalInput, onlyAgents } from '../load-agents.js';
import { orderLines } from '../../contract/start-order.js';
import { safeJson } from '../output.js';
import { maxParallelOption } from '../max-parallel.js';
import { refusals, sayOutcomes, sayWarnings } from '../start-outcomes.js';
import { styled } from '../style.js';

/** `start [MANIFEST…]`. */
export function startCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'start',
    'Start agents of manifests (by default all of configs/agents); what runs already is left alone',
    [
      'filare-agents start --all',
      'filare-agents start --session docs judge',
      'filare-agents start configs/agents/docs.yml --dry-run',
      'filare-agents start --all --max-parallel 4',
      'filare-agents start --all --rehearsal rehearsal/first-day.yml',
    ],
  )
    .argument('[manifest...]', 'manifest files or folders')
    .option('-s, --session <id...>', 'only these agents')
    .option('-a, --all', 'every agent of the manifests (as without --session)')
    .addOption(maxParallelOption())
    .option('--dry-run', 'only say what would be done, with the exact engine request; secrets are masked')
    .option('--rehearsal <file...>', 'play a scripted part instead of calling a model')
    .action(async (manifests, options) => {
      if (options.all === true && options.session !== undefined) {
        throw new FilareError({ code: 'usage', message: 'say --session or --all, not both' });
      }
      const declared = await loadAgentsToStart(context, manifests);
      const agents = options.session === undefined ? declared : onlyAgents(declared, options.session);
      const rehearsal = await loadRehearsalInput(options.rehearsal);
      const how = { rehearsal, max_parallel: options.maxParallel };
      await using fleet = await context.openFleet({ begins: true });
      if (options.dryRun === true) {
        sayPlans(context, await fleet.plan(agents, how), orderLines(agents));
        return;
      }
      const began_ms = context.now_ms();
      const outcomes = await fleet.start(agents, how).catch(async (failure: unknown) => {
        if (asFilareError(failure).code === 'interrupted') await sayGoesOn(context, agents, began_ms);
        throw failure;
      });
      sayOutcomes(context, outcomes);
      sayWarnings(context, outcomes);
      const refused = refusals(outcomes);
      if (refused !== undefined) throw refused;
    });
}

/** Ctrl-C ends the waiting alone: what the daemon has begun by then goes on, and is named, with the command that stops it. */
async function sayGoesOn(context: CliContext, agents: readonly AgentSpec[], began_ms: number): Promise<void> {
  const asked = new Set(agents.map((agent) => agent.id));
  const begun = await newRows(context, began_ms).catch(() => []);
  const ids = begun.map((row) => row.id).filter((id) => asked.has(id));
  if (ids.length === 0) context.out.note('no longer waiting: what the daemon has begun goes on: filare-agents list');
  else
    context.out.note(
      `no longer waiting: ${ids.join(', ')} ${ids.length === 1 ? 'goes' : 'go'} on; to stop: `,
      styled('bold', `filare-agents stop ${ids.join(' ')}`),
    );
}

async function newRows(context: CliContext, since_ms: number): Promise<SessionRow[]> {
  await using deaf = await context.openFleetForRollback();
  return (await deaf.sessions()).filter((row) => !isOver(row) && Date.parse(row.started_at) >= since_ms);
}

function sayPlans(context: CliContext, plans: readonly StartPlan[], order: readonly string[]): void {
  const { out } = context;
  if (context.globals.json === true) {
    out.json(plans);
    return;
  }
  if (order.length > 0) out.line(styled('bold', 'order'));
  for (const line of order) out.line(`  ${line}`);
  for (const plan of plans) {
    out.line(styled('bold', plan.id));
    for (const warning of plan.warnings) out.line('  ', styled('yellow', 'warning'), `: ${warning}`);
    plan.steps.forEach((step, at) => out.line(`  ${at + 1}. ${step}`));
    out.line(styled('dim', '  engine request:'));
    for (const line of safeJson(plan.engine_request, 2).split('\n')) out.line(`    ${line}`);
    out.line(styled('dim', '  config.toml of Codex:'));
    for (const line of plan.codex_config.trimEnd().split('\n')) out.line(`    ${line}`);
  }
}
