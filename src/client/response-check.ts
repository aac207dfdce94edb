import { FilareError } from '../contract/errors.js';
import type { ROUTES } from '../contract/api.js';
import type { z } from 'zod';
import type { RouteName } from './route-paths.js';

/** What a route answers. */
export type RouteResponse<N extends RouteName> = z.output<(typeof ROUTES)[N]['response']>;

/**
 * Checks an answer against the route's schema and types it; anything else is `unexpected` and names the first field that differs. The
 * schemas are loaded on first use.
 */
export async function checkResponse<N extends RouteName>(name: N, answer: unknown): Promise<RouteResponse<N>> {
  const { ROUTES } = await import('../contract/api.js');
  const checked: z.ZodSafeParseResult<unknown> = ROUTES[name].response.safeParse(answer);
  if (!checked.success) {
    const first = checked.error.issues[0];
    throw differs(name, `${first?.path.join('.') ?? ''}: ${first?.message ?? 'not as declared'}`);
  }
  // The schema of this very route has just accepted it; the compiler cannot follow the union of all routes.
  return checked.data as RouteResponse<N>;
}

/** Types the rows of `list` after a look at the fields that tell one version of the API from another, without loading the schemas. */
export function checkRowsLightly(answer: unknown): RouteResponse<'listSessions'> {
  if (!Array.isArray(answer) || !answer.every(looksLikeRow)) throw differs('listSessions', 'not a list of sessions');
  return answer;
}

function looksLikeRow(value: unknown): value is RouteResponse<'listSessions'>[number] {
  if (typeof value !== 'object' || value === null) return false;
  const texts = ['session_id', 'id', 'role', 'phase', 'health', 'workspace', 'started_at', 'transcript'];
  const row: Readonly<Record<string, unknown>> = { ...value };
  return (
    texts.every((name) => typeof row[name] === 'string') &&
    typeof row['pending_prompts'] === 'number' &&
    typeof row['tokens'] === 'object' &&
    row['tokens'] !== null
  );
}

function differs(name: string, what: string): FilareError {
  return new FilareError({
    code: 'unexpected',
    message: `the daemon's answer to ${name} is not what this version expects (${what})`,
    hint: 'filare-agents daemon stop, then try again: agents keep running, and the daemon comes back in the version of this command',
  });
}
