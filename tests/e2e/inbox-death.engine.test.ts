import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import { asFilareError } from '../../src/contract/errors.js';
import type { Prompt, SessionRow } from '../../src/contract/session.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const AGENTS = 8;
/** Each of them is a kill; every agent goes through each. FILARE_INBOX_ROUNDS asks for more. */
const ROUNDS = Number(process.env['FILARE_INBOX_ROUNDS'] ?? 16);

const ids = Array.from({ length: AGENTS }, (_, at) => `asker-${String(at)}`);
const MANIFEST = `
defaults: { resources: { cpus: 1, memory: 256m, pids: 256 } }
sessions:
${ids.map((id) => `  - { id: ${id}, role: FEATURE }`).join('\n')}
`;
const REHEARSAL = `
parts:
  - matches: /^append (\\S+)/
    do:
      - ask_approval: echo {{1}} >> ran.log
        reason: '{{1}}'
      - ask_operator: { question: 'And now, {{1}}?' }
      - say: 'done with {{1}}: {{last_output}}'
`;

/** Where a daemon is killed. */
const STEPS = [
  'while agents begin to ask',
  'asked, not answered',
  'while answers are written down',
  'answered, not resolved',
] as const;

describe('a daemon that is killed around questions and answers', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  let rows: SessionRow[];

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/fleet.yml': MANIFEST });
    fleet = await rig.fleet();
    rows = await rig.start(fleet, REHEARSAL);
  }, 180_000);
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  const killAndComeBack = async (): Promise<void> => {
    process.kill(await rig.daemonPid(), 'SIGKILL');
    await fleet[Symbol.asyncDispose]();
    fleet = await rig.fleet();
  };

  it(`loses no prompt and no decision, and every command runs exactly once: ${String(ROUNDS)} kills, ${String(AGENTS)} agents each`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const step = STEPS[round % STEPS.length] ?? STEPS[0];
      const word = (row: SessionRow): string => `${row.id}-r${String(round)}`;
      const pid = await rig.daemonPid();
      await Promise.all(rows.map((row) => fleet.send(row.session_id, `append ${word(row)}`)));
      const decided = new Set<string>();
      switch (step) {
        case 'while agents begin to ask':
          await chance(60);
          await killAndComeBack();
          break;
        case 'asked, not answered': {
          await asking(fleet);
          const before = await fleet.prompts();
          await killAndComeBack();
          expect(await fleet.prompts()).toEqual(before);
          break;
        }
        case 'while answers are written down': {
          const prompts = await asking(fleet);
          const answers = prompts.map((prompt) => accept(fleet, prompt).then(() => decided.add(prompt.prompt_id)));
          await chance(12);
          process.kill(pid, 'SIGKILL');
          await Promise.allSettled(answers);
          await fleet[Symbol.asyncDispose]();
          fleet = await rig.fleet();
          break;
        }
        case 'answered, not resolved': {
          for (const prompt of await asking(fleet)) {
            await accept(fleet, prompt);
            decided.add(prompt.prompt_id);
          }
          await killAndComeBack();
          break;
        }
      }
      // What was decided stands: it is not open any more, and a second answer is told of the first.
      for (const prompt_id of decided) {
        const again = await fleet.decide(prompt_id, { choice: 'decline', by: 'somebody else' }).then(
          () => null,
          (failure: unknown) => asFilareError(failure).details,
        );
        expect(again, step).toMatchObject({ decision: { choice: 'accept', by: 'operator' } });
      }
      await answerTheRest();
      for (const row of rows) {
        const log = await readFile(join(row.workspace, 'ran.log'), 'utf8');
        const lines = log.split('\n').filter((line) => line === word(row));
        expect(lines, `${step}, round ${String(round)}, ${row.id}`).toHaveLength(1);
      }
    }
    for (const row of rows) {
      const entries = await rig.transcript(row.transcript);
      expect(entries.map((e) => e.seq)).toEqual(entries.map((_, at) => at + 1));
      expect(entries.filter((e) => e.kind === 'reply')).toHaveLength(ROUNDS);
      expect(entries.filter((e) => e.kind === 'decision' && e.data?.['outcome'] === 'approved')).toHaveLength(ROUNDS);
      expect(entries.filter((e) => e.kind === 'decision' && e.data?.['outcome'] === 'answered')).toHaveLength(ROUNDS);
    }
    expect((await fleet.sessions()).map((row) => row.attempt)).toEqual(rows.map(() => 1));
  }, 600_000);

  /** Answers whatever is open until all agents are done. */
  async function answerTheRest(): Promise<void> {
    await eventually(
      'all are answered and idle',
      async () => {
        for (const prompt of await fleet.prompts()) await accept(fleet, prompt).catch(() => undefined);
        const now = await fleet.sessions();
        return now.every((row) => row.activity === 'idle' && row.pending_prompts === 0);
      },
      60_000,
    );
  }
});

async function asking(fleet: Fleet): Promise<Prompt[]> {
  let prompts: Prompt[] = [];
  await eventually('all ask', async () => {
    prompts = await fleet.prompts();
    return prompts.length === AGENTS;
  });
  return prompts;
}

async function accept(fleet: Fleet, { prompt_id, kind, revision }: Prompt): Promise<void> {
  await fleet.decide(prompt_id, { choice: kind === 'approval' ? 'accept' : 'go on', revision });
}

function chance(most_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * most_ms));
}
