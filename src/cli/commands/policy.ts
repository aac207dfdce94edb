import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { AgentSpec } from '../../contract/agent-spec.js';
import { plural } from '../fleet-table.js';
import type { PolicyTest } from '../../inbox/policy-test.js';
import type { PolicyRules } from '../../inbox/policy.js';
import { newCommand, withSubcommands } from '../command.js';
import type { CliContext } from '../context.js';
import { parseMoment } from '../duration.js';
import { loadAgents } from '../load-agents.js';
import { readPast } from '../read-past.js';
import { policyTestTable } from '../policy-table.js';
import { styled } from '../style.js';
import { explainCommand } from './policy-explain.js';

/** `policy …`: what the rules of manifests would decide; needs neither daemon nor engine. */
export function policyCommand(context: CliContext): CommandUnknownOpts {
  const group = newCommand('policy', 'What the rules of manifests decide without a person, and why', [
    'filare-agents policy test --since 7d',
    "filare-agents policy explain 'git push origin main'",
  ]);
  return withSubcommands(group, [testCommand(context), explainCommand(context)]);
}

function testCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('test', 'Judge every approval of the past by the rules that manifests have now', [
    'filare-agents policy test',
    'filare-agents policy test configs/agents/docs.yml --since 7d',
    'filare-agents policy test --manifest draft.yml --json',
  ])
    .argument('[manifest...]', 'manifest files or folders (default: configs/agents)')
    .option('-m, --manifest <path...>', 'the same, as an option')
    .option('-s, --since <moment>', 'from then on: 10m, 7d, or RFC 3339')
    .action(async (manifests, options) => {
      const { out, globals } = context;
      const since = options.since === undefined ? undefined : parseMoment(options.since, '--since', context.now_ms());
      const agents = await loadAgents(context, [...manifests, ...(options.manifest ?? [])]);
      const past = await readPast(context, since);
      const { loadPolicy } = await import('../../inbox/load-policy.js');
      const { testPolicy } = await import('../../inbox/policy-test.js');
      const tested = testPolicy(past.entries, (id) => rulesOf(agents, id), await loadPolicy());
      if (globals.json === true) {
        out.json({ ...tested, damaged_lines: past.damaged });
        return;
      }
      const shown = globals.quiet === true ? tested.approvals.filter((one) => one.differs) : tested.approvals;
      const columns = out.is_terminal ? out.size.columns : Number.MAX_SAFE_INTEGER;
      if (globals.quiet === true) for (const one of shown) out.line(one.prompt_id);
      else if (shown.length > 0) for (const line of policyTestTable(shown, columns)) out.line(...line);
      sayTotals(context, tested);
    });
}

function rulesOf(agents: readonly AgentSpec[], id: string): PolicyRules | null {
  const agent = agents.find((one) => one.id === id);
  return agent === undefined ? null : { escalation: agent.escalation, standing: [] };
}

function sayTotals(context: CliContext, { approvals, totals }: PolicyTest): void {
  const { out } = context;
  const undeclared = totals.undeclared === 0 ? '' : `; ${totals.undeclared} of agents that no manifest declares`;
  if (approvals.length === 0) {
    out.note(`no approval was asked for${undeclared}`);
    return;
  }
  out.note(
    `${plural(approvals.length, 'approval')}: ${totals.approve} would be approved, ${totals.ask} asked about, ${totals.reject} rejected; `,
    totals.differ === 0 ? styled('green', 'none differs') : styled('yellow', `${totals.differ} differ`),
    undeclared,
  );
}
