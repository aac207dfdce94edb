// The long proof: `npm run soak -- --minutes 30 --seed 7`. Kills daemons at every point and at random, starts and stops with faults, lets processes misbehave
// at full size, and writes docs/reliability.md. Time is shared out; what did not fit is said in the report. `--prove` does none of that: it takes protections
// out one at a time and sees whether all this would notice, and writes that section of the report alone.
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { seeded } from '../support/seeded.js';
import { launchAndKill, soakCalls, soakRandom, soakWrites } from './kills.js';
import { soakMisbehaving } from './misbehaving.js';
import { proofSection, prove } from './prove.js';
import { emptyTally, type Tally } from './tally.js';

const REPORT = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    report: { type: 'string', default: REPORT },
    prove: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const begun = new Date();
const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
/** When the part that has this share of the time is over. */
const until = (share: number): number => Date.now() + share * minutes * 60_000;

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
const random = seeded(seed);
const tallies: Tally[] = [];
const misbehaving = emptyTally('a process that misbehaves in the place of Codex, at full size', 16);
await soakMisbehaving(misbehaving, say);
const both = until(0.4);
const writes = emptyTally('killed around a write', null);
const calls = emptyTally('a call to the engine that goes wrong', null);
await Promise.all([soakWrites(writes, seed, both, say), soakCalls(calls, seed, both, say)]);
const at_random = emptyTally('killed at random, eight agents talking and asking', 1_000);
await soakRandom(at_random, random, until(0.4), say);
const cycles = emptyTally('started and stopped, with something in between', 300);
await launchAndKill(cycles, random, until(0.2), say);
tallies.push(writes, calls, at_random, cycles, misbehaving);

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
    `| begun | ${begun.toISOString()} |`,
    `| took | ${((Date.now() - begun.getTime()) / 60_000).toFixed(1)} minutes on ${cpus().length} processors |`,
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
    'Counts are of this run alone. Points are those found by counting writes and calls of a life; a run that is shorter than all of them takes as many as fit, in an order that the seed gives.',
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
