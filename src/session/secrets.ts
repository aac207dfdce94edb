import { readFile } from 'node:fs/promises';
import { OPENAI_KEY, tellsKey } from '../codex/config-toml.js';
import { CODEX_PROCESS_PATH } from '../codex/guarded-files.js';
import type { AgentSpec } from '../contract/agent-spec.js';
import { readEnvFile } from '../manifest/env-file.js';
import { booked, secretNames } from './booking.js';
import type { SessionSurroundings } from './surroundings.js';

/** The variables and key that reach a container through its pipe; kept in memory for as long as it takes to write them. */
export interface Secrets {
  readonly variables: Readonly<Record<string, string>>;
  readonly model_key_names: readonly string[];
  readonly ssh_key: string | null;
}

/** Reads the secrets of an agent from where its manifest says. Values are never logged. */
export async function readSecrets(agent: AgentSpec): Promise<Secrets> {
  const env =
    agent.env_file === undefined
      ? { variables: {}, model_key_names: [] }
      : await readEnvFile(agent.env_file, agent.codex.config);
  return { ...env, ssh_key: agent.ssh_key === undefined ? null : await readFile(agent.ssh_key, 'utf8') };
}

/** The lines that the container's entry reads before it becomes Codex (docs/decisions/transport.md). */
export function bootstrapLines(agent: AgentSpec, secrets: Secrets, stage: 'codex' | 'startup'): readonly string[] {
  const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  // Another provider's key must be in Codex's environment, where its configuration names it; the usual one is told in the protocol.
  const variables = Object.entries(secrets.variables).filter(
    ([name]) =>
      !secrets.model_key_names.includes(name) || (stage === 'codex' && !(name === OPENAI_KEY && tellsKey(agent))),
  );
  return [
    ...(secrets.ssh_key === null
      ? []
      : [`K ${base64(secrets.ssh_key.endsWith('\n') ? secrets.ssh_key : `${secrets.ssh_key}\n`)}`]),
    ...variables.map(([name, value]) => `E ${name} ${base64(value)}`),
    ...(stage === 'codex' ? [`E PATH ${base64(CODEX_PROCESS_PATH)}`] : []),
    '.',
  ];
}

/** The key that Codex is told in the protocol; null when there is none, or its provider takes it from the environment. */
export function modelKey(agent: AgentSpec, secrets: Secrets): string | null {
  return tellsKey(agent) ? (secrets.variables[OPENAI_KEY] ?? null) : null;
}

/** Books what is about to be handed to a container through its pipe: in no file, and gone with the container. */
export async function bookSecrets(
  { resources }: Pick<SessionSurroundings, 'resources'>,
  to: { readonly session_id: string; readonly container: string },
  secrets: Secrets,
): Promise<void> {
  const handed = [secrets.ssh_key !== null, Object.keys(secrets.variables).length > 0];
  for (const [at, name] of secretNames(to.container).entries()) {
    if (handed[at] === true)
      await booked(resources, { kind: 'secret', name, session_id: to.session_id }, () => Promise.resolve());
  }
}
