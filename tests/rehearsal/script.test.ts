import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FilareError } from '../../src/contract/errors.js';
import { isPlan } from '../../src/rehearsal/plan.js';
import { loadRehearsal } from '../../src/rehearsal/script.js';

const mistakesSchema = z.array(
  z.object({ file: z.string(), line: z.number(), column: z.number(), message: z.string() }),
);

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-script-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

async function refusal(paths: readonly string[]): Promise<FilareError> {
  try {
    await loadRehearsal(paths);
  } catch (error) {
    if (error instanceof FilareError) return error;
    throw error;
  }
  throw new Error('the script was taken');
}

/** The mistakes of one script as `line:column message`. */
async function mistakesIn(text: string): Promise<string[]> {
  const error = await refusal([await write('script.yml', text)]);
  expect(error.code).toBe('invalid_manifest');
  return mistakesSchema.parse(error.details).map(({ line, column, message }) => `${line}:${column} ${message}`);
}

describe('a rehearsal script', () => {
  it('becomes a plan that survives JSON', async () => {
    const file = await write(
      'a.yml',
      `
pace: {chunk: 5, delay: 20ms}
parts:
  - role: [FEATURE, FIXER]
    turn: 2
    matches: /^go (\\w+)/i
    do:
      - say: "{{1}}"
      - fail: {status: 429, times: 2, retry_after: 1.5s}
      - hang: 2m
`,
    );
    const plan = await loadRehearsal([file]);
    expect(isPlan(JSON.parse(JSON.stringify(plan)))).toBe(true);
    expect(plan.parts).toEqual([
      {
        source: `${file}:4`,
        cue: { role: ['FEATURE', 'FIXER'], turn: 2, matches: { source: '^go (\\w+)', flags: 'i' } },
        steps: [
          { kind: 'say', text: '{{1}}', pace: { chunk: 5, delay_ms: 20 } },
          { kind: 'fail', status: 429, message: 'the rehearsal fails here', times: 2, retry_after_ms: 1500 },
          { kind: 'hang', ms: 120_000 },
        ],
      },
    ]);
  });

  it('may be several files and folders, in order', async () => {
    const part = (name: string): string => `parts: [{agent: ${name}, do: [{say: ${name}}]}]`;
    await mkdir(join(folder, 'more'));
    await write('more/2.yaml', part('two'));
    await write('more/1.yml', part('one'));
    await write('more/notes.txt', 'not a script');
    const plan = await loadRehearsal([await write('first.json', part('"first"')), join(folder, 'more')]);
    expect(plan.parts.map(({ cue }) => cue.agent?.[0])).toEqual(['first', 'one', 'two']);
  });

  it('is refused with every mistake of every file, each where it stands', async () => {
    const one = await write('one.yml', 'partz: []\n');
    const two = await write('two.yml', 'parts:\n  - turn: 0\n    do: [{sya: hi}]\n');
    const error = await refusal([one, two, join(folder, 'three.yml')]);
    const found = mistakesSchema.parse(error.details).map(({ file, line, column }) => [file, line, column]);
    expect(found).toEqual([
      [join(folder, 'three.yml'), 1, 1],
      [one, 1, 1],
      [one, 1, 1],
      [two, 2, 11],
      [two, 3, 11],
    ]);
    expect(error.message).toContain('unknown field `partz`; did you mean `parts`?');
    expect(error.message).toContain('2 |   - turn: 0\n                  ^');
  });

  it.each([
    ['parts: [{do: [{sya: hi}]}]', '1:16 `sya` is not a step; did you mean `say`?'],
    ['parts: [{do: [{}]}]', '1:15 this is not a step (steps:'],
    ['parts: [{do: [hello]}]', '1:15 this is not a step (steps:'],
    ['parts: [{do: [{say: a, run: b}]}]', '1:24 a step does one thing'],
    ['parts: [{do: [{say: 5}]}]', '1:21 `say`: expected string, received number'],
    ['parts: [{do: [{say: a, pase: 1}]}]', '1:24 unknown field `pase`; did you mean `pace`?'],
    ['parts: [{do: []}]', '1:14 `do`: expected at least one step'],
    ['parts: [{text: a}]', '1:9 `do`: expected a list of steps'],
    ['parts: [{matches: "(", do: [{say: a}]}]', '1:19 Invalid regular expression'],
    ['parts: [{do: [{wait: soon}]}]', '1:22 `wait`: expected a duration'],
    ['parts: [{do: [{fail: {status: 200}}]}]', '1:31 `status`: expected a status from 400 to 599'],
    ['parts: [{do: [{edit: {path: a}}]}]', '1:22 `edit`: expected {path, content} or {path, patch}'],
    ['parts: [{do: [{edit: {path: a, patch: "@@\\n-a\\n+b\\nc"}}]}]', '1:39 line 4 of the patch'],
    ['parts: [{do: [{say: "{{nmae}}"}]}]', '1:21 nothing fills {{nmae}}'],
    ['parts: [{do: [{say: "{{1}}"}]}]', '1:21 nothing fills {{1}}'],
    ['parts: [{matches: "(a)", do: [{call: {tool: t, arguments: {a: ["{{2}}"]}}}]}]', '1:64 nothing fills {{2}}'],
    ['parts: [{do: [{say: a}]}, {text: b, do: [{say: b}]}]', '1:27 this part never plays'],
    ['parts: [\n  {do: [{say: a}]}\n', '3:1 '],
    ['- say: a', '1:1 expected object, received array'],
    ['', '1:1 expected object'],
  ])('that says %j is refused', async (text, expected) => {
    const [first, ...others] = await mistakesIn(text);
    expect(first?.startsWith(expected) ? expected : first).toBe(expected);
    expect(others).toEqual([]);
  });

  it('keeps an escaped variable', async () => {
    const plan = await loadRehearsal([await write('a.yml', String.raw`parts: [{do: [{say: '\{{x}} {{text}}'}]}]`)]);
    expect(plan.parts[0]?.steps[0]).toMatchObject({ text: String.raw`\{{x}} {{text}}` });
  });

  it('cannot eat memory with aliases', async () => {
    const rows = Array.from({ length: 9 }, (_, i) => `b${i + 1}: &b${i + 1} [${`*b${i},`.repeat(9)}]`);
    expect((await mistakesIn(`b0: &b0 x\n${rows.join('\n')}\nparts: []\n`))[0]).toMatch(/alias/i);
  });

  it('is what docs/rehearsal.md and examples/ show', async () => {
    const blocks = (await readFile('docs/rehearsal.md', 'utf8')).matchAll(/^```yaml\n(parts:[\s\S]*?)^```/gm);
    const files = await Promise.all([...blocks].map(([, text = ''], index) => write(`${index}.yml`, text)));
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) expect((await loadRehearsal([file])).parts.length).toBeGreaterThan(0);
    await expect(
      loadRehearsal(['examples/rehearsal/tour.yml', 'examples/rehearsal/quickstart.yml']),
    ).resolves.toBeDefined();
  });

  it('is missed when a folder holds none', async () => {
    expect((await refusal([folder])).message).toContain('no rehearsal script');
  });
});
