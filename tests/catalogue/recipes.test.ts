import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findJust } from '../../src/catalogue/find-just.js';
import { commandsOf, compile, project, refusal } from './project.js';

/** 60 recipes in four files: 36 in the justfile, 12 imported, 8 in a module, 4 in a module of that; every tenth is private. */
function sixty(): Record<string, string> {
  const recipe = (name: string, at: number): string => {
    const extra =
      ['', "[group('build')]\n", '[no-cd]\n', '[confirm]\n', "[doc('said in an attribute')]\n"][at % 5] ?? '';
    const parameters = ['', ' a', " a b='x y'", ' a *rest', " +rest='one'", ' $env="1" c=`date`'][at % 6] ?? '';
    const dependency = at % 7 === 3 ? ' first' : '';
    return `# Does ${name}\n${extra}${at % 10 === 9 ? '[private]\n' : ''}${name}${parameters}:${dependency}\n    echo ${name}\n`;
  };
  const recipes = (prefix: string, count: number, from: number): string =>
    Array.from({ length: count }, (_, at) => recipe(`${prefix}-${String(at)}`, from + at)).join('\n');
  return {
    justfile: `import 'parts/more.just'\nimport? 'parts/missing.just'\nmod tools 'parts/tools.just'\nmod? gone\nalias f := first\nlong := '''\nfake:\n  echo\n'''\n\nfirst:\n${recipes('own', 35, 0)}`,
    'parts/more.just': recipes('imported', 12, 35),
    'parts/tools.just': `mod deep 'deep.just'\nfirst:\n${recipes('tool', 7, 47)}`,
    'parts/deep.just': `first:\n${recipes('deep', 3, 54)}`,
  };
}

describe('the recipes of a justfile', () => {
  it('the real just is there', () => {
    expect(findJust(process.env).length).toBeGreaterThan(0);
  });

  it('are read by the program itself where npm put a shim in front of it', () => {
    const [found = ''] = findJust({ PATH: fileURLToPath(new URL('../../node_modules/.bin', import.meta.url)) });
    expect(found).toMatch(/rust-just-[^/]+\/bin\/just$/);
  });

  it('are all told, with imports, modules, parameters, dependencies and attributes; private ones are counted', async () => {
    const root = project(sixty());
    const { counts, text } = await compile(root);
    expect(counts).toMatchObject({ recipes: 60, private_left_out: 5, commands: 55, aliases: 1, extras: 0 });
    const commands = await commandsOf(root);
    expect(Object.keys(commands)).toHaveLength(55);
    expect(Object.keys(commands)).toEqual(Object.keys(commands).toSorted());
    expect(commands['own-2']).toMatchObject({
      run: 'just own-2 {a} {b}',
      description: 'Does own-2',
      parameters: [
        { name: 'a', kind: 'one', required: true, default: null },
        { name: 'b', kind: 'one', required: false, default: 'x y' },
      ],
    });
    expect(commands['own-1']).toMatchObject({ category: 'build' });
    expect(commands['own-4']).toMatchObject({
      description: 'said in an attribute',
      parameters: [{ name: 'rest', kind: 'plus', required: false, default: 'one' }],
    });
    // What a recipe computes is no text to show.
    expect(commands['own-5']?.parameters).toEqual([
      { name: 'env', kind: 'one', required: false, default: '1' },
      { name: 'c', kind: 'one', required: false, default: null },
    ]);
    expect(commands['imported-1']).toMatchObject({ description: 'Does imported-1', category: 'build' });
    expect(commands['tools::tool-0']).toMatchObject({ category: 'tools', run: 'just tools::tool-0 {env} {c}' });
    expect(commands['tools::deep::first']).toMatchObject({ category: 'tools::deep' });
    expect(commands['fake']).toBeUndefined();
    expect(text).toContain('# sources: justfile, parts/deep.just, parts/more.just, parts/tools.just\n');
  });

  it('are safe for agents only when they say so, and never when they would wait for a person', async () => {
    const commands = await commandsOf(
      project({
        justfile: `
mod m
# agent: safe
# By the comment
above:
# By the comment
# agent: safe
below:
[group('agent'), group('test')]
grouped:
# agent: safe
[no-cd]
attribute:
# agent: safe

apart:
# agent: safely
almost:
# agents: safe
other:
text := '
# agent: safe
'
string:
# agent: safe
[confirm('Really?')]
confirmed:
# agent: safe
depends: confirmed
# agent: safe
depends-on-module: m::ask
plain:
    # agent: safe
`,
        'm.just': '# agent: safe\nmarked:\n[confirm]\nask:\n',
      }),
    );
    const safe = Object.values(commands).filter((command) => command.safe_for_agents);
    expect(safe.map(({ name }) => name)).toEqual(['above', 'attribute', 'below', 'grouped', 'm::marked']);
    expect(commands['above']?.description).toBe('By the comment');
    expect(commands['below']?.description).toBe('By the comment');
    expect(commands['grouped']?.category).toBe('test');
  });

  it('that take options have those that are needed in their command line', async () => {
    const root = project({
      justfile: "[arg('env', long), arg('n', short='n')]\ndeploy env n x='1' :\n[arg('why', long)]\nlog why='-':\n",
    });
    expect(await commandsOf(root)).toMatchObject({
      deploy: { run: 'just deploy --env={env} -n {n} {x}' },
      log: { run: 'just log', parameters: [] },
    });
  });

  it('keep their names, whatever they are', async () => {
    const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_-]{0,30}$/);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 20 }), async (names) => {
        const root = project({ justfile: names.map((one) => `# agent: safe\n${one}:\n    true\n`).join('\n') });
        const { counts } = await compile(root);
        const open = names.filter((one) => !one.startsWith('_'));
        expect(counts).toMatchObject({ recipes: names.length, private_left_out: names.length - open.length });
        const commands = await commandsOf(root);
        expect(Object.keys(commands).toSorted()).toEqual(open.toSorted());
        for (const command of Object.values(commands)) expect(command.safe_for_agents, command.name).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});

describe('a justfile that cannot be read', () => {
  it('is told in the words of just', async () => {
    const { failure } = await refusal(project({ justfile: 'ok:\n\nbad\n' }));
    expect(failure).toMatchObject({ code: 'invalid_manifest' });
    expect(failure.message).toContain('justfile:');
  });

  it('that is not there says how to name it', async () => {
    expect((await refusal(project({}))).failure).toMatchObject({
      code: 'not_found',
      hint: expect.stringContaining('--justfile') as unknown,
    });
  });

  it('because a name stands twice names both places', async () => {
    const files = {
      justfile: "import 'a.just'\nimport 'b.just'\n",
      'a.just': 'same:\n',
      'b.just': '\n# again\nsame x:\n',
    };
    expect((await refusal(project(files))).failure.message).toBe(
      'the recipe same is defined twice: a.just:1 and b.just:3',
    );
    const allowed = { ...files, justfile: `set allow-duplicate-recipes\n${files.justfile}` };
    expect((await refusal(project(allowed))).failure.message).toContain('a.just:1 and b.just:3');
    const systems = 'set allow-duplicate-recipes\n[linux]\nopen:\n[macos]\nopen:\n[windows]\nopen:\n';
    expect(Object.keys(await commandsOf(project({ justfile: systems })))).toEqual(['open']);
  });
});
