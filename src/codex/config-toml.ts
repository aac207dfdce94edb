import { stringify } from 'smol-toml';
import type { AgentSpec } from '../contract/agent-spec.js';
import { FEATURES_OFF, merge, refuseUnsafe, type Toml } from './config-guard.js';
import { IN_CONTAINER } from './container-paths.js';
import { isRecord, textOrNull, textsOf } from './fields.js';
import { COMMAND_PATH } from './guarded-files.js';
import { approvalPolicy } from './thread-params.js';

/** The rehearsal's model server, and as whom the agent speaks there. `base_url` ends in `/v1`. */
export interface RehearsalProvider {
  readonly base_url: string;
  readonly agent: string;
  readonly role: string;
  /** Path, as the container sees it, of a model catalogue that describes the model; without one Codex warns at every turn. */
  readonly model_catalog?: string;
  /** Name of the model in that catalogue. */
  readonly model?: string;
}

/** What the configuration depends on beside the agent. */
export interface ConfigOptions {
  /** Names of the variables that hold model keys: Codex gets them, the commands it runs do not. */
  readonly model_key_names: readonly string[];
  readonly rehearsal?: RehearsalProvider;
}

/** The variable whose value Codex is told in the protocol instead of finding it in its environment. */
export const OPENAI_KEY = 'OPENAI_API_KEY';
const OPENAI_BASE_URL = 'https://api.openai.com/v1';
/** Names that Codex reads keys from, whether the env file has them or not. */
const ALWAYS_EXCLUDED = [OPENAI_KEY, 'CODEX_API_KEY', 'CODEX_ACCESS_TOKEN'];

/**
 * The agent's `config.toml`, to be mounted read-only over the one in its Codex home. Three layers: our defaults, over them the manifest's
 * `codex.config`, over that what keeps every decision with the operator (a manifest that says otherwise is `invalid_manifest`).
 * It holds no secret. Together with GUARDED_PATHS it leaves no file by which a workspace or home could approve or run anything.
 */
export function configToml(agent: AgentSpec, options: ConfigOptions): string {
  refuseUnsafe(agent.id, agent.codex.config);
  // Said here too, so that a policy which Codex does not know fails before any container exists.
  approvalPolicy(agent);
  const wanted = merge(defaults(agent), { ...agent.codex.config, ...named(agent) });
  const provided =
    options.rehearsal === undefined
      ? merge(realProvider(wanted, options), wanted)
      : merge(wanted, rehearsalProvider(options.rehearsal));
  return stringify(merge(provided, safety(agent, provided, options)));
}

/** Whether the agent's key is told in the protocol: it is, unless its manifest names a provider of its own. */
export function tellsKey(agent: AgentSpec): boolean {
  return agent.codex.config['model_provider'] === undefined;
}

/** What a manifest may change. */
function defaults(agent: AgentSpec): Toml {
  return {
    check_for_update_on_startup: false,
    analytics: { enabled: false },
    feedback: { enabled: false },
    history: { persistence: 'none' },
    // Searching the web happens at the provider's, past the container's network.
    ...(agent.network === 'open' ? {} : { web_search: 'disabled' }),
  };
}

/** Fields of the manifest that have a name of their own. */
function named(agent: AgentSpec): Toml {
  return {
    ...(agent.codex.model === undefined ? {} : { model: agent.codex.model }),
    ...(agent.codex.effort === undefined ? {} : { model_reasoning_effort: agent.codex.effort }),
  };
}

/**
 * The key is told to Codex in the protocol (`account/login/start`) and kept in its memory: `ephemeral` writes no auth.json, and no variable holds it, so
 * that no program that Codex starts by itself (git in a workspace that an agent has prepared, for one) can see it. Without a key the built-in
 * provider and what `login` left in the home are used.
 */
function realProvider(wanted: Toml, options: ConfigOptions): Toml {
  if (wanted['model_provider'] !== undefined || !options.model_key_names.includes(OPENAI_KEY)) return {};
  return {
    cli_auth_credentials_store: 'ephemeral',
    model_provider: 'openai-key',
    model_providers: {
      'openai-key': {
        name: 'OpenAI API key',
        base_url: textOrNull(wanted, 'openai_base_url') ?? OPENAI_BASE_URL,
        requires_openai_auth: true,
        wire_api: 'responses',
        supports_websockets: false,
      },
    },
  };
}

function rehearsalProvider(rehearsal: RehearsalProvider): Toml {
  return {
    model: rehearsal.model ?? 'rehearsal',
    model_provider: 'rehearsal',
    ...(rehearsal.model_catalog === undefined ? {} : { model_catalog_json: rehearsal.model_catalog }),
    web_search: 'disabled',
    model_providers: {
      rehearsal: {
        name: 'Rehearsal',
        base_url: rehearsal.base_url,
        wire_api: 'responses',
        supports_websockets: false,
        http_headers: { 'x-filare-agent': rehearsal.agent, 'x-filare-role': rehearsal.role },
        request_max_retries: 1,
        stream_max_retries: 1,
        stream_idle_timeout_ms: 60_000,
      },
    },
    // A rehearsal that cannot reach its server ends the turn, instead of waiting for a network.
    features: { unbounded_connection_retries: false },
  };
}

function safety(agent: AgentSpec, below: Toml, options: ConfigOptions): Toml {
  const policy = isRecord(below['shell_environment_policy']) ? below['shell_environment_policy'] : {};
  const excluded = textsOf(policy, 'exclude');
  return {
    approvals_reviewer: 'user',
    sandbox_mode: agent.codex.sandbox,
    allow_login_shell: false,
    notify: [],
    agents: { enabled: false },
    features: {
      ...Object.fromEntries(FEATURES_OFF.filter(isCurrent).map((feature) => [feature, false])),
      enable_request_compression: false,
    },
    shell_environment_policy: {
      inherit: 'all',
      // Codex would keep every *KEY*, *SECRET* and *TOKEN* from commands; the env file is for them, but for the model's key.
      ignore_default_excludes: true,
      exclude: [...new Set([...ALWAYS_EXCLUDED, ...options.model_key_names, ...excluded])],
      set: { PATH: COMMAND_PATH, ...(isRecord(policy['set']) ? policy['set'] : {}) },
      experimental_use_profile: false,
    },
    projects: Object.fromEntries(
      [IN_CONTAINER.workspace, IN_CONTAINER.home, '/'].map((path) => [path, { trust_level: 'untrusted' }]),
    ),
    ...serversWithPath(below),
  };
}

/** Names that Codex lists today; the older ones it would only warn about. `multi_agent` is switched by `agents.enabled`. */
function isCurrent(feature: string): boolean {
  return !['multi_agent', 'codex_hooks', 'connectors', 'collab', 'memory_tool', 'request_permissions'].includes(
    feature,
  );
}

/** Codex itself has no PATH (guarded-files.ts); the MCP servers that a manifest names need one. */
function serversWithPath(below: Toml): Toml {
  const servers = below['mcp_servers'];
  if (!isRecord(servers)) return {};
  const withPath = Object.entries(servers).map(([name, server]) => {
    if (!isRecord(server) || typeof server['command'] !== 'string') return [name, server];
    return [name, { ...server, env: { PATH: COMMAND_PATH, ...(isRecord(server['env']) ? server['env'] : {}) } }];
  });
  return { mcp_servers: Object.fromEntries(withPath) };
}
