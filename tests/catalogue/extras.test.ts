import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeholdersOf } from '../../src/catalogue/placeholders.js';
import { commandsOf, compile, project, refusal, sampleProject } from './project.js';

const JUSTFILE = 'alias t := test\n# Tests\ntest file *flags:\n[confirm]\nship:\n[private]\nhidden:\n';
const withExtras = (text: string): string => project({ justfile: JUSTFILE, 'agents/extra_commands.yml': text });

describe('extra commands', () => {
  it('in the shapes of the Filare project are read as they are', async () => {
    const root = sampleProject();
    expect((await compile(root)).counts).toEqual({
      recipes: 8,
      commands: 11,
      private_left_out: 0,
      aliases: 0,
      extras: 3,
      overrides: 0,
      safe_for_agents: 1,
    });
    const commands = await commandsOf(root);
    expect(commands['tidy-and-quick']).toMatchObject({
      origin: 'extra',
      run: "bash -lc 'just tidy && just quick'",
      safe_for_agents: true,
      parameters: [],
      actions: [
        { name: 'look-at-env', stage: 'before', params: { checks: ['repo-there', 'python-there'] } },
        { name: 'run-line', stage: 'main', params: { capture: true, live: false } },
        { name: 'explain-error', stage: 'on_error', params: {} },
      ],
    });
    expect(commands['inspect-cycle']).toMatchObject({
      description: 'Inspect with a person, then print what was said.',
      parameters: [
        { name: 'agent_role', kind: 'one', required: true, default: null },
        { name: 'task_id', kind: 'one', required: true, default: null },
      ],
    });
    expect(commands['lead-plan']?.parameters.map(({ name }) => name)).toEqual(['task_id']);
    expect(commands['inspect']?.run).toBe('just inspect {agent_role} {task_id} {base}');
  });

  it('change what they name of a recipe, and nothing else', async () => {
    const root = withExtras(`
commands:
  test: { safe_for_agents: true, category: quality }
  ship: { safe_for_agents: true }
  hidden: { description: now seen }
extra_commands:
  more: { run: 'echo {what}', parameters: [what, { name: rest, kind: star }] }
  say: { actions: [{ name: tell, stage: main }] }
`);
    expect((await compile(root)).counts).toMatchObject({
      recipes: 3,
      private_left_out: 0,
      extras: 5,
      overrides: 3,
      commands: 5,
    });
    const commands = await commandsOf(root);
    expect(commands['test']).toMatchObject({
      origin: 'justfile',
      run: 'just test {file} {flags}',
      description: 'Tests',
      category: 'quality',
      safe_for_agents: true,
    });
    expect(commands['ship']?.safe_for_agents).toBe(true);
    expect(commands['hidden']?.description).toBe('now seen');
    expect(commands['more']).toMatchObject({
      safe_for_agents: false,
      parameters: [
        { name: 'what', kind: 'one', required: true },
        { name: 'rest', kind: 'star', required: false },
      ],
    });
    expect(commands['say']).toMatchObject({ run: null, actions: [{ name: 'tell', stage: 'main', params: {} }] });
  });

  it('with mistakes are told all at once, each at its place', async () => {
    const { failure, said } = await refusal(
      withExtras(`commands:
  a: { run: x, catgory: y }
  b: { run: 3 }
  c: { actions: [{ name: n, stage: late }] }
  d: {}
  'bad name': { run: x }
  e: { run: x, name: f }
  g: { run: x, parameters: [{ name: p, kind: star }, q] }
  test: { parameters: [x] }
  t: { run: x }
  h: [x]
comands: {}
`),
    );
    expect(failure).toMatchObject({ code: 'invalid_manifest' });
    expect(said.split('\n').filter((line) => line.startsWith('agents/'))).toEqual([
      'agents/extra_commands.yml:2:16: error: unknown field "catgory" in a',
      'agents/extra_commands.yml:3:13: error: b.run cannot be this',
      'agents/extra_commands.yml:4:36: error: c.actions.0.stage cannot be this',
      'agents/extra_commands.yml:5:3: error: d is no recipe, and says neither what to run nor which actions to take',
      'agents/extra_commands.yml:6:3: error: "bad name" is no name for a command',
      'agents/extra_commands.yml:7:22: error: the name f stands in the entry e',
      'agents/extra_commands.yml:8:29: error: the parameter p takes any number of arguments, and another one follows',
      'agents/extra_commands.yml:9:3: error: test is a recipe, and its parameters are those of the justfile',
      'agents/extra_commands.yml:10:3: error: t is an alias in the justfile already',
      'agents/extra_commands.yml:11:6: error: h is no mapping',
      'agents/extra_commands.yml:12:1: error: unknown field "comands"',
    ]);
    expect(said).toContain('did you mean category?');
    expect(said).toContain('  2 |   a: { run: x, catgory: y }\n    |                ^');
  });

  it('that stand twice are told with both places', async () => {
    const twice = await refusal(withExtras('commands:\n  a: { run: x }\nextra_commands:\n  a: { run: y }\n'));
    expect(twice.said).toContain('extra_commands.yml:4:3: error: the command a is defined twice: here and on line 2');
    const in_one = await refusal(withExtras('commands:\n  a: { run: x }\n  a: { run: y }\n'));
    expect(in_one.said).toContain('extra_commands.yml:3:3: error: "a" is given twice');
    expect(in_one.said).toContain('the first is on line 2');
  });

  it('in broken YAML are told with the line and a caret', async () => {
    const { said } = await refusal(withExtras('commands:\n  a: "open\n'));
    expect(said).toContain('agents/extra_commands.yml:2:6: error: not valid YAML: this quote is never closed');
    expect(said).toContain('  2 |   a: "open\n    |      ^');
    expect((await refusal(withExtras('# nothing\n'))).said).toContain('the file of extra commands is empty');
  });

  it('know placeholders from what only looks like one', () => {
    expect(placeholdersOf('a {b} "{c-d}" {b} ${e} {{f}} {g,h} {1} {} { i }')).toEqual(['b', 'c-d']);
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-zA-Z_][\w-]{0,20}$/)), (names) => {
        expect(placeholdersOf(names.map((name) => `--x={${name}}`).join(' '))).toEqual(names);
      }),
    );
  });

  it('of any name and text come back from the file as they went in', async () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((one) => one.trim() !== '' && !/\p{C}/u.test(one));
    const name = fc
      .stringMatching(/^[a-zA-Z_][\w-]{0,30}$/)
      .filter((one) => !['test', 't', 'ship', 'hidden'].includes(one));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, text, { minKeys: 1, maxKeys: 8, noNullPrototype: true }), async (runs) => {
        const entries = Object.entries(runs).filter(([one]) => one !== '__proto__');
        const commands = Object.fromEntries(
          entries.map(([one, run]) => [one, { run, description: run, parameters: [] }]),
        );
        const compiled = await commandsOf(withExtras(JSON.stringify({ version: 1, commands })));
        for (const [one, run] of entries) expect(compiled[one]?.run).toBe(run.trim());
      }),
      { numRuns: 25 },
    );
  });
});
