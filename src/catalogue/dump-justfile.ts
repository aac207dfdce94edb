import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { FilareError } from '../contract/errors.js';
import { findJust } from './find-just.js';

/** How long `just --dump` may take, in milliseconds. */
const DUMP_MS = 30_000;
const MAX_DUMP_BYTES = 32 * 1024 * 1024;

const parameterSchema = z.object({
  name: z.string(),
  kind: z.enum(['singular', 'star', 'plus']),
  /** Text, or an expression as a list; null where there is none. */
  default: z.unknown(),
  /** Given as an option, `--long VALUE` or `-s VALUE`, not by its position. */
  long: z.string().nullish(),
  short: z.string().nullish(),
});
/** A recipe's parameter, as just tells it. */
export type DumpedParameter = z.infer<typeof parameterSchema>;

const recipeSchema = z.object({
  name: z.string(),
  /** What `just --list` says of it: the last line of the comment above it, or `[doc]`. */
  doc: z.string().nullable(),
  private: z.boolean(),
  attributes: z.array(z.union([z.string(), z.record(z.string(), z.unknown())])),
  parameters: z.array(parameterSchema),
  dependencies: z.array(z.object({ recipe: z.string() })),
});
/** A recipe, as just tells it. */
export type DumpedRecipe = z.infer<typeof recipeSchema>;

const moduleSchema = z.object({
  /** Absolute path of the module's file. What it imports is not named. */
  source: z.string(),
  recipes: z.record(z.string(), recipeSchema),
  aliases: z.record(z.string(), z.object({ target: z.string() })),
  settings: z.object({ allow_duplicate_recipes: z.boolean() }),
  get modules() {
    return z.record(z.string(), moduleSchema);
  },
});
/** A justfile or module with the modules in it, as just tells it. */
export type DumpedModule = z.infer<typeof moduleSchema>;

/** A justfile that just could not read, in its own words. */
export class JustfileMistake extends FilareError {}

/** What a dump needs. */
export interface DumpQuery {
  /** Absolute path. */
  readonly justfile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * What `just` says of a justfile; runs none of its recipes or backticks. Errors: `unsupported` without a just that is new enough, `invalid_manifest`
 * (JustfileMistake) with just's own message for a justfile with a mistake.
 */
export async function dumpJustfile(query: DumpQuery): Promise<DumpedModule> {
  const programs = findJust(query.env);
  if (programs.length === 0) throw noJust('just is not installed');
  for (const program of programs) {
    const read = moduleSchema.safeParse(await dump(program, query));
    if (read.success) return read.data;
  }
  throw noJust(`${programs.join(' and ')} is too old: it does not tell where modules come from`);
}

async function dump(program: string, { justfile, env, signal }: DumpQuery): Promise<unknown> {
  const args = ['--justfile', justfile, '--working-directory', dirname(justfile), '--color', 'never'];
  // What a person's settings change of just's behaviour may change nothing of the catalogue.
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('JUST_')));
  try {
    const { stdout } = await promisify(execFile)(program, [...args, '--dump', '--dump-format', 'json'], {
      env: own,
      signal,
      timeout: DUMP_MS,
      maxBuffer: MAX_DUMP_BYTES,
    });
    return JSON.parse(stdout);
  } catch (cause) {
    signal.throwIfAborted();
    const said =
      cause instanceof Error && 'stderr' in cause && typeof cause.stderr === 'string' ? cause.stderr.trim() : '';
    throw new JustfileMistake({
      code: 'invalid_manifest',
      message: said === '' ? `just cannot read ${justfile}` : said.replace(/^error: /, ''),
      hint: `mend the justfile; \`just --justfile ${justfile} --list\` shows whether it is`,
      cause: said === '' ? cause : undefined,
    });
  }
}

function noJust(message: string): FilareError {
  return new FilareError({
    code: 'unsupported',
    message,
    hint: 'scripts/setup brings it, or: npm install --global rust-just (1.57 or newer)',
  });
}
