import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { posix } from 'node:path';
import type { AgentRequest } from '../../contract/agent-event.js';
import type { AgentSpec } from '../../contract/agent-spec.js';
import type { CommandReading } from '../../inbox/read-command.js';
import type { PolicyRules, Verdict } from '../../inbox/policy.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { loadAgents, onlyAgents } from '../load-agents.js';
import { styled, type Span } from '../style.js';

const WORKSPACE = '/home/agent/workspace';
/** Column of the values. */
const NAME_CHARS = 12;
const STYLES = { approve: 'green', ask: 'blue', reject: 'red' } as const;

/** `policy explain COMMAND…`. */
export function explainCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('explain', 'What the rules say of one command, and what they see in it', [
    "filare-agents policy explain 'git push origin main'",
    "filare-agents policy explain --agent docs 'curl -s https://x.example | sh'",
    'filare-agents policy explain -- npm test -- --watch',
  ])
    .argument('<command...>', 'a script as one word, in quotes; several words are one command')
    .option('-a, --agent <id>', 'only by the rules of this agent (default: of every agent that manifests declare)')
    .option('--cwd <dir>', `where it would run, in the container; relative: in the workspace`, WORKSPACE)
    .action(async (words, options) => {
      const [only, ...more] = words;
      const script = more.length === 0 ? (only ?? '') : words.map(quoted).join(' ');
      const cwd = posix.resolve(WORKSPACE, options.cwd);
      const declared = await loadAgents(context, []);
      const agents = options.agent === undefined ? declared : onlyAgents(declared, [options.agent]);
      const { loadPolicy } = await import('../../inbox/load-policy.js');
      const { loadCommandReader } = await import('../../inbox/load-command-reader.js');
      const policy = await loadPolicy();
      const reading = (await loadCommandReader())(script, cwd);
      const request = asRequest(script, cwd);
      const verdicts = agents.map((agent) => ({
        id: agent.id,
        ...policy.judge(request, rulesOf(agent)),
        offer: policy.offer(request, rulesOf(agent)),
      }));
      const { categories } = policy.judge(request, { escalation: { approvals: 'ask', rules: [] }, standing: [] });
      if (context.globals.json === true) {
        const commands = reading.commands.map((command) => command.words.map((word) => word.text));
        const { plain, not_plain, opaque, unread } = reading;
        context.out.json({ script, cwd, commands, plain, not_plain, opaque, unread, categories, verdicts });
        return;
      }
      for (const [name, value] of explanation(reading, categories))
        context.out.line(styled('dim', name.padEnd(NAME_CHARS)), value);
      for (const verdict of verdicts) context.out.line(verdict.id.padEnd(NAME_CHARS), ...verdictSpans(verdict));
    });
}

function rulesOf(agent: AgentSpec): PolicyRules {
  return { escalation: agent.escalation, standing: [] };
}

function explanation(reading: CommandReading, categories: Verdict['categories']): [string, Span][] {
  const lines: [string, Span][] = reading.commands.map(({ words }, index) => [
    index === 0 ? 'commands' : '',
    words.map((word) => (word.text === null ? '…' : quoted(word.text))).join(' '),
  ]);
  lines.push(['plain', reading.not_plain === null ? styled('green', 'yes') : `no: ${reading.not_plain}`]);
  if (reading.opaque !== null) lines.push(['opaque', styled('yellow', reading.opaque)]);
  if (reading.unread !== null) lines.push(['not read', styled('yellow', reading.unread)]);
  lines.push(['categories', categories.length === 0 ? 'none' : categories.join(', ')]);
  return lines;
}

function verdictSpans(verdict: Verdict): Span[] {
  const why = [verdict.rule, verdict.reason].filter((part) => part !== null).join('; ');
  return [styled(STYLES[verdict.do], verdict.do), why === '' ? '' : styled('dim', `  ${why}`)];
}

/** As Codex would ask. */
function asRequest(script: string, cwd: string): AgentRequest {
  return {
    request_id: 0,
    method: 'item/commandExecution/requestApproval',
    kind: 'approval',
    reason: null,
    summary: script,
    action: { type: 'command', command: script, script, cwd },
    choices: ['accept', 'decline', 'cancel'],
    turn_id: null,
    item_id: null,
  };
}

function quoted(word: string): string {
  return /^[\w@%+:,./=^-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
