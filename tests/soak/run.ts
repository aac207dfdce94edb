// The long proof: `npm run soak -- --minutes 30 --seed 7`. Kills daemons at every point and at random, starts and stops with faults, lets processes misbehave
// at full size, and writes docs/reliability.md. Time is shared out among the parts that are not whole yet; what did not fit is said in the report, and
// `--continue` goes on with it, with the same seed. `--prove` does none of that: it takes protections out one at a time and sees whether all this would
// notice, and writes that section of the report alone.
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { seeded } from '../support/seeded.js';
import { launchAndKill, soakCalls, soakRandom, soakWrites } from './kills.js';
import { soakMisbehaving } from './misbehaving.js';
import { proofSection, prove } from './prove.js';
import { emptyTally, soFarSchema, type SoFar, type Tally } from './tally.js';

const REPORT = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    report: { type: 'string', default: REPORT },
    prove: { type: 'boolean', default: false },
    continue: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const kept_counts = values.report.replace(/\.md$/, '.json');
const before: SoFar = values.continue
  ? soFarSchema.parse(JSON.parse(await readFile(kept_counts, 'utf8')))
  : { seed: Number(values.seed), runs: [], tallies: [] };
const { seed } = before;
const begun = new Date();
const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
/** Begins the section that a run of the other kind leaves as it is. */
const PROOF = '## Does the rig notice?';
const kept = await readFile(values.report, 'utf8').catch(() => '');
const [kept_run = '', kept_proof] = kept.split(`\n${PROOF}\n`);

if (values.prove) {
  const proofs = await prove(say);
  await writeFile(values.report, withProof(kept_run, `\n${proofSection(proofs, begun).join('\n')}\n`));
  process.exit(proofs.every(({ sound, broken }) => sound.length === 0 && broken.length > 0) ? 0 : 1);
}

say(`soak of ${minutes} minutes, seed ${seed}`);
const random = seeded(seed + before.runs.length);
const tallyOf = (name: string, of: number | null): Tally =>
  before.tallies.find((one) => one.name === name) ?? emptyTally(name, of);
const misbehaving = tallyOf('a process that misbehaves in the place of Codex, at full size', 16);
const writes = tallyOf('killed around a write', null);
const calls = tallyOf('a call to the engine that goes wrong', null);
const at_random = tallyOf('killed at random, eight agents talking and asking', 1_000);
const cycles = tallyOf('started and stopped, with something in between', 300);
const isWhole = (tally: Tally): boolean => tally.of !== null && tally.cases >= tally.of;
/** Shares of the time, of parts that are not whole; the first two go side by side. */
const shares = [
  isWhole(writes) && isWhole(calls) ? 0 : 4,
  isWhole(at_random) ? 0 : 4,
  isWhole(cycles) ? 0 : 2,
] as const;
const all_shares = Math.max(1, shares[0] + shares[1] + shares[2]);
const until = (share: number): number => Date.now() + (share / all_shares) * minutes * 60_000;

if (!isWhole(misbehaving)) await soakMisbehaving(misbehaving, say);
const both = until(shares[0]);
if (shares[0] > 0) await Promise.all([soakWrites(writes, seed, both, say), soakCalls(calls, seed, both, say)]);
if (shares[1] > 0) await soakRandom(at_random, random, until(shares[1]), say);
if (shares[2] > 0) await launchAndKill(cycles, random, until(shares[2]), say);
const tallies = [writes, calls, at_random, cycles, misbehaving];
const runs = [...before.runs, { begun: begun.toISOString(), minutes: (Date.now() - begun.getTime()) / 60_000 }];

await writeFile(kept_counts, `${JSON.stringify({ seed, runs, tallies }, null, 1)}\n`);
await writeFile(values.report, kept_proof === undefined ? report(tallies) : withProof(report(tallies), kept_proof));
const wrong = tallies.reduce((sum, one) => sum + one.violations.length, 0);
say(`${wrong} violations; report in ${values.report}`);
process.exit(wrong === 0 ? 0 : 1);

function withProof(run: string, proof: string): string {
  return `${run.trimEnd()}\n\n${PROOF}\n${proof}`;
}

function report(all: readonly Tally[]): string {
  const count = (kinds: readonly string[]): number =>
    all.reduce((sum, one) => sum + one.violations.filter(({ kind }) => kinds.includes(kind)).length, 0);
  const sum = (key: 'kills' | 'entries' | 'cases'): number => all.reduce((total, one) => total + one[key], 0);
  const lines = [
    '# Reliability: the last long run',
    '',
    'Written by `npm run soak`; do not edit. What each fault is, and which test proves it: [faults.md](faults.md).',
    '',
    '| | |',
    '| --- | --- |',
    `| begun | ${runs.map((one) => one.begun).join(', ')} |`,
    `| took | ${runs.map((one) => one.minutes.toFixed(1)).join(' + ')} minutes on ${cpus().length} processors |`,
    `| seed | ${seed} |`,
    `| daemons killed | ${sum('kills')} |`,
    `| cases | ${sum('cases')} |`,
    `| entries of transcripts compared with what Codex wrote | ${sum('entries')} |`,
    `| events or messages lost | ${count(['loss'])} |`,
    `| events or messages twice | ${count(['duplicate'])} |`,
    `| misrouted | ${count(['misrouted'])} |`,
    `| prompts lost or decided twice | ${count(['prompt'])} |`,
    `| leaks | ${count(['leak'])} |`,
    `| secrets outside their place | ${count(['secret'])} |`,
    `| other violations | ${count(['state', 'silence'])} |`,
    '',
    'Runs that `--continue` one another are counted together. Points are those found by counting writes and calls of a life; a run that is shorter than all of them takes as many as fit, in an order that the seed gives.',
    '',
    '| part | cases | of | daemons killed | violations |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...all.map((one) => `| ${one.name} | ${one.cases} | ${one.of ?? ''} | ${one.kills} | ${one.violations.length} |`),
    '',
    ...all.flatMap((one) => one.notes.map((note) => `- ${one.name}: ${note}`)),
  ];
  const bad = all.flatMap((one) => one.violations.map(({ kind, text, where }) => `- **${kind}** ${where}: ${text}`));
  return `${[...lines, ...(bad.length === 0 ? [] : ['', '## Violations', '', ...bad])].join('\n')}\n`;
}
