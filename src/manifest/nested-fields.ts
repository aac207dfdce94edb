import { z } from 'zod';
import {
  ACTION_CATEGORIES,
  approvalActionSchema,
  DEPENDENCY_CONDITIONS,
  orchestratorAnswersSchema,
} from '../contract/agent-spec.js';
import { commandPatternField, count, durationField, line, path } from './field-formats.js';

/** The field `codex`. */
export const codexFields = z.strictObject({
  model: line().optional().meta({ description: "Name of the model. Default: Codex's own.", expected: 'a model name' }),
  effort: line()
    .optional()
    .meta({
      description: "Reasoning effort, as the model knows it. Default: Codex's own.",
      examples: ['low', 'medium', 'high'],
      expected: 'a word like low, medium or high',
    }),
  sandbox: z.enum(['danger-full-access', 'workspace-write', 'read-only']).optional().meta({
    description: "Codex's own sandbox, inside the container. The container is the sandbox unless this says otherwise.",
    default: 'danger-full-access',
    expected: 'danger-full-access, workspace-write or read-only',
  }),
  approval_policy: z.enum(['untrusted', 'on-request', 'never']).optional().meta({
    description:
      'When Codex asks for approval; left out, it asks for every command not known to be safe, and `escalation` decides.',
    expected: 'untrusted, on-request or never',
  }),
  config: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({
      description: "Any keys of Codex's config.toml.",
      examples: [
        {
          model_provider: 'example',
          model_providers: { example: { name: 'Example', base_url: 'https://llm.example/v1', env_key: 'EXAMPLE_KEY' } },
        },
      ],
      expected: 'a mapping of config.toml keys',
    }),
});

const rule = z.strictObject({
  when: z
    .strictObject({
      command: commandPatternField()
        .optional()
        .meta({
          description:
            'Words of the command that asks; `*` stands for a part of a word, a last `**` for further words.',
          examples: ['npm test', 'git add *', 'cargo **'],
          expected: 'words like npm test, git add * or cargo **',
        }),
      category: z
        .enum(ACTION_CATEGORIES)
        .optional()
        .meta({ description: 'What kind of action it is.', expected: ACTION_CATEGORIES.join(', ') }),
      path: line()
        .optional()
        .meta({
          description:
            'Files that would be changed, relative to the workspace or absolute: all of them where the rule approves, else any. `*` stays within a name, `**` does not.',
          examples: ['docs/**', '**/*.md'],
          expected: 'a path like docs/** or **/*.md',
        }),
      tool: line()
        .optional()
        .meta({ description: 'The name of the tool, its server, or server/tool; `*` is any part.', expected: 'text' }),
    })
    .refine((when) => Object.keys(when).length > 0, {
      error: 'is empty and would match everything; for everything there is escalation.approvals',
    })
    .meta({
      description: 'What the rule is for; all that is given must match.',
      minProperties: 1,
      expected: 'at least one of command, category, path, tool',
    }),
  do: approvalActionSchema.meta({
    description: 'What is done with what it matches.',
    expected: 'ask, approve or reject',
  }),
  reason: line().optional().meta({ description: 'Why; written down with each decision.', expected: 'text' }),
});

const WAYS = ['desktop', 'webhook', 'command'] as const;

const notice = z
  .strictObject({
    desktop: z
      .union([z.boolean(), z.null()])
      .optional()
      .meta({ description: 'A note on the desktop of whoever runs the daemon.', expected: 'true' }),
    webhook: z
      .string()
      .regex(/^https?:\/\/[^\s]+$/)
      .optional()
      .meta({ description: 'An address that is sent a JSON document.', expected: 'an http:// or https:// address' }),
    secret_file: path().optional().meta({
      description:
        'A file with the secret that signs what the webhook is sent (`chmod 600`); without it nothing is signed.',
      expected: 'a path',
    }),
    command: z.string().min(1).optional().meta({
      description:
        "A command that is run on this machine, in the project's folder, with the document on its standard input.",
      expected: 'a command',
    }),
  })
  .refine((value) => WAYS.filter((way) => way in value).length === 1, {
    error: 'names more or less than one way to notify',
  })
  .refine((value) => !('secret_file' in value) || 'webhook' in value, {
    error: 'signs what a webhook is sent, and there is no webhook beside it',
    path: ['secret_file'],
  })
  .meta({
    oneOf: WAYS.map((way) => ({ required: [way] })),
    dependentRequired: { secret_file: ['webhook'] },
    expected: 'one of {desktop: true}, {webhook: URL}, {webhook: URL, secret_file: PATH}, {command: TEXT}',
  });

