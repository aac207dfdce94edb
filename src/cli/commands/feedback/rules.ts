import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { FilareError } from '../../../contract/errors.js';
import type { StandingRule } from '../../../contract/session.js';
import { newCommand } from '../../command.js';
import type { CliContext } from '../../context.js';
import { sayAge } from '../../duration.js';
import { eachOne } from '../../each-ref.js';
import { meant } from '../../find-prompts.js';
import { conditionWords, ruleWords, SCOPE_WORDS } from '../../rule-words.js';
import { styled, type Span } from '../../style.js';
import { tableLines } from '../../table.js';

/** `feedback rules`: what answers "for this session" and "always" have written. */
export function rulesCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('rules', 'The rules that answers "for this session" and "always" have written', [
    'filare-agents feedback rules',
    'filare-agents feedback rules --json',
  ]).action(async () => {
    await using fleet = await context.openFleet();
    const rules = await fleet.rules();
    if (context.globals.json === true) context.out.json(rules);
    else if (context.globals.quiet === true) for (const rule of rules) context.out.line(rule.rule_id);
    else if (rules.length === 0) context.out.note('no answer has written a rule');
    else for (const line of ruleTable(context, rules)) context.out.line(...line);
  });
}

/** `feedback forget RULE…`: takes rules back. */
export function forgetCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('forget', 'Take rules back that answers have written: from now on the agent asks again', [
    'filare-agents feedback forget RULE',
  ])
    .argument('<rule...>', 'rule ids, or unique beginnings of them')
    .action(async (ids) => {
      await using fleet = await context.openFleet();
      const rules = await fleet.rules();
      await eachOne<StandingRule>(context, {
        refs: [...new Set(ids)],
        verb: 'forget',
        act: async (id) => {
          const rule = meant(rules, id, (one) => one.rule_id, 'rule');
          if (rule !== undefined) return fleet.forgetRule(rule.rule_id, { by: 'operator' });
          throw new FilareError({
            code: 'not_found',
            message: `no rule ${id} stands`,
            hint: 'filare-agents feedback rules',
          });
        },
        say: (rule) => context.out.line(styled('yellow', rule.rule_id), ' forgotten: ', styled('dim', ruleWords(rule))),
        id: (rule) => rule.rule_id,
      });
    });
}

function ruleTable(context: CliContext, rules: readonly StandingRule[]): Span[][] {
  const { out } = context;
  const head = [
    { title: 'RULE' },
    { title: 'AGENT', shrink: true },
    { title: 'HOLDS' },
    { title: 'DOES' },
    { title: 'BY', shrink: true },
    { title: 'AGE', align: 'right' as const },
    { title: 'WHEN', shrink: true },
  ];
  const rows = rules.map((rule): Span[] => [
    styled('yellow', rule.rule_id),
    styled('bold', rule.id),
    SCOPE_WORDS[rule.scope],
    rule.do,
    rule.by,
    sayAge(rule.created_at, context.now_ms()),
    conditionWords(rule.when),
  ]);
  return tableLines(head, rows, out.is_terminal ? out.size.columns : Number.MAX_SAFE_INTEGER);
}
