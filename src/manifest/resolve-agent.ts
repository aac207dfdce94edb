import type { AgentSpec, Dependency } from '../contract/agent-spec.js';
import { at, keyAt, type AgentDraft } from './agent-draft.js';
import { KNOWN_ROLES } from './agent-fields.js';
import { whyNotBranch, whyNotImage } from './check-names.js';
import { valueAt, type Located } from './located.js';
import { resolveCommands } from './resolve-commands.js';
import { resolveCredentials, type EnvFileFindings } from './resolve-credentials.js';
import { resolveEscalation } from './resolve-escalation.js';
import { resolveMounts } from './resolve-mounts.js';
import { defaultInstructions, resolveGoal, resolveTextOrFile } from './resolve-text.js';
import { resolveWorkspace } from './resolve-workspace.js';

const DEFAULT_MEMORY_BYTES = 4 * 1024 ** 3;
const DEFAULT_BACKOFF_MS = 10_000;
const BACKOFF_MAX_MS = 5 * 60_000;
const BACKOFF_RESET_MS = 10 * 60_000;

/** An agent as it will run, and its workspace's real place for comparing agents. */
export interface ResolvedAgent {
  readonly spec: AgentSpec;
  readonly real_workspace: string;
  readonly draft: AgentDraft;
}

/**
 * Fills in every default, makes every path absolute, looks at every file that is named. All that is wrong is said; the answer is undefined when
 * too much is missing to name an agent, and of use only when nothing was wrong.
 */
export function resolveAgent(
  draft: AgentDraft,
  source: AgentSpec['source'],
  env: EnvFileFindings,
): ResolvedAgent | undefined {
  const { fields, findings } = draft;
  checkNames(draft);
  checkConfig(draft);
  const id = fields.id ?? 'unnamed';
  const role = fields.role === undefined ? undefined : canonicalRole(fields.role);
  const goal = resolveGoal(draft);
  const ownInstructions = resolveTextOrFile(draft, 'instructions');
  const instructions =
    fields.instructions === undefined && role !== undefined ? defaultInstructions(draft, role) : ownInstructions;
  const startup_script = resolveTextOrFile(draft, 'startup_script');
  const credentials = resolveCredentials(draft, env);
  const mounts = resolveMounts(draft);
  const workspace = resolveWorkspace(draft, id);
  const escalation = resolveEscalation(draft);
  const commands = resolveCommands(draft);
  if (fields.id === undefined || role === undefined || workspace === undefined) return undefined;
  const backoff_ms = fields.restart?.backoff ?? DEFAULT_BACKOFF_MS;
  const spec: AgentSpec = {
    id,
    role,
    ...(goal === undefined ? {} : { goal }),
    ...(instructions === undefined ? {} : { instructions }),
    workspace: workspace.spec,
    ...(fields.branch === undefined ? {} : { branch: fields.branch }),
    ...credentials,
    git: { name: fields.git?.name ?? `${id} agent`, email: fields.git?.email ?? `${id}@agents.local` },
    mounts,
    image: fields.image ?? 'filare-codex',
    ...(startup_script === undefined ? {} : { startup_script }),
    resources: {
      cpus: fields.resources?.cpus ?? 2,
      memory_bytes: fields.resources?.memory ?? DEFAULT_MEMORY_BYTES,
      pids: fields.resources?.pids ?? 512,
      ...(fields.resources?.disk === undefined ? {} : { disk_bytes: fields.resources.disk }),
    },
    network: fields.network ?? 'open',
    codex: {
      ...(fields.codex?.model === undefined ? {} : { model: fields.codex.model }),
      ...(fields.codex?.effort === undefined ? {} : { effort: fields.codex.effort }),
      sandbox: fields.codex?.sandbox ?? 'danger-full-access',
      ...(fields.codex?.approval_policy === undefined ? {} : { approval_policy: fields.codex.approval_policy }),
      config: fields.codex?.config ?? {},
    },
    escalation,
    ...(fields.operator_contact === undefined ? {} : { operator_contact: fields.operator_contact }),
    restart: {
      policy: fields.restart?.policy ?? 'on-failure',
      max_attempts: fields.restart?.max_attempts ?? 5,
      backoff_ms,
      backoff_max_ms: Math.max(backoff_ms, BACKOFF_MAX_MS),
      reset_after_ms: BACKOFF_RESET_MS,
    },
    health: {
      interval_ms: fields.health?.interval ?? 15_000,
      timeout_ms: fields.health?.timeout ?? 20_000,
      failures: fields.health?.failures ?? 3,
      stall_after_ms: fields.health?.stall_after ?? 15 * 60_000,
    },
    limits: {
      ...(fields.limits?.turns === undefined ? {} : { turns: fields.limits.turns }),
      ...(fields.limits?.tokens === undefined ? {} : { tokens: fields.limits.tokens }),
      ...(fields.limits?.wall_time === undefined ? {} : { wall_time_ms: fields.limits.wall_time }),
    },
    tags: [...new Set(asList(fields.tags).map(String))],
    depends_on: dependenciesOf(fields.depends_on),
    ...orchestratesOf(fields, role),
    ...(commands.length === 0 ? {} : { commands: [...commands] }),
    source,
  };
  return { spec, real_workspace: workspace.real, draft: { ...draft, findings } };
}

