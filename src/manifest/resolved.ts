import { stringify } from 'yaml';
import type { AgentSpec } from '../contract/agent-spec.js';
import { FROM_CONTACT } from '../contract/agent-spec.js';
import { durationText, sizeText } from './field-formats.js';

const MASK = '***';
const SECRET_NAME = /(secret|passw|token|bearer|authorization|cookie|credential|api_?key)/i;
/** Names that look like secrets and are not: they name a variable, count, or switch something. */
const NO_SECRET_NAME = /(env_key|token_limit|max_.*tokens?|token_count|tokens)$/i;
const MAX_SHOWN_LINES = 12;

/**
 * Resolved agents as a manifest in YAML: what `validate` shows. Every default is filled in, every path absolute. Values that may be secret are
 * masked, long texts are cut and say so; all else means the same when it is read as a manifest again.
 */
export function formatResolved(agents: readonly AgentSpec[]): string {
  return stringify(agents.map(asManifest), { lineWidth: 0, aliasDuplicateObjects: false });
}

function asManifest(agent: AgentSpec): Record<string, unknown> {
  const { workspace, resources, codex, escalation, restart, health, limits } = agent;
  return withoutUndefined({
    id: agent.id,
    role: agent.role,
    goal: shortened(agent.goal),
    instructions: shortened(agent.instructions),
    workspace: withoutUndefined({
      path: workspace.is_default ? undefined : workspace.path,
      template: workspace.template,
      repo: workspace.repo,
      ref: workspace.ref,
      sync: workspace.sync,
      keep: workspace.keep,
    }),
    reuse_existing: workspace.reuse_existing,
    branch: agent.branch,
    env_file: agent.env_file,
    ssh_key: agent.ssh_key,
    known_hosts: agent.known_hosts,
    git: agent.git,
    mounts: agent.mounts,
    image: agent.image,
    startup_script: shortened(agent.startup_script),
    resources: withoutUndefined({
      cpus: resources.cpus,
      memory: sizeText(resources.memory_bytes),
      pids: resources.pids,
      disk: resources.disk_bytes === undefined ? undefined : sizeText(resources.disk_bytes),
    }),
    network: agent.network,
    codex: { ...codex, config: masked(codex.config) },
    escalation: withoutUndefined({
      approvals: escalation.approvals,
      // Those of operator_contact are made again from it.
      rules: escalation.rules.filter((rule) => rule.reason !== FROM_CONTACT),
      remind_after: shownDuration(escalation.remind_after_ms),
      deadline: shownDuration(escalation.deadline_ms),
      on_deadline: escalation.on_deadline,
      notify: escalation.notify.map((way) => ('webhook' in way ? { ...way, webhook: originOnly(way.webhook) } : way)),
    }),
    operator_contact: agent.operator_contact === undefined ? undefined : masked(agent.operator_contact),
    restart: { policy: restart.policy, max_attempts: restart.max_attempts, backoff: durationText(restart.backoff_ms) },
    health: {
      interval: durationText(health.interval_ms),
      timeout: durationText(health.timeout_ms),
      failures: health.failures,
      stall_after: durationText(health.stall_after_ms),
    },
    limits: withoutUndefined({
      turns: limits.turns,
      tokens: limits.tokens,
      wall_time: shownDuration(limits.wall_time_ms),
    }),
    tags: agent.tags,
    depends_on: Object.fromEntries(agent.depends_on.map(({ id, condition }) => [id, { condition }])),
  });
}

function shortened(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const lines = text.trimEnd().split('\n');
  if (lines.length <= MAX_SHOWN_LINES) return text;
  const more = lines.length - MAX_SHOWN_LINES;
  return `${lines.slice(0, MAX_SHOWN_LINES).join('\n')}\n… (${more} more ${more === 1 ? 'line' : 'lines'})\n`;
}

function shownDuration(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : durationText(ms);
}

/** A webhook's path is often its password. */
function originOnly(address: string): string {
  return URL.canParse(address) ? `${new URL(address).origin}/${MASK}` : MASK;
}

function masked(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, maskedValue(name, part)]));
}

function maskedValue(name: string, value: unknown): unknown {
  if (name === 'http_headers' || name === 'env') return maskedAll(value);
  if (SECRET_NAME.test(name) && !NO_SECRET_NAME.test(name)) return maskedAll(value);
  if (Array.isArray(value)) return value.map((item) => maskedValue('', item));
  return typeof value === 'object' && value !== null ? masked(Object.fromEntries(Object.entries(value))) : value;
}

function maskedAll(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskedAll);
  if (typeof value !== 'object' || value === null) return typeof value === 'boolean' ? value : MASK;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, maskedAll(part)]));
}

function withoutUndefined(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined));
}
