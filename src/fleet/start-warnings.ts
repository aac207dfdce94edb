import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentSpec } from '../contract/agent-spec.js';
import type { SessionRow } from '../contract/session.js';
import { scriptWords } from '../contract/start-again.js';
import { agentFolders } from '../session/launch.js';
import { readSecrets } from '../session/secrets.js';
import type { SessionSurroundings } from '../session/surroundings.js';

/** Settings of Codex with which another provider, a proxy or another store of logins may need no key that we can see. */
const ELSEWHERE = [
  'model_provider',
  'model_providers',
  'oss_provider',
  'openai_base_url',
  'chatgpt_base_url',
  'cli_auth_credentials_store',
] as const;

/**
 * What a person should know of a start that calls the model provider: that the agent's session before, `last`, was rehearsed, and that there is neither
 * key nor login. Says nothing where it cannot know.
 */
export async function startWarnings(
  around: Pick<SessionSurroundings, 'paths'>,
  agent: AgentSpec,
  last: SessionRow | undefined,
): Promise<string[]> {
  const { id } = agent;
  const origin = last?.rehearsal ?? null;
  return [
    ...(origin === null
      ? []
      : [
          `${id} was rehearsed last time; this session calls the model provider (start --session ${id} --rehearsal ${scriptWords(origin)} plays the script again)`,
        ]),
    ...((await hasNoKey(around, agent))
      ? [
          `${id} has no model key and no login, so the provider will refuse it: filare-agents login ${id}, or a line OPENAI_API_KEY=… in the file that env_file names and a new start (filare-agents help getting-started)`,
        ]
      : []),
  ];
}

async function hasNoKey(around: Pick<SessionSurroundings, 'paths'>, agent: AgentSpec): Promise<boolean> {
  if (ELSEWHERE.some((key) => agent.codex.config[key] !== undefined)) return false;
  try {
    const { variables, model_key_names } = await readSecrets(agent);
    if (variables['OPENAI_BASE_URL'] !== undefined || model_key_names.some((name) => variables[name] !== ''))
      return false;
  } catch {
    // An env file that cannot be read is refused by the start itself.
    return false;
  }
  const { codex_home } = agentFolders(around, agent.id);
  return lstat(join(codex_home, 'auth.json')).then(
    () => false,
    (failure: unknown) => failure instanceof Error && 'code' in failure && failure.code === 'ENOENT',
  );
}
