import type { Fleet } from '../client/fleet.js';
import { asFilareError, FilareError } from '../contract/errors.js';
import type { SessionRow } from '../contract/session.js';
import type { CliContext } from './context.js';

/** What a command does to each thing that it is given. */
export interface EachOne<T> {
  /** What was typed, or what stands for it. */
  readonly refs: readonly string[];
  /** What a failure calls it, where that is not what was typed. */
  readonly name?: (ref: string) => string;
  /** The verb in a failure: `stop`. */
  readonly verb: string;
  readonly act: (ref: string) => Promise<T>;
  /** What is shown while it is done, until nothing of it is under way. */
  readonly during?: (acts: () => Promise<PromiseSettledResult<T>[]>) => Promise<PromiseSettledResult<T>[]>;
  /** One line for a thing that it was done to. */
  readonly say: (done: T) => void;
  /** What is to be said of it on standard error in any case. */
  readonly warn?: (done: T) => void;
  /** The id that `-q` prints. */
  readonly id: (done: T) => string;
}

/** As `eachOne`, for sessions. */
export async function eachRef(context: CliContext, work: Omit<EachOne<SessionRow>, 'id'>): Promise<void> {
  await eachOne(context, { ...work, id: (row) => row.session_id });
}

/**
 * Does it to all of them at once. What was done is printed (with `--json` as one list); what failed is thrown as one failure with the code of the
 * first, so that one bad name does not keep the others from it. Ctrl-C is told by its own code, whatever failed beside it.
 */
export async function eachOne<T>(context: CliContext, work: EachOne<T>): Promise<void> {
  const done: T[] = [];
  const failed: Failed[] = [];
  const acts = (): Promise<PromiseSettledResult<T>[]> => Promise.allSettled(work.refs.map((ref) => work.act(ref)));
  const outcomes = await (work.during ?? ((doing) => doing()))(acts);
  for (const [at, outcome] of outcomes.entries()) {
    const ref = work.refs[at] ?? '';
    if (outcome.status === 'fulfilled') done.push(outcome.value);
    else failed.push({ ref, error: asFilareError(outcome.reason) });
  }
  if (context.globals.json === true) {
    if (done.length > 0 || failed.length === 0) context.out.json(done);
  } else if (context.globals.quiet === true) {
    for (const one of done) context.out.line(work.id(one));
  } else {
    done.forEach(work.say);
  }
  for (const one of done) work.warn?.(one);
  const first = failed.find(({ error }) => isInterruption(error)) ?? failed[0];
  if (first === undefined) return;
  if (work.refs.length === 1) throw first.error;
  if (isInterruption(first.error)) {
    const others = failed.filter(({ error }) => error.code !== 'interrupted');
    // Ctrl-C itself is shown to nobody, so that what failed before it is said here.
    if (context.globals.json !== true)
      for (const line of failureLines(work, others, undefined)) context.out.complain(line);
    throw new FilareError({ ...first.error.toBody(), details: { ...signalOf(first.error), failed: bodies(failed) } });
  }
  // What to do is said once where it is the same for all, and else with each.
  const hint = failed.every(({ error }) => error.hint === first.error.hint) ? first.error.hint : undefined;
  throw new FilareError({
    code: first.error.code,
    message: [`cannot ${work.verb} ${failed.length} of ${work.refs.length}:`, ...failureLines(work, failed, hint)].join(
      '\n',
    ),
    ...(hint === undefined ? {} : { hint }),
    details: { failed: bodies(failed) },
  });
}

interface Failed {
  readonly ref: string;
  readonly error: FilareError;
}

/** What failed, a line each, and what to do about it unless that is said for all. */
function failureLines(
  { name }: Pick<EachOne<never>, 'name'>,
  failed: readonly Failed[],
  said: string | undefined,
): string[] {
  return failed.flatMap(({ ref, error }) => [
    `${name?.(ref) ?? ref}: ${error.message}`,
    ...(error.hint === undefined || error.hint === said ? [] : [`  try: ${error.hint}`]),
  ]);
}

function bodies(failed: readonly Failed[]): readonly object[] {
  return failed.map(({ ref, error }) => ({ ref, ...error.toBody() }));
}

/** Ctrl-C or its like, here: the exit code is made of the signal. */
function isInterruption(error: FilareError): boolean {
  return error.code === 'interrupted' && 'signal_number' in signalOf(error);
}

function signalOf({ details }: FilareError): object {
  const has_signal = typeof details === 'object' && details !== null && 'signal_number' in details;
  return has_signal ? { signal_number: details.signal_number } : {};
}

/** The sessions that a command is about: those named, or with `--all` all that have not ended. Neither, or both, is `usage`. */
export async function chosenRefs(
  fleet: Fleet,
  named: readonly string[],
  all: boolean | undefined,
  /** Also those whose record cannot be read, which are shown as failed: a container of theirs may run. */
  { unreadable = false }: { readonly unreadable?: boolean } = {},
): Promise<string[]> {
  requireChoice(named, all);
  if (all !== true) return [...new Set(named)];
  const rows = await fleet.sessions();
  return rows
    .filter((row) => row.ended_at === null && (unreadable || row.phase !== 'failed'))
    .map((row) => row.session_id);
}

/** Throws `usage` unless ids or `--all` were given, and not both. */
export function requireChoice(named: readonly string[], all: boolean | undefined): void {
  if (named.length > 0 && all === true) {
    throw new FilareError({ code: 'usage', message: 'name sessions, or say --all, not both' });
  }
  if (named.length === 0 && all !== true) {
    throw new FilareError({
      code: 'usage',
      message: 'which session? Name one or more, or say --all',
      hint: 'filare-agents list shows them',
    });
  }
}
