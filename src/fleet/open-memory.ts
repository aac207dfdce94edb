import { asFilareError } from '../contract/errors.js';
import { createMasker, type Masker } from '../transcript/mask.js';
import { readSecrets } from '../session/secrets.js';
import type { SessionFact } from '../session/record.js';
import { ledgerFacts } from '../session/ledger-facts.js';
import type { SealReason } from '../session/memory-surroundings.js';
import { sessionFiles } from '../session/session-files.js';
import { SessionMemory } from '../session/session-memory.js';
import type { AgentSpec } from '../contract/agent-spec.js';
import type { FleetSurroundings } from './surroundings.js';

/** Opens the memory of a session, new (with its first fact) or from disk, with the masks of its secrets. */
export async function openMemory(
  around: FleetSurroundings,
  session_id: string,
  folder: string,
  created?: Extract<SessionFact, { type: 'created' }>,
): Promise<SessionMemory> {
  const agent = created?.agent ?? (await agentOf(folder));
  const masker = agent === null ? createMasker({}) : await maskerOf(around, session_id, agent);
  const surroundings = {
    session_id,
    folder,
    masker,
    policy: around.policy,
    now_ms: around.now_ms,
    seal: (seal: { lines: number; link: string; last_seq: number; why: SealReason }) =>
      around.resources.sealed({ session_id, ...seal }),
    warn: (failure: unknown, what: string) => {
      around.log.warn({ session_id, err: failure }, what);
    },
  };
  return created === undefined ? SessionMemory.open(surroundings) : SessionMemory.create(surroundings, created);
}

async function maskerOf(around: FleetSurroundings, session_id: string, agent: AgentSpec): Promise<Masker> {
  try {
    return createMasker((await readSecrets(agent)).variables);
  } catch (failure) {
    around.log.warn(
      { session_id, code: asFilareError(failure).code },
      'the env file cannot be read; its values cannot be masked',
    );
    return createMasker({});
  }
}

/** The agent in the first record of the ledger; null when there is none, which opening then reports. */
async function agentOf(folder: string): Promise<AgentSpec | null> {
  try {
    for await (const fact of ledgerFacts(sessionFiles(folder).ledger))
      return fact.type === 'created' ? fact.agent : null;
  } catch {
    return null;
  }
  return null;
}
