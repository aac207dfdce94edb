/** What there is by name or label, without looking into it. */
import { z } from 'zod';
import type { CallOptions, Engine, SurveyedThing } from '../engine.js';
import type { Caller } from './call.js';
import { limitOf, withLimit } from './limit.js';
import { labelFilter } from './names.js';

const Labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((labels) => labels ?? {});
const Containers = z.array(z.object({ Id: z.string(), Names: z.array(z.string()).nullish(), Labels }));
const Networks = z.array(z.object({ Id: z.string(), Name: z.string(), Labels }));
const Volumes = z.object({ Volumes: z.array(z.object({ Name: z.string(), Labels })).nullish() });

/** Containers, networks and volumes whose name begins so, or that carry every label. */
export async function survey(
  caller: Caller,
  look: Parameters<Engine['survey']>[0],
  options?: CallOptions,
): Promise<readonly SurveyedThing[]> {
  const by = 'name_prefix' in look ? { name: [look.name_prefix] } : { label: labelFilter(look.labels) };
  const filters = JSON.stringify(by);
  const what = 'look for containers, networks and volumes';
  return withLimit(caller.site(what), limitOf(options), async (signal) => {
    const ask = <T>(path: string, query: Readonly<Record<string, string>>, schema: z.ZodType<T>): Promise<T> =>
      caller.json({ deadline_ms: undefined, signal, what, method: 'GET', path, query: { ...query, filters } }, schema);
    const [containers, networks, volumes] = await Promise.all([
      ask('/containers/json', { all: '1' }, Containers),
      ask('/networks', {}, Networks),
      ask('/volumes', {}, Volumes),
    ]);
    const found: SurveyedThing[] = [
      ...containers.map(({ Id, Names, Labels: labels }) => ({
        kind: 'container' as const,
        id: Id,
        name: (Names?.[0] ?? Id).replace(/^\//, ''),
        labels,
      })),
      ...networks.map(({ Id, Name, Labels: labels }) => ({ kind: 'network' as const, id: Id, name: Name, labels })),
      ...(volumes.Volumes ?? []).map(({ Name, Labels: labels }) => ({
        kind: 'volume' as const,
        id: Name,
        name: Name,
        labels,
      })),
    ];
    // The engine's filter takes the text anywhere in the name.
    return 'name_prefix' in look ? found.filter(({ name }) => name.startsWith(look.name_prefix)) : found;
  });
}
