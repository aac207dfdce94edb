import { z } from 'zod';

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const EXPECTED_DURATION = 'expected a duration such as 500ms, 2s, 1m or a number of milliseconds';

/** A duration as milliseconds: a number of them, or a number with `ms`, `s`, `m` or `h`. */
const duration = z
  .union([z.number().min(0), z.string().regex(DURATION, EXPECTED_DURATION)], {
    error: EXPECTED_DURATION,
  })
  .transform((value) => {
    if (typeof value === 'number') return Math.round(value);
    const [, amount, unit] = DURATION.exec(value) ?? [];
    return Math.round(Number(amount) * (UNIT_MS[unit ?? 'ms'] ?? 1));
  });

const text = z.string();
const filled = z.string().min(1, 'expected some text');
const names = z
  .union([filled, z.array(filled).min(1)], { error: 'expected a name or a list of names' })
  .transform((value) => (typeof value === 'string' ? [value] : value));
const times = z.int().min(1).optional();

/** `pace`: `chunk` characters a delta, `delay` between deltas. */
const paceSchema = z.strictObject({ chunk: z.int().min(1).default(24), delay: duration.default(0) });

/** One schema for each kind of step, by the key that names it. */
export const stepSchemas = {
  say: z.strictObject({ say: text, pace: paceSchema.optional() }),
  reason: z.strictObject({ reason: text, pace: paceSchema.optional() }),
  run: z.strictObject({ run: filled, workdir: filled.optional(), background: z.boolean().default(false) }),
  edit: z.strictObject({
    edit: z.union([z.strictObject({ path: filled, content: text }), z.strictObject({ path: filled, patch: filled })], {
      error: 'expected {path, content} or {path, patch}',
    }),
  }),
  ask_approval: z.strictObject({ ask_approval: filled, workdir: filled.optional(), reason: filled.optional() }),
  ask_operator: z.strictObject({
    ask_operator: z.strictObject({
      question: filled,
      choices: z.array(filled).optional(),
      suggested_reply: text.optional(),
      severity: z.enum(['info', 'warning', 'critical']).optional(),
    }),
  }),
  call: z.strictObject({
    call: z.strictObject({
      tool: filled,
      namespace: filled.optional(),
      arguments: z
        .union([z.record(z.string(), z.unknown()), z.string()], { error: 'expected a mapping or a text' })
        .default({}),
    }),
  }),
  fail: z.strictObject({
    fail: z.strictObject({
      status: z.int().min(400, 'expected a status from 400 to 599').max(599, 'expected a status from 400 to 599'),
      message: text.default('the rehearsal fails here'),
      times,
      retry_after: duration.optional(),
    }),
  }),
  hang: z.strictObject({ hang: z.union([z.literal(true), duration], { error: 'expected true or a duration' }) }),
  wait: z.strictObject({ wait: duration }),
  stream_cut: z.strictObject({
    stream_cut: z.union([z.literal(true), z.strictObject({ say: text.default(''), times })], {
      error: 'expected true or {say, times}',
    }),
  }),
};

/** The key that names a step. */
export type StepName = keyof typeof stepSchemas;

/** A checked step, as the schema of its kind leaves it. */
export type CheckedStep = { [Name in StepName]: z.infer<(typeof stepSchemas)[Name]> }[StepName];

/** One entry of `parts`; its steps are checked one by one, for messages that fit the kind of step. */
export const partSchema = z.strictObject({
  role: names.optional(),
  agent: names.optional(),
  turn: z.int().min(1, 'expected a whole number from 1').optional(),
  text: filled.optional(),
  matches: filled.optional(),
  do: z.array(z.unknown(), { error: 'expected a list of steps' }).min(1, 'expected at least one step'),
});

/** A whole file; its parts are checked one by one. */
export const scriptSchema = z.strictObject({
  strict: z.boolean().default(false),
  pace: paceSchema.optional(),
  parts: z.array(z.unknown(), { error: 'expected a list of parts' }),
});