/** The field `escalation`. */
export const escalationFields = z.strictObject({
  approvals: approvalActionSchema.optional().meta({
    description: 'What is done with an approval that no rule matches.',
    default: 'ask',
    expected: 'ask, approve or reject',
  }),
  rules: z
    .array(rule.meta({ expected: '{when: {…}, do: ask|approve|reject}' }))
    .optional()
    .meta({ description: 'The first rule that matches decides.', expected: 'a list of {when, do, reason}' }),
  remind_after: durationField(1000)
    .optional()
    .meta({
      description: 'Remind the operator of a prompt this old.',
      examples: ['10m'],
      expected: 'a duration like 15s, 10m or 1h30m',
    }),
  deadline: durationField(1000)
    .optional()
    .meta({
      description: 'How long a prompt may wait. Nothing is ever approved because time ran out.',
      examples: ['2h'],
      expected: 'a duration like 15s, 10m or 1h30m',
    }),
  on_deadline: z
    .enum(['reject', 'stop'])
    .optional()
    .meta({ description: 'What happens when the deadline has passed.', default: 'reject', expected: 'reject or stop' }),
  notify: z.array(notice).optional().meta({
    description: 'How the operator is told of a new prompt.',
    expected: 'a list of {desktop: true}, {webhook: URL} or {command: TEXT}',
  }),
});

/** The field `depends_on`, one entry of it as a mapping. */
export const dependencyFields = z.strictObject({
  condition: z
    .enum(DEPENDENCY_CONDITIONS)
    .meta({ description: 'What it waits for.', expected: 'started, idle or synced' }),
});

/** The field `orchestrates`, written out. */
export const orchestratesFields = z.strictObject({
  agents: z
    .union([line(), z.array(line().meta({ expected: 'an agent id, tag:NAME or *' }))])
    .optional()
    .meta({ description: 'Whom it may drive. Default: all others.', expected: 'a list of agent ids, tag:NAME or *' }),
  answer: orchestratorAnswersSchema.optional().meta({
    description: 'Which of their prompts it may answer.',
    default: 'none',
    expected: 'none, questions, approvals or all',
  }),
});

/** The field `restart`. */
export const restartFields = z.strictObject({
  policy: z.enum(['never', 'on-failure', 'always']).optional().meta({
    description: 'When an attempt that ended is followed by another one.',
    default: 'on-failure',
    expected: 'never, on-failure or always',
  }),
  max_attempts: count(1).optional().meta({
    description: 'Attempts in a row before the session has failed.',
    default: 5,
    expected: 'a whole number, 1 or more',
  }),
  backoff: durationField(0).optional().meta({
    description: 'Wait before the first restart; doubles up to 5 minutes, begins anew after 10 quiet minutes.',
    default: '10s',
    expected: 'a duration like 10s',
  }),
});

/** The field `health`. */
export const healthFields = z.strictObject({
  interval: durationField(1000)
    .optional()
    .meta({ description: 'Time between two looks.', default: '15s', expected: 'a duration like 15s' }),
  timeout: durationField(1000)
    .optional()
    .meta({ description: 'How long Codex may take to answer.', default: '20s', expected: 'a duration like 20s' }),
  failures: count(1).optional().meta({
    description: 'Looks in a row without an answer until the agent counts as unresponsive.',
    default: 3,
    expected: 'a whole number, 1 or more',
  }),
  stall_after: durationField(1000).optional().meta({
    description: 'A turn without any sign for so long counts as stalled.',
    default: '15m',
    expected: 'a duration like 15m',
  }),
});

/** The field `limits`. */
export const limitsFields = z.strictObject({
  turns: count(1).optional().meta({ description: 'Turns of the session.', expected: 'a whole number, 1 or more' }),
  tokens: count(1)
    .optional()
    .meta({ description: 'Tokens of the session, in and out.', expected: 'a whole number, 1 or more' }),
  wall_time: durationField(1000)
    .optional()
    .meta({ description: 'Time since the session began.', examples: ['8h'], expected: 'a duration like 8h' }),
});
