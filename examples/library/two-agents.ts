/**
 * Two agents from manifests, driven from TypeScript: start them, ask both the same thing at once, read along as one works, stop them.
 * Runs in the test suite (tests/e2e/library.engine.test.ts) with a rehearsal; without one it talks to the real provider.
 *
 *   npx tsx examples/library/two-agents.ts PROJECT [REHEARSAL.yml]
 */
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { Fleet, loadManifests, loadRehearsal } from 'filare-agents';

const project = resolve(process.argv[2] ?? '.');
const script = process.argv[3];

const { agents } = await loadManifests(undefined, {
  project_root: project,
  cwd: project,
  env: process.env,
  home: homedir(),
});
await using fleet = await Fleet.open({ project });
const outcomes = await fleet.start(
  agents,
  script === undefined ? {} : { rehearsal: { script: await loadRehearsal([script]), origin: script } },
);
for (const { id, outcome, error } of outcomes)
  console.log(`${id}: ${outcome}${error === null ? '' : ` (${error.message})`}`);

const replies = await Promise.all(
  agents.map(async ({ id }) => ({ id, ...(await fleet.send(id, 'Say hello.', { wait_ms: 60_000 })) })),
);
for (const { id, reply } of replies) console.log(`${id} replied: ${reply?.trim() ?? ''}`);

for (const { id } of agents) {
  let entries = 0;
  for await (const event of fleet.tail(id)) if (event.type === 'entry') entries += 1;
  const row = await fleet.stop(id);
  console.log(`${id}: ${String(entries)} entries, ${row.phase}; its transcript stays: ${row.transcript}`);
}
