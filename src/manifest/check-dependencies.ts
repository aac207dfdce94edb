import type { AgentDraft } from './agent-draft.js';
import { closestWord } from './closest-word.js';
import type { Findings } from './diagnostic.js';
import { keyPlaceAt, valueAt, type LocatedMap } from './located.js';
import type { Place } from './source-text.js';

/**
 * Every agent that another one waits for must be there, and no circle of agents may wait for one another: each of its edges is named where it is written.
 * `agents` are all that are declared, whatever else is wrong with them.
 */
export function checkDependencies(
  agents: readonly AgentDraft[],
  known_ids: readonly string[],
  findings: Findings,
): void {
  const declared = agents.map(({ fields, tree }) => ({
    id: fields.id ?? '',
    tree,
    needs: namedIn(tree),
  }));
  const waitsFor = new Map(declared.map(({ id, needs }) => [id, needs]));
  const places = new Map(declared.map(({ id, tree }) => [id, tree]));
  const said = new Set<string>();
  for (const { id: own, tree: own_tree, needs } of declared) {
    for (const needed of needs) {
      if (!known_ids.includes(needed)) {
        findings.mistake(dependencyPlace(own_tree, needed), unknownAgent(own, needed, known_ids));
        continue;
      }
      const circle = circleFrom(own, needed, waitsFor);
      if (circle === undefined || circle.some((id) => said.has(id))) continue;
      circle.forEach((id, at) => {
        said.add(id);
        const tree = places.get(id);
        if (tree === undefined) return;
        const message =
          circle.length === 1
            ? `"${id}" waits for itself`
            : `these agents wait for one another: ${[...circle, own].join(' → ')}`;
        findings.mistake(dependencyPlace(tree, circle[at + 1] ?? own), {
          message,
          hint: 'take one of the dependencies out',
        });
      });
    }
  }
}

/** Who is named in `depends_on`, also where something else there is wrong. */
function namedIn(tree: LocatedMap): readonly string[] {
  const given = valueAt(tree, ['depends_on']);
  if (given?.kind === 'map') return [...given.entries.keys()];
  const items = given?.kind === 'list' ? given.items : given === undefined ? [] : [given];
  const names = items.flatMap((item) => (item.kind === 'scalar' && typeof item.value === 'string' ? [item.value] : []));
  return [...new Set(names)].filter((name) => name.trim() !== '');
}

function unknownAgent(id: string, needed: string, known_ids: readonly string[]): { message: string; hint: string } {
  const near = closestWord(
    needed,
    known_ids.filter((known) => known !== id),
  );
  return {
    message: `depends_on: no agent "${needed}" is declared in the manifests that were read`,
    hint: near === undefined ? 'declare it, or name its manifest too' : `did you mean "${near}"?`,
  };
}

/** The ids from `start` by way of `next` back to `start`, the shortest way, or undefined. */
function circleFrom(
  start: string,
  next: string,
  waitsFor: ReadonlyMap<string, readonly string[]>,
): string[] | undefined {
  if (next === start) return [start];
  const cameFrom = new Map([[next, start]]);
  for (const id of cameFrom.keys()) {
    for (const needed of waitsFor.get(id) ?? []) {
      if (needed === start) return wayTo(id, start, cameFrom);
      if (!cameFrom.has(needed)) cameFrom.set(needed, id);
    }
  }
  return undefined;
}

function wayTo(end: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [end];
  for (let id = cameFrom.get(end); id !== undefined && id !== start; id = cameFrom.get(id)) way.unshift(id);
  return [start, ...way];
}

function dependencyPlace(tree: LocatedMap, needed: string): Place {
  const given = valueAt(tree, ['depends_on']);
  if (given?.kind === 'map') return keyPlaceAt(tree, ['depends_on', needed]);
  const item =
    given?.kind === 'list' ? given.items.find((one) => one.kind === 'scalar' && one.value === needed) : given;
  return (item ?? given ?? tree).place;
}
