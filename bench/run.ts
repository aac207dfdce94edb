/**
 * `npm run bench`: measures what the product promises to be quick at, and writes docs/benchmarks.md. `--only a,b` runs some of it, `--quick` runs
 * small loads and writes nothing. Needs the built product, the engine, and the image for what starts real agents. Whatever ends it, everything
 * that it started is taken away. Exit status 1 when a target is missed.
 */
import { parseArgs } from 'node:util';
import { commandStart } from './command-start.js';
import { flood } from './flood.js';
import { inbox } from './inbox.js';
import { launch } from './launch.js';
import { machine } from './machine.js';
import { memory } from './memory.js';
import { message } from './message.js';
import { stream } from './stream.js';
import { recovery } from './recovery.js';
import { table, writeReport } from './report.js';
import type { Findings, Suite } from './suite.js';
import { Undo } from './undo.js';

const SUITES: readonly Suite[] = [launch, message, inbox, stream, memory, flood, recovery, commandStart];

const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } });
const asked = values.only?.split(',') ?? SUITES.map((suite) => suite.name);
const unknown = asked.filter((name) => !SUITES.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are ${SUITES.map((suite) => suite.name).join(', ')}`);
  process.exit(2);
}

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    ending.abort(new Error(`ended by ${signal}; cleaning up`));
  });
}

const where = await machine();
const found = new Map<string, Findings>();
for (const suite of SUITES.filter((one) => asked.includes(one.name))) {
  console.log(`\n${suite.title}`);
  found.set(suite.name, await runSuite(suite));
  console.log(table(found.get(suite.name)?.rows ?? []));
}
if (values.quick) console.log('\nquick run: docs/benchmarks.md is left as it is');
else await writeReport(SUITES, found, where);
const missed = [...found.values()].some((findings) => findings.rows.some((row) => row.met === false));
process.exitCode = missed ? 1 : 0;

async function runSuite(suite: Suite): Promise<Findings> {
  const undo = new Undo();
  const ended = new Promise<never>((_, reject) => {
    const end = (): void => {
      reject(ending.signal.reason instanceof Error ? ending.signal.reason : new Error('ended'));
    };
    if (ending.signal.aborted) end();
    ending.signal.addEventListener('abort', end, { once: true });
  });
  try {
    const say = (text: string): void => {
      console.log(`  ${text}`);
    };
    return await Promise.race([suite.run({ quick: values.quick, undo, signal: ending.signal, say }), ended]);
  } finally {
    for (const left of await undo.run()) console.error(`  not taken away: ${left}`);
  }
}
