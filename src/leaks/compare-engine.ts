import type { SurveyedThing } from '../engine/engine.js';
import { LABEL, SOLO, SOLO_NAME } from '../session/labels.js';
import { daemonLives, type Comparison } from './comparison.js';
import { BY_CLEANUP, type Finding } from './finding.js';
import { whyForeign } from '../session/ownership.js';

/** What the engine has of ours, or under our name. */
export function compareEngine(comparison: Comparison): Finding[] {
  const { world } = comparison;
  if (world.engine === null) {
    const detail = 'the engine does not answer: containers, networks and volumes could not be looked at';
    const fix = 'start Docker, or name it with DOCKER_HOST, and look again';
    return [{ kind: 'engine', name: 'engine', verdict: 'unknown', session_id: null, detail, fix, cleanup: false }];
  }
  return world.engine.flatMap((thing) => judge(thing, comparison) ?? []);
}

function judge(thing: SurveyedThing, comparison: Comparison): Finding | null {
  const session_id = thing.labels[LABEL.session] ?? null;
  const say = (verdict: Finding['verdict'], detail: string, fix: string, cleanup = false): Finding => ({
    kind: thing.kind,
    name: thing.name,
    verdict,
    session_id,
    detail,
    fix,
    cleanup,
  });
  const remove = thing.kind === 'container' ? `docker rm -f ${thing.name}` : `docker ${thing.kind} rm ${thing.name}`;
  const by_hand = `look at it, and if nobody needs it: ${remove}`;
  const project = thing.labels[LABEL.project];
  if (project !== comparison.paths.key) {
    // Another project's: a copy of this one has sessions of the same names.
    if (project !== undefined && !thing.name.includes(comparison.paths.key)) return null;
    return isOurName(thing, comparison)
      ? say('foreign', 'it has a name of ours without our label: this product did not make it', by_hand)
      : null;
  }
  const foreign = whyForeign(thing, comparison);
  if (foreign !== null) return say('foreign', foreign, by_hand);
  if (thing.kind === 'volume') return say('leak', 'this product makes no volumes, and it carries our label', by_hand);
  const { world, rehearsed } = comparison;
  const live = [...world.sessions.values()].some(({ over }) => !over);
  if (thing.kind === 'network') {
    if (live)
      return booked(thing, comparison)
        ? null
        : say('leak', 'in use, and not in the book', 'it goes with the last session: filare-agents stop --all');
    return say(
      'leak',
      'no agent is running',
      `${BY_CLEANUP}; where it has active endpoints and no container, restart the engine first`,
      true,
    );
  }
  // A single container of a person: the engine removes it when the process that made it ends, unless a program in it holds its first process.
  if (thing.labels[LABEL.purpose] === SOLO)
    return soloMakerLives(thing, comparison)
      ? null
      : say('leak', 'the process that made it has ended, and a program in it keeps it alive', by_hand);
  if (thing.labels[LABEL.purpose] === 'rehearsal') {
    return rehearsed && live ? null : say('leak', 'no rehearsed agent is running', BY_CLEANUP, true);
  }
  if (thing.labels[LABEL.purpose] === 'homecoming') {
    // It lives as long as one call of the daemon that made it.
    return daemonLives(comparison) && booked(thing, comparison)
      ? null
      : say('leak', 'left by the bringing home of work that was cut short', BY_CLEANUP, true);
  }
  if (thing.labels[LABEL.purpose] === 'fork') {
    return booked(thing, comparison)
      ? null
      : say('leak', 'it copied for a fork, and nobody waits for it', BY_CLEANUP, true);
  }
  if (session_id === null) return say('leak', 'it carries our label and names no session', by_hand);
  const session = world.sessions.get(session_id);
  if (session === undefined) return say('leak', 'its session is not known here', by_hand);
  if (session.over) return say('leak', 'its session has ended', BY_CLEANUP, true);
  return booked(thing, comparison)
    ? null
    : say('leak', 'in use, and not in the book', `it goes with its session: filare-agents stop ${session_id}`);
}

function booked(thing: SurveyedThing, { book }: Comparison): boolean {
  return book.some(
    ({ kind, name, state }) =>
      kind === thing.kind && name === thing.name && (state === 'opened' || state === 'intended'),
  );
}

/** Its name holds the process; a number that was given away since is another program's. */
function soloMakerLives({ name }: SurveyedThing, { world }: Comparison): boolean {
  const pid = Number(SOLO_NAME.exec(name)?.[1]);
  const maker = world.processes.find((process) => process.pid === pid);
  return maker !== undefined && (maker.command.length === 0 || maker.command.includes('container'));
}

/** Names that only this project gives: with its key, of its sessions, or in its book. */
function isOurName({ name }: SurveyedThing, { paths, world, book }: Comparison): boolean {
  if (name === `filare-${paths.key}` || name.startsWith(`filare-${paths.key}-`)) return true;
  const session_id = /^filare-(.+)-\d+(?:-startup)?$/.exec(name)?.[1];
  if (session_id !== undefined && world.sessions.has(session_id)) return true;
  return book.some((entry) => entry.name === name);
}
