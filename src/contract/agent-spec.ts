import { z } from 'zod';
import { AGENT_NAME } from './agent-name.js';
import { catalogueCommandSchema } from './catalogue.js';

/** Every category of action that an escalation rule can name. */
export const ACTION_CATEGORIES = [
  'network',
  'destructive',
  'git_push',
  'package_install',
  'outside_workspace',
] as const;

/** What an escalation rule, or the default, does with an approval. */
export const approvalActionSchema = z.enum(['ask', 'approve', 'reject']);

/** One of the categories. */
export type ActionCategory = (typeof ACTION_CATEGORIES)[number];

/** What an agent can wait for of another one, in the order in which they come true. docs/start-order.md says when each holds. */
export const DEPENDENCY_CONDITIONS = ['started', 'idle', 'synced'] as const;
/** One of them. */
export type DependencyCondition = (typeof DEPENDENCY_CONDITIONS)[number];

const dependencySchema = z.strictObject({ id: z.string(), condition: z.enum(DEPENDENCY_CONDITIONS) });
/** An agent that another one waits for, and until what. */
export type Dependency = z.infer<typeof dependencySchema>;

const milliseconds = z.number().int().nonnegative();

/** What a rule is for; all that is given must match. docs/escalation.md says how each is compared. */
export const ruleConditionSchema = z.strictObject({
  /** Words of a command: `npm test`, `git push *`, `cargo **`. */
  command: z.string().optional(),
  category: z.enum(ACTION_CATEGORIES).optional(),
  /** A glob over the path of a file that would be changed, relative to the workspace or absolute in the container. */
  path: z.string().optional(),
  /** A glob over the name of a tool, an MCP server, or `server/tool`. */
  tool: z.string().optional(),
});
/** What a rule is for. */
export type RuleCondition = z.infer<typeof ruleConditionSchema>;

const escalationRuleSchema = z.strictObject({
  when: ruleConditionSchema,
  do: approvalActionSchema,
  reason: z.string().optional(),
});
/** A rule of a manifest. */
export type EscalationRule = z.infer<typeof escalationRuleSchema>;

/**
 * The reason of the rules that `operator_contact.requires_approval_for` makes. They ask, stand before all others, and are known by it: no answer of a
 * person for a whole session undoes them.
 */
export const FROM_CONTACT = 'operator_contact.requires_approval_for';

/** Which prompts of other agents an orchestrator may answer. */
export const orchestratorAnswersSchema = z.enum(['none', 'questions', 'approvals', 'all']);

/**
 * One agent, resolved: every path absolute, every default filled in, sizes in bytes, durations in milliseconds. This is what
 * `validate --json` prints, what the control API takes, and what a session keeps for its whole life. It holds no secret, only paths to them.
 */
export const agentSpecSchema = z.strictObject({
  id: z.string().regex(AGENT_NAME),
  /** Upper case for the known roles, else as written: letters, digits, `-`, `_`. */
  role: z.string().regex(AGENT_NAME),
  goal: z.string().optional(),
  /** The text itself, read from the file where the manifest named one. */
  instructions: z.string().optional(),
  workspace: z.strictObject({
    path: z.string(),
    template: z.string().optional(),
    repo: z.string().optional(),
    ref: z.string().optional(),
    /** Fail when the folder exists with content and this is false. */
    reuse_existing: z.boolean(),
    /** The manifest named no path: the folder under `.filare/workspaces`. */
    is_default: z.boolean(),
    /** Bring the agent's branch into the operator's repository when the session ends; `never` where it says nothing. */
    sync: z.enum(['on-stop', 'never']).optional(),
    /** Whether the workspace stays when the session ends; `always` where it says nothing. Unsynced work always does. */
    keep: z.enum(['always', 'on-failure', 'never']).optional(),
  }),
  /** As written in the manifest; absent: `agents/<id>` when the workspace is git. */
  branch: z.string().optional(),
  env_file: z.string().optional(),
  ssh_key: z.string().optional(),
  known_hosts: z.string().optional(),
  git: z.strictObject({ name: z.string(), email: z.string() }),
  mounts: z.array(z.strictObject({ source: z.string(), target: z.string(), read_only: z.boolean() })),
  image: z.string(),
  /** The script's text; a file named in the manifest has been read. */
  startup_script: z.string().optional(),
  resources: z.strictObject({
    cpus: z.number().positive(),
    memory_bytes: z.number().int().positive(),
    pids: z.number().int().min(128),
    disk_bytes: z.number().int().positive().optional(),
  }),
  network: z.union([z.literal('open'), z.literal('none'), z.strictObject({ allow: z.array(z.string()) })]),
  codex: z.strictObject({
    model: z.string().optional(),
    effort: z.string().optional(),
    sandbox: z.enum(['danger-full-access', 'workspace-write', 'read-only']),
    approval_policy: z.enum(['untrusted', 'on-request', 'on-failure', 'never']).optional(),
    config: z.record(z.string(), z.unknown()),
  }),
  escalation: z.strictObject({
    approvals: approvalActionSchema,
    rules: z.array(escalationRuleSchema),
    remind_after_ms: milliseconds.optional(),
    deadline_ms: milliseconds.optional(),
    on_deadline: z.enum(['reject', 'stop']),
    notify: z.array(
      z.union([
        z.strictObject({ desktop: z.boolean() }),
        z.strictObject({ webhook: z.string(), secret_file: z.string().optional() }),
        z.strictObject({ command: z.string() }),
      ]),
    ),
  }),
  operator_contact: z.record(z.string(), z.unknown()).optional(),
  restart: z.strictObject({
    policy: z.enum(['never', 'on-failure', 'always']),
    max_attempts: z.number().int().positive(),
    backoff_ms: milliseconds,
    backoff_max_ms: milliseconds,
    reset_after_ms: milliseconds,
  }),
  health: z.strictObject({
    interval_ms: milliseconds,
    timeout_ms: milliseconds,
    failures: z.number().int().positive(),
    stall_after_ms: milliseconds,
  }),
  limits: z.strictObject({
    turns: z.number().int().positive().optional(),
    tokens: z.number().int().positive().optional(),
    wall_time_ms: milliseconds.optional(),
  }),
  tags: z.array(z.string()),
  /** An id alone, as older records have it, is `started`. */
  depends_on: z.array(
    z.union([dependencySchema, z.string().transform((id): Dependency => ({ id, condition: 'started' }))]),
  ),
  /** Given to an agent that may drive others: whom (ids, `tag:NAME`, `*` for all others), and what of theirs it may answer. */
  orchestrates: z.strictObject({ agents: z.array(z.string()), answer: orchestratorAnswersSchema }).optional(),
  /** Commands of the project's catalogue that it may run without asking; absent: none. */
  commands: z.array(catalogueCommandSchema).optional(),
  /** Where it was declared, and the hash of that file's bytes then. */
  source: z.strictObject({ file: z.string(), line: z.number().int(), sha256: z.string() }),
});

/** One way to tell the operator of a prompt. */
export type NotifyWay = z.infer<typeof agentSpecSchema>['escalation']['notify'][number];

/** One resolved agent. */
export type AgentSpec = z.infer<typeof agentSpecSchema>;
