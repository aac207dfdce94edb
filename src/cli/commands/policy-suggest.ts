import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { parseMoment } from '../duration.js';
import { readPast } from '../read-past.js';

/** `feedback suggest`: rules that past answers of people justify, as YAML to read and take over. Needs no daemon. */
export function suggestCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('suggest', 'Rules that your past answers justify, as YAML to read and take over into a manifest', [
    'filare-agents feedback suggest',
    'filare-agents feedback suggest --agent docs --since 30d',
  ])
    .option('-a, --agent <id>', 'only from what this agent asked')
    .option('-s, --since <moment>', 'from then on: 10m, 30d, or RFC 3339')
    .action(async (options) => {
      const since = options.since === undefined ? undefined : parseMoment(options.since, '--since', context.now_ms());
      const { entries } = await readPast(context, since);
      const { loadPolicy } = await import('../../inbox/load-policy.js');
      const { suggestRules } = await import('../../inbox/suggest-rules.js');
      const suggestions = suggestRules(entries, await loadPolicy(), options.agent);
      if (context.globals.json === true) {
        context.out.json(suggestions);
        return;
      }
      if (suggestions.length === 0) {
        context.out.note(
          'no answer was given often enough to make a rule of it: 3 approvals, or 2 refusals, of the same',
        );
        return;
      }
      const { rulesYaml } = await import('../../inbox/rules-yaml.js');
      context.out.write(rulesYaml(suggestions));
    });
}
