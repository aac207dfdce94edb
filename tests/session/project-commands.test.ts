import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogueCommandSchema, type CatalogueCommand } from '../../src/contract/catalogue.js';
import { commandLine } from '../../src/contract/project-command.js';
import { projectCommandsNote, usageOf } from '../../src/codex/project-commands.js';
import { projectSkills } from '../../src/codex/project-skills.js';
import { loadPolicy } from '../../src/inbox/load-policy.js';
import { checkCommandCall } from '../../src/session/project-commands.js';
import { commandVerdict } from '../../src/session/command-verdict.js';
import { firstState } from '../../src/session/apply.js';
import { agentSpec } from '../support/agent-spec.js';

const recipe = (name: string, parameters: CatalogueCommand['parameters'] = []): CatalogueCommand =>
  catalogueCommandSchema.parse({
    name,
    origin: 'justfile',
    run: ['just', name, ...parameters.map((each) => `{${each.name}}`)].join(' '),
    description: `What ${name} does`,
    category: 'test',
    parameters,
    safe_for_agents: true,
    actions: [],
  });
const extra = (run: string, parameters: CatalogueCommand['parameters']): CatalogueCommand => ({
  ...recipe('extra', parameters),
  origin: 'extra',
  run,
});
const one = (
  name: string,
  value: string | null = null,
  required = value === null,
): CatalogueCommand['parameters'][number] => ({
  name,
  kind: 'one',
  required,
  default: value,
});
const AWKWARD = [
  '',
  ' ',
  'a b',
  "it's",
  '"',
  '$HOME',
  '$(touch /tmp/x)',
  '`id`',
  '-n',
  '--',
  ';ls',
  '*',
  'é\u202e',
  'a\nb',
  '\\',
  '{x}',
];

describe('a command of the project with arguments', () => {
  it('keeps each argument one word, in the order of the parameters', () => {
    const command = recipe('test', [
      one('pattern'),
      one('jobs', '2'),
      { name: 'files', kind: 'star', required: false, default: null },
    ]);
    expect(commandLine(command, { arguments: { files: AWKWARD, pattern: '-x' } })).toMatchObject({
      argv: ['just', '--one', '--', 'test', '-x', '2', ...AWKWARD],
    });
    expect(usageOf(command)).toBe('test <pattern> [jobs] [files...]');
  });

  it('keeps what the line of a recipe says beside its name, and an option its value', () => {
    const command = {
      ...recipe('deploy', [one('env'), one('tag', 'latest')]),
      run: 'just --justfile tools/justfile deploy --env={env} {tag}',
    };
    expect(commandLine(command, { arguments: { env: 'a b' } })).toMatchObject({
      argv: ['just', '--one', '--justfile', 'tools/justfile', '--', 'deploy', '--env=a b'],
      shown: "just --justfile tools/justfile deploy '--env=a b'",
    });
    expect(commandLine({ ...command, run: 'make deploy' }, { arguments: { env: 'x' } })).toContain('none of just');
  });

  it('says what is wrong with a call', () => {
    const command = recipe('test', [one('pattern'), one('jobs', null, false), one('last', null, false)]);
    const wrong = (args: Record<string, string | string[]>): unknown => commandLine(command, { arguments: args });
    expect(wrong({})).toBe('command test: the argument pattern is missing');
    expect(wrong({ patern: 'x' })).toContain('has no parameter patern; it has pattern, jobs, last');
    expect(wrong({ pattern: ['a', 'b'] })).toContain('takes one argument, not 2');
    expect(wrong({ pattern: 'a', last: 'c' })).toContain('give jobs too');
    expect(commandLine(recipe('lint'), { arguments: { x: '1' } })).toContain('it takes none');
    expect(wrong({ pattern: 'x'.repeat(70_000) })).toContain('at most 65536');
  });

  it('gives a line for bash its arguments as they are, quoted or not', () => {
    const command = extra(`printf '[%s]' {a} "<{b}>" {rest}`, [
      one('a'),
      one('b', 'else'),
      { name: 'rest', kind: 'star', required: false, default: null },
    ]);
    fc.assert(
      fc.property(fc.tuple(word(), word(), fc.array(word(), { maxLength: 4 })), ([a, b, rest]) => {
        const line = commandLine(command, { arguments: { a, b, rest } });
        if (typeof line === 'string') throw new Error(line);
        const [program = '', ...args] = line.argv;
        const printed = [a, `<${b}>`, ...rest].map((text) => `[${text}]`).join('');
        expect(execFileSync(program, args).toString()).toBe(printed);
        // What rules and people read is the same command.
        expect(execFileSync('bash', ['-c', line.shown]).toString()).toBe(printed);
      }),
      { numRuns: 60 },
    );
    const short = commandLine(command, { arguments: { a: 'x' } });
    if (typeof short === 'string') throw new Error(short);
    expect(execFileSync(short.argv[0] ?? '', short.argv.slice(1)).toString()).toBe('[x][<else>]');
    expect(short.shown).toBe(`printf '[%s]' x "<else>" `);
    for (const run of ['echo $(( {a} + 1 ))', '[[ {a} -eq 1 ]]', 'eval {a}', 'let x={a}'])
      expect(commandLine(extra(run, [one('a')]), { arguments: { a: 'x[$(touch y)]' } })).toContain(
        'computes with words',
      );
    expect(commandLine(extra("echo '{a}'", [one('a')]), { arguments: { a: 'x' } })).toContain('between single quotes');
  });

  it('is checked against what the agent was given', () => {
    const agent = agentSpec({ id: 'a', commands: [recipe('lint')] });
    expect(checkCommandCall(agent, { command: 'deploy' })).toBe('there is no command deploy for you; there are lint');
    expect(checkCommandCall(agent, { command: 'lint', arguments: 'x' })).toContain('cannot be called so');
    expect(checkCommandCall(agent, { command: 'lint', timeout_seconds: 99_999 })).toContain('timeout_seconds');
    expect(checkCommandCall(agent, { command: 'lint' })).toMatchObject({
      timeout_s: 600,
      line: { shown: 'just lint' },
    });
  });
});

