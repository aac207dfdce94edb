import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Machine } from './machine.js';
import type { Findings, Suite } from './suite.js';

const DATA = new URL('../docs/benchmarks.json', import.meta.url);
const PAGE = new URL('../docs/benchmarks.md', import.meta.url);

const storedSchema = z.record(
  z.string(),
  z.object({
    date: z.string(),
    machine: z.object({
      processor: z.string(),
      cores: z.number(),
      memory_gib: z.number(),
      system: z.string(),
      kernel: z.string(),
      node: z.string(),
      engine: z.string(),
      codex: z.string(),
      product: z.string(),
      load: z.number(),
    }),
    rows: z.array(
      z.object({ what: z.string(), result: z.string(), target: z.string().nullable(), met: z.boolean().nullable() }),
    ),
    method: z.array(z.string()),
    raw: z.record(z.string(), z.array(z.number())),
  }),
);
type Stored = z.infer<typeof storedSchema>;

/** Puts the findings in place of those of an earlier run of the same benchmarks, and writes the page from all of them. */
export async function writeReport(
  suites: readonly Suite[],
  found: ReadonlyMap<string, Findings>,
  machine: Machine,
): Promise<void> {
  const stored = await readStored();
  for (const [name, { rows, method, raw }] of found) {
    const rounded = Object.entries(raw).map(([key, values]) => [key, values.map((v) => Math.round(v * 1000) / 1000)]);
    stored[name] = {
      date: new Date().toISOString(),
      machine: { ...machine },
      rows: [...rows],
      method: [...method],
      raw: z.record(z.string(), z.array(z.number())).parse(Object.fromEntries(rounded)),
    };
  }
  await writeFile(DATA, `${JSON.stringify(stored, null, 1)}\n`);
  await writeFile(PAGE, page(suites, stored));
}

/** The table of one benchmark's results, for a page or a terminal. */
export function table(rows: Findings['rows']): string {
  const lines = rows.map((row) => {
    const verdict = row.met === null ? '' : row.met ? 'met' : '**missed**';
    return `| ${row.what} | ${row.result} | ${row.target ?? ''} | ${verdict} |`;
  });
  return ['| what | result | target | |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

async function readStored(): Promise<Stored> {
  const text = await readFile(DATA, 'utf8').catch(() => '{}');
  return storedSchema.parse(JSON.parse(text));
}

function page(suites: readonly Suite[], stored: Stored): string {
  const parts = suites.flatMap((suite) => {
    const kept = stored[suite.name];
    return kept === undefined ? [] : [section(suite, kept)];
  });
  return `# Benchmarks

Written by \`npm run bench\`, through the real product: its library, its daemon, the Docker Engine, Codex. Each figure that has a target is held
against the bare thing measured in the same run, for absolute figures are the machine's. \`npm run bench -- --only launch,message\` measures some
again and leaves the others as they are; \`--quick\` shows that they run and writes nothing. Every raw figure is in
[benchmarks.json](benchmarks.json).

${parts.join('\n')}`;
}

function section(suite: Suite, kept: Stored[string]): string {
  const { machine } = kept;
  const raw = Object.entries(kept.raw).map(([name, values]) => `${name}: ${shown(values)}`);
  return `## ${suite.title}

${table(kept.rows)}

${kept.method.map((line) => `- ${line}`).join('\n')}

<details><summary>${kept.date.slice(0, 10)}, ${machine.processor}, ${machine.cores} cores; raw figures</summary>

${machine.processor}, ${machine.cores} cores, ${machine.memory_gib} GiB; ${machine.system}, kernel ${machine.kernel}; Node ${machine.node},
${machine.engine}, Codex ${machine.codex}, filare-agents ${machine.product}; load when it began ${machine.load.toFixed(1)}; \`npm run bench\`.

\`\`\`text
${raw.join('\n')}
\`\`\`

</details>
`;
}

const SHOWN_SAMPLES = 40;

function shown(values: readonly number[]): string {
  const some = values.slice(0, SHOWN_SAMPLES).map((value) => String(value));
  return values.length > SHOWN_SAMPLES ? `${some.join(' ')} … (${values.length})` : some.join(' ');
}
