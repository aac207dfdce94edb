import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readTranscript } from '../../src/fleet/read-transcript.js';
import type { Fleet } from '../../src/fleet/fleet.js';
import { SessionMemory } from '../../src/session/session-memory.js';
import { createMasker } from '../../src/transcript/mask.js';
import { agentSpec } from '../support/agent-spec.js';
import { policy } from '../support/policy.js';

it('a page that holds nothing says that there is no more, and no limit asks for ever', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'filare-read-'));
  const memory = await SessionMemory.create(
    { session_id: 'a-1', folder, masker: createMasker({}), policy, now_ms: () => 1_000 },
    { type: 'created', agent: agentSpec({ id: 'a' }), rehearsal: null, by: 'x' },
  );
  const fleet = { find: () => ({ live: { memory } }) } as unknown as Fleet;
  expect(await readTranscript(fleet, 'a', { since: '2030-01-01T00:00:00Z' })).toMatchObject({
    entries: [],
    more: false,
  });
  const page = await readTranscript(fleet, 'a', { limit: 0 });
  expect([page.entries.length, page.more]).toEqual([1, false]);
  await memory.close();
  await rm(folder, { recursive: true, force: true });
});
