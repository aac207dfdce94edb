import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import { asFilareError } from '../../src/contract/errors.js';
import type { Prompt, PromptRecord, SessionRow } from '../../src/contract/session.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const AGENTS = 12;
const CLIENTS = 3;
const ROUNDS = 3;

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
      - say: 'done with {{1}}'
`;

describe('twelve agents that ask at the same moment, answered in random order by three clients at once', () => {
  let rig: FleetRig;
  let rows: SessionRow[];
  const clients: Fleet[] = [];

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/fleet.yml': MANIFEST });
    for (let n = 0; n < CLIENTS; n += 1) clients.push(await rig.fleet());
    rows = await rig.start(client(0), REHEARSAL);
  }, 180_000);
  afterAll(async () => {
    for (const one of clients) await one[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  function client(at: number): Fleet {
    const found = clients[at];
    if (found === undefined) throw new Error('no client');
    return found;
  }

  it('every answer reaches its own request, once; the other two are told who was first', async () => {
    const expected = new Map(rows.map((row) => [row.id, '']));
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(rows.map((row) => client(0).send(row.session_id, `append ${row.id}-${String(round)}`)));
      let prompts: Prompt[] = [];
      await eventually('all twelve ask', async () => {
        prompts = await client(0).prompts();
        return prompts.length === AGENTS;
      });
      expect(prompts.map((prompt) => prompt.reason).sort()).toEqual(
        rows.map((row) => `${row.id}-${String(round)}`).sort(),
      );

      const answers = await Promise.all(clients.map((one, at) => answerAll(one, `client-${String(at)}`, prompts)));
      for (const prompt of prompts) {
        const given = answers.map((of_client) => of_client.get(prompt.prompt_id));
        const won = given.filter((one) => one?.record !== undefined);
        expect(won, prompt.id).toHaveLength(1);
        const decision = won[0]?.record?.decision;
        for (const lost of given.filter((one) => one?.record === undefined))
          expect(lost?.refused, prompt.id).toMatchObject({ code: 'conflict' });
        if (decision?.choice === 'accept')
          expected.set(prompt.id, `${expected.get(prompt.id) ?? ''}${prompt.reason ?? ''}\n`);
      }
      await eventually('all are idle', async () =>
        (await client(0).sessions()).every((row) => row.activity === 'idle' && row.pending_prompts === 0),
      );
    }
    for (const row of rows) {
      const log = await readFile(join(row.workspace, 'ran.log'), 'utf8').catch(() => '');
      expect(log, row.id).toBe(expected.get(row.id));
      const decisions = (await rig.transcript(row.transcript)).filter((e) => e.kind === 'decision');
      expect(decisions, row.id).toHaveLength(ROUNDS);
    }
  }, 120_000);

  it('lists the prompts of one session, and none of another', async () => {
    await client(0).send('asker-3', 'append last');
    await eventually('it asks', async () => (await client(0).prompts('asker-3')).length === 1);
    expect(await client(1).prompts('asker-4')).toEqual([]);
    const [prompt] = await client(2).prompts('asker-3');
    await client(2).decide(prompt?.prompt_id ?? '', { choice: 'decline', reason: 'not needed' });
    await eventually('it is idle', async () => (await client(0).describe('asker-3')).row.activity === 'idle');
  });
});

interface Answer {
  readonly record?: PromptRecord;
  readonly refused?: { readonly code: string };
}

/** Answers all prompts, in an order of its own, each accepted or declined as chance has it. */
async function answerAll(client: Fleet, by: string, prompts: readonly Prompt[]): Promise<Map<string, Answer>> {
  const shuffled = prompts
    .map((prompt) => ({ prompt, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ prompt }) => prompt);
  const answers = await Promise.all(
    shuffled.map(async ({ prompt_id, revision }): Promise<readonly [string, Answer]> => {
      const choice = Math.random() < 0.5 ? 'accept' : 'decline';
      try {
        return [prompt_id, { record: await client.decide(prompt_id, { choice, by, revision }) }];
      } catch (failure) {
        return [prompt_id, { refused: asFilareError(failure) }];
      }
    }),
  );
  return new Map(answers);
}
