import { z } from 'zod';
import { AGENT_NAME } from '../contract/agent-name.js';
import { line, path, textOrFile } from './field-formats.js';
import { mountFields, networkFields, resourcesFields, workspaceFields } from './container-fields.js';
import {
  codexFields,
  dependencyFields,
  escalationFields,
  healthFields,
  limitsFields,
  orchestratesFields,
  restartFields,
} from './nested-fields.js';

/** Roles with a meaning of their own; any other word is a role too. */
export const KNOWN_ROLES = [
  'FEATURE',
  'FIXER',
  'REWORK',
  'COVERAGE',
  'DOCUMENTATION',
  'TOOLS',
  'UI',
  'EXPLORATOR',
  'JUDGE',
  'VALIDATOR',
  'PROJECT_MANAGER',
  'ORCHESTRATOR',
] as const;

/** Every field of an agent as it is written in a manifest. The loader, the JSON Schema and the check of the reference page all come from here. */
export const agentFieldsSchema = z.strictObject({
  id: z
    .string()
    .regex(AGENT_NAME)
    .meta({
      description: 'Name of the agent; unique in all manifests that are read together, whatever its case.',
      examples: ['feature-login'],
      expected: 'up to 40 letters, digits, - and _, beginning with a letter or digit',
    }),
  role: z
    .string()
    .regex(AGENT_NAME)
    .meta({
      description: 'What the agent is for, in any case; a word of your own is a role too.',
      examples: [...KNOWN_ROLES],
      expected: `${KNOWN_ROLES.join(', ')}, or another word of letters, digits, - and _`,
    }),
  goal: textOrFile()
    .optional()
    .meta({
      description: 'The first message. Without one the agent starts and waits.',
      examples: ['Add a farewell to the greeter, with tests.', { file: 'goals/farewell.md' }],
      expected: 'text, or {file: PATH}',
    }),
  instructions: textOrFile()
    .optional()
    .meta({
      description:
        "What Codex is told about its role: text, or a file. Default: the project's agents/AGENT.<ROLE>.md, where there is one.",
      examples: ['../../agents/AGENT.FEATURE.md'],
      expected: 'text, the path of a file, or {file: PATH}',
    }),
  workspace: z
    .union([path(), workspaceFields])
    .optional()
    .meta({
      description:
        'Where the agent works: a path, or {path, template, repo, ref, sync, keep}. Default: .filare/workspaces/<id>.',
      examples: ['../../work/login', { repo: '../../sample' }],
      expected: 'a path, or {path, template, repo, ref, sync, keep}',
    }),
  branch: line()
    .optional()
    .meta({
      description: 'The git branch the session is pinned to. Default when the workspace is git: agents/<id>.',
      examples: ['feature/login'],
      expected: 'a branch name',
    }),
  env_file: path()
    .optional()
    .meta({
      description: 'File with variables for the agent (NAME=value). The model key in it stays with Codex.',
      examples: ['agents.env'],
      expected: 'a path',
    }),
  ssh_key: path()
    .optional()
    .meta({
      description: 'Private key for git over SSH, without a passphrase, readable for you alone (`chmod 600`).',
      examples: ['~/.ssh/deploy_key'],
      expected: 'a path',
    }),
  known_hosts: path()
    .optional()
    .meta({
      description: 'Host keys that git over SSH accepts; others are refused, and without it all are.',
      examples: ['known_hosts'],
      expected: 'a path',
    }),
  git: z
    .strictObject({
      name: line().optional().meta({ description: 'Author name. Default: `<id> agent`.', expected: 'text' }),
      email: line()
        .optional()
        .meta({ description: 'Author address. Default: `<id>@agents.local`.', expected: 'an e-mail address' }),
    })
    .optional()
    .meta({ description: "Who the agent's commits are by.", expected: 'a mapping {name, email}' }),
  mounts: z
    .array(mountFields.meta({ expected: '{source: PATH, target: /PATH, read_only: true}' }))
    .optional()
    .meta({
      description: 'Further files and folders of this machine that the agent sees.',
      examples: [[{ source: '~/datasets', target: '/data', read_only: true }]],
      expected: 'a list of {source, target, read_only}',
    }),
  image: line().optional().meta({
    description: 'Name of the image.',
    default: 'filare-codex',
    expected: 'an image name like filare-codex or registry.example/team/agent:1.2',
  }),
  startup_script: textOrFile()
    .optional()
    .meta({
      description: 'Run in a container of its own before Codex, once an attempt: text, or a file.',
      examples: ['npm ci', { file: 'setup.sh' }],
      expected: 'text, the path of a file, or {file: PATH}',
    }),
  resources: resourcesFields
    .optional()
    .meta({ description: 'What the agent may use.', expected: 'a mapping {cpus, memory, pids}' }),
  network: networkFields
    .optional()
    .meta({ description: 'What the agent reaches: `open` or `none`.', default: 'open', expected: 'open or none' }),
  codex: codexFields.optional().meta({
    description: 'How Codex is set up.',
    expected: 'a mapping {model, effort, sandbox, approval_policy, config}',
  }),
  escalation: escalationFields
    .optional()
    .meta({ description: 'When and how a person is asked.', expected: 'a mapping {approvals, rules, …}' }),
  operator_contact: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({
      description:
        'Shown with every prompt. `requires_approval_for: [network, destructive_cmds]` is read as rules that ask.',
      examples: [{ name: 'Sam', requires_approval_for: ['network'] }],
      expected: 'a mapping',
    }),
  restart: restartFields
    .optional()
    .meta({ description: 'What follows when an attempt ends.', expected: 'a mapping {policy, max_attempts, backoff}' }),
  health: healthFields.optional().meta({
    description: 'How it is noticed that an agent no longer answers.',
    expected: 'a mapping {interval, timeout, failures, stall_after}',
  }),
  limits: limitsFields.optional().meta({
    description: 'Reaching one pauses the session and asks.',
    expected: 'a mapping {turns, tokens, wall_time}',
  }),
  tags: z
    .union([line(), z.array(z.union([line(), z.number()]).meta({ expected: 'a word' }))])
    .optional()
    .meta({ description: 'Labels.', examples: [['fast', 'demo']], expected: 'a list of words' }),
  depends_on: z
    .union([
      line(),
      z.array(line().meta({ expected: 'an agent id' })),
      z.record(z.string(), dependencyFields.meta({ expected: '{condition: started, idle or synced}' })),
    ])
    .optional()
    .meta({
      description:
        'Agents that this one waits for: a list of ids (until each has started), or each id with `condition: started`, `idle` (its first turn is over) or `synced` (its work was brought home).',
      examples: [['database'], { feature: { condition: 'idle' } }],
      expected: 'a list of agent ids, or {ID: {condition: started, idle or synced}}',
    }),
  orchestrates: z
    .union([line(), z.array(line().meta({ expected: 'an agent id, tag:NAME or *' })), orchestratesFields])
    .optional()
    .meta({
      description:
        'Agents that this one may drive: ids, `tag:NAME`, `*` for all others; or `{agents, answer}`. Default for the role ORCHESTRATOR: all others.',
      examples: [['feature', 'tag:docs'], { agents: ['*'], answer: 'questions' }],
      expected: 'a list of agent ids, or {agents, answer}',
    }),
  commands: z
    .union([line(), z.array(line().meta({ expected: 'the name of a command' }))])
    .optional()
    .meta({
      description:
        "Commands of the project's catalogue (agents/commands.yml) that the agent may run without asking: `all` that are safe for agents, `none`, or a list of names.",
      examples: ['none', ['test', 'lint']],
      default: 'all',
      expected: 'all, none, or a list of names',
    }),
  workspace_prefix: path()
    .optional()
    .meta({
      description:
        'Of the Filare orchestrator: the default workspace is this text with the id after it (`/work/agent-` gives /work/agent-<id>, `/work/` gives /work/<id>).',
      examples: ['/work/agent-'],
      expected: 'a path',
    }),
  workspace_template: path()
    .optional()
    .meta({
      description:
        'Of the Filare orchestrator: with {n} or {id} in it, the path of the workspace, where the id takes that place; else the same as workspace.template.',
      examples: ['/work/agent-{n}'],
      expected: 'a path',
    }),
  metadata: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({
      description: 'Of the Filare orchestrator: what its generator of manifests attached. Nothing reads it.',
      examples: [{ context: 'Notes' }],
      expected: 'a mapping',
    }),
  reuse_existing: z.boolean().optional().meta({
    description: 'Of the Filare orchestrator: false refuses a workspace that exists and is not empty.',
    default: true,
    expected: 'true or false',
  }),
});

/** An agent's fields once parsed: sizes in bytes, durations in milliseconds; paths, variables and defaults still as written. */
export type AgentFields = z.output<typeof agentFieldsSchema>;

/** Those fields of an agent that are given, and as they should be. */
export type GivenFields = { readonly [Field in keyof AgentFields]?: AgentFields[Field] | undefined };

/** Free mappings: what stands in them is not checked, and `null` stays `null`. */
export const FREE_PATHS: ReadonlySet<string> = new Set(['codex.config', 'operator_contact', 'metadata']);

/** Mappings of names to mappings: a name with nothing after it is a mistake, not a field that was left out. */
export const NAMED_PATHS: ReadonlySet<string> = new Set(['depends_on']);
