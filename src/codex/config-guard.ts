import { FilareError } from '../contract/errors.js';
import { isRecord } from './fields.js';

/** TOML as data. */
export type Toml = { readonly [key: string]: unknown };

/**
 * Features of Codex that let something else than the operator decide, or run programs nobody asked for; off whatever the manifest says.
 * The last group are older names that Codex still takes for them.
 */
export const FEATURES_OFF = [
  // Programs and rules from files.
  'hooks',
  'plugins',
  'apps',
  'remote_plugin',
  'plugin_sharing',
  'skill_mcp_dependency_install',
  'tool_suggest',
  'shell_snapshot',
  'daemon_auto_start',
  // Another decider than the operator.
  'guardian_approval',
  'exec_permission_approvals',
  'request_permissions_tool',
  // Turns and agents that nobody started.
  'goals',
  'multi_agent',
  'multi_agent_v2',
  'memories',
  // Things of a desktop.
  'browser_use',
  'browser_use_external',
  'computer_use',
  'in_app_browser',
  // Older names.
  'codex_hooks',
  'connectors',
  'collab',
  'memory_tool',
  'request_permissions',
] as const;

/** Keys that a manifest's `codex.config` may not set, each with what to do instead. A dot goes one table down. */
const REFUSED_KEYS: Readonly<Record<string, string>> = {
  approval_policy: 'use codex.approval_policy',
  approvals_reviewer: 'approvals are decided by escalation',
  sandbox_mode: 'use codex.sandbox',
  default_permissions: 'use codex.sandbox',
  permissions: 'use codex.sandbox',
  projects: 'the workspace is never trusted to configure Codex',
  project_root_markers: 'the workspace is never trusted to configure Codex',
  hooks: 'hooks run programs and can decide approvals',
  notify: 'use escalation.notify',
  plugins: 'plugins run programs and can decide approvals',
  marketplaces: 'plugins run programs and can decide approvals',
  apps: 'apps act without the container',
  skills: 'put skills in the workspace',
  profile: 'say it in codex.config itself',
  profiles: 'say it in codex.config itself',
  allow_login_shell: "login shells run files of the agent's home before every command",
  agents: 'sub-agents are off: start agents of their own',
  'shell_environment_policy.inherit': 'commands get the whole env file but the model key',
  'shell_environment_policy.ignore_default_excludes': 'commands get the whole env file but the model key',
  'shell_environment_policy.experimental_use_profile': "it runs files of the agent's home before every command",
  'features.enable_request_compression': 'requests are sent plain',
};

/** Fails with `invalid_manifest`, naming every key of the manifest's `codex.config` that would undo what keeps decisions with the operator. */
export function refuseUnsafe(agent_id: string, config: Toml): void {
  const refused = [
    ...Object.entries(REFUSED_KEYS).filter(([path]) => at(config, path) !== undefined),
    ...FEATURES_OFF.filter((feature) => ![undefined, false].includes(asFlag(at(config, `features.${feature}`)))).map(
      (feature) => [`features.${feature}`, 'it could decide or run something that nobody asked for'] as const,
    ),
  ];
  if (refused.length === 0) return;
  throw new FilareError({
    code: 'invalid_manifest',
    message: `agent ${agent_id}: codex.config may not set ${refused.map(([path]) => path).join(', ')}`,
    hint: refused.map(([path, instead]) => `${path}: ${instead}`).join('; '),
    details: { keys: refused.map(([path]) => path) },
  });
}

/** Two configurations merged: tables key by key, everything else from the upper one. */
export function merge(lower: Toml, upper: Toml): Toml {
  const merged: Record<string, unknown> = { ...lower };
  for (const [key, value] of Object.entries(upper)) {
    const below = Object.hasOwn(lower, key) ? lower[key] : undefined;
    merged[key] = isRecord(below) && isRecord(value) ? merge(below, value) : value;
  }
  return merged;
}

function at(config: Toml, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined), config);
}

/** A feature is a boolean, or a table with `enabled`; anything else counts as an attempt to set it. */
function asFlag(value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  return isRecord(value) && value['enabled'] === false ? false : true;
}