describe('what an agent is told of its commands', () => {
  it('is one line each in its instructions, within a bound, and a skill each', () => {
    const commands = Array.from({ length: 300 }, (_, at) => recipe(`command-${at}`, [one('x')]));
    const note = projectCommandsNote({ commands }) ?? '';
    expect(note.length).toBeLessThan(9_000);
    expect(note).toContain('- command-0 <x>: What command-0 does');
    expect(note).toMatch(/- and \d+ more: see your skills/);
    const skills = projectSkills({ commands });
    expect(new Set(skills.map((one) => one.folder)).size).toBe(300);
    expect(skills[7]?.text).toContain('name: "project-command-7"');
    expect(projectCommandsNote({})).toBeUndefined();
  });
});

describe('the policy and commands of the project', () => {
  const verdictOf = async (rules: object[], args: object): Promise<object> => {
    const deploy = extra('deploy "{what}" "{where}"', [one('what'), one('where', 'live')]);
    const agent = agentSpec({ id: 'a', commands: [recipe('test', [one('pattern', '')]), deploy] });
    const escalation = { ...agent.escalation, approvals: 'ask', rules } as typeof agent.escalation;
    const state = firstState('s', { type: 'created', agent: { ...agent, escalation }, rehearsal: null, by: 'x' }, 0);
    const action = { type: 'tool', tool: 'run_project_command', namespace: null, arguments: args };
    const request = {
      request_id: 1,
      method: 'item/tool/call',
      kind: 'tool',
      reason: null,
      summary: '',
      action,
      choices: [],
      turn_id: null,
      item_id: null,
    } as const;
    return commandVerdict(state, request, await loadPolicy());
  };

  it('lets what the catalogue calls safe run, unless a rule for the line or the tool says otherwise', async () => {
    const call = { command: 'test', arguments: { pattern: 'unit' } };
    expect(await verdictOf([], call)).toMatchObject({ do: 'approve' });
    expect(await verdictOf([{ when: { command: 'just test unit' }, do: 'ask' }], call)).toMatchObject({ do: 'ask' });
    expect(await verdictOf([{ when: { command: 'just lint' }, do: 'ask' }], call)).toMatchObject({ do: 'approve' });
    expect(await verdictOf([{ when: { tool: 'run_project_command' }, do: 'reject' }], call)).toMatchObject({
      do: 'reject',
    });
    expect(await verdictOf([{ when: { category: 'network' }, do: 'reject' }], call)).toMatchObject({ do: 'approve' });
    // Neither a quote in one argument nor leaving it out hides another from a rule.
    const rules = [{ when: { command: 'deploy * live' }, do: 'reject' }];
    for (const given of [{ what: 'x' }, { what: 'x', where: 'live' }, { what: 'x" #', where: 'live' }])
      expect(await verdictOf(rules, { command: 'extra', arguments: given })).toMatchObject({ do: 'reject' });
    const other = { command: 'extra', arguments: { what: 'x', where: 'test' } };
    expect(await verdictOf(rules, other)).toMatchObject({ do: 'approve' });
  });
});

function word(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(...AWKWARD),
    fc.string({ maxLength: 12 }).filter((text) => !text.includes('\0')),
  );
}