/** Each agent once; an id alone waits until it has started. */
function dependenciesOf(given: AgentDraft['fields']['depends_on']): Dependency[] {
  if (typeof given === 'object' && !Array.isArray(given))
    return Object.entries(given).map(([id, { condition }]) => ({ id, condition }));
  return [...new Set(asList(given))].map((id) => ({ id, condition: 'started' }));
}

/** What `orchestrates` says. An agent of the role ORCHESTRATOR drives all others unless its manifest says whom; it answers nobody's prompts unless its manifest says so. */
export function orchestratesOf(fields: AgentDraft['fields'], role: string): Pick<AgentSpec, 'orchestrates'> {
  const { orchestrates: given } = fields;
  if (given === undefined) return role === 'ORCHESTRATOR' ? { orchestrates: { agents: ['*'], answer: 'none' } } : {};
  const { agents, answer } =
    typeof given === 'string' || Array.isArray(given) ? { agents: given, answer: undefined } : given;
  return { orchestrates: { agents: [...new Set(asList(agents ?? '*'))], answer: answer ?? 'none' } };
}

/** A known role in capitals, whatever its case; another one as written. */
export function canonicalRole(role: string): string {
  const upper = role.toUpperCase().replaceAll('-', '_');
  return KNOWN_ROLES.find((known) => known === upper) ?? role;
}

function checkNames(draft: AgentDraft): void {
  const { branch, image } = draft.fields;
  const whyBranch = branch === undefined ? undefined : whyNotBranch(branch);
  if (whyBranch !== undefined)
    draft.findings.mistake(at(draft, 'branch'), {
      message: `branch ${whyBranch}`,
      expected: 'a name that git takes for a branch, like feature/login',
    });
  const whyImage = image === undefined ? undefined : whyNotImage(image);
  if (whyImage !== undefined)
    draft.findings.mistake(at(draft, 'image'), {
      message: `image ${whyImage}`,
      expected: 'an image name like filare-codex or registry.example/team/agent:1.2',
    });
  for (const part of ['name', 'email'] as const) {
    if (draft.fields.git?.[part] !== undefined && /[<>]/.test(draft.fields.git[part]))
      draft.findings.mistake(at(draft, 'git', part), {
        message: `git.${part} holds < or >`,
        hint: 'give name and e-mail address apart: { name: Ada, email: ada@example.com }',
      });
  }
}

/** config.toml knows no null. */
function checkConfig(draft: AgentDraft): void {
  const config = valueAt(draft.tree, ['codex', 'config']);
  if (config === undefined || draft.fields.codex?.config === undefined) return;
  const look = (node: Located, name: string): void => {
    if (node.kind === 'list') node.items.forEach((item) => look(item, name));
    if (node.kind === 'map') for (const [key, entry] of node.entries) look(entry.value, `${name}.${key}`);
    if (node.kind === 'scalar' && node.value === null && node.broken !== true) {
      draft.findings.mistake(node.place, {
        message: `${name} is empty, and config.toml has no word for nothing`,
        hint: 'give it a value, or leave it out',
      });
    }
  };
  look(config, 'codex.config');
  if (draft.fields.codex.model !== undefined && Object.hasOwn(draft.fields.codex.config, 'model')) {
    draft.findings.mistake(keyAt(draft, 'codex', 'config', 'model'), {
      message: 'the model is given twice: here and as codex.model',
      hint: 'keep codex.model',
    });
  }
}

function asList<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
