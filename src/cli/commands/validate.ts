import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { plural } from '../fleet-table.js';
import { orderLines } from '../../contract/start-order.js';
import { loadAgents } from '../load-agents.js';
import { styled, type Span } from '../style.js';
import { tableLines } from '../table.js';

/** `validate [MANIFEST…]`: needs neither daemon nor engine. */
export function validateCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'validate',
    'Check manifests (by default all of configs/agents) and print the resolved agents; nothing is started',
    ['filare-agents validate', 'filare-agents validate configs/agents/docs.yml --json'],
  )
    .argument('[manifest...]', 'manifest files or folders')
    .action(async (manifests) => {
      const agents = await loadAgents(context, manifests);
      const { out, globals } = context;
      if (globals.json === true) {
        out.json(agents);
        return;
      }
      if (globals.quiet === true) {
        for (const agent of agents) out.line(agent.id);
        return;
      }
      const head = [
        { title: 'ID', shrink: true },
        { title: 'ROLE', shrink: true },
        { title: 'BRANCH', shrink: true },
        { title: 'IMAGE', shrink: true },
        { title: 'WORKSPACE', shrink: true },
        { title: 'DECLARED', shrink: true },
      ];
      const rows = agents.map((agent): Span[] => [
        styled('bold', agent.id),
        agent.role,
        agent.branch ?? `agents/${agent.id}`,
        agent.image,
        agent.workspace.path,
        `${agent.source.file}:${agent.source.line}`,
      ]);
      const columns = out.is_terminal ? out.size.columns : Number.MAX_SAFE_INTEGER;
      if (rows.length > 0) for (const line of tableLines(head, rows, columns)) out.line(...line);
      const order = orderLines(agents);
      if (order.length > 0) out.line(styled('bold', 'order'));
      for (const line of order) out.line(`  ${line}`);
      out.note(styled('green', '✓'), ` ${plural(agents.length, 'agent')}, no mistake`);
    });
}
