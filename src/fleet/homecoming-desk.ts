/**
 * Bringing work home, for all sessions of a project: finds what a session is and where it began, does one thing after the other (a few at a time), and writes
 * down what came of it, in the ledger of a session that has ended too. What is done is homecoming/'s; this decides when, and remembers.
 */
import PQueue from 'p-queue';
import { asFilareError, FilareError } from '../contract/errors.js';
import type { SessionDiff, SyncCheck, SyncOptions, SyncResult } from '../contract/homecoming.js';
import type { SessionRow, StopWarning } from '../contract/session.js';
import { checkSync } from '../homecoming/check.js';
import { diffSession, type DiffQuery } from '../homecoming/diff.js';
import { settleHomecoming } from '../homecoming/helper.js';
import type { Homecomer, HomecomingSurroundings } from '../homecoming/homecoming.js';
import { interrupted } from '../homecoming/host-git.js';
import { syncSession, type SyncPlace } from '../homecoming/sync.js';
import { findUnsynced } from '../homecoming/unsynced.js';
import type { SessionFact } from '../session/record.js';
import { sessionFiles } from '../session/session-files.js';
import type { SessionState } from '../session/state.js';
import { broughtBefore } from './brought-before.js';
import { dropWorkspace, lostWords } from './drop-workspace.js';
import type { Fleet } from './fleet.js';
import { HomecomingSteps } from './homecoming-steps.js';
import { restsAfterWork } from './nothing-to-bring.js';
import { readOrigin } from './origin.js';
import { noteInRecord } from './note-in-record.js';
import type { FoundSession } from './roster.js';

/** Each has a container of its own. */
const AT_ONCE = 2;
/** How long the end of a session may wait for its work to be brought home, in milliseconds. */
const AFTER_END_MS = 10 * 60_000;
/** How long a look at an agent's files may take, in milliseconds: they can make git wait for ever. */
const LOOK_MS = 60_000;

/** See the top of this file. */
export class HomecomingDesk {
  /** In which step each diff and sync is. */
  readonly steps = new HomecomingSteps();
  readonly #fleet: Fleet;
  readonly #turns = new PQueue({ concurrency: AT_ONCE });
  readonly #closing = new AbortController();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** Takes away what a daemon that died in the middle of it left. */
  async settle(): Promise<void> {
    await settleHomecoming(this.#fleet.surroundings);
  }

  /** Ends what is under way. */
  close(): void {
    this.#closing.abort(interrupted(undefined));
  }

  /** See diffSession. */
  diff(ref: string, query: DiffQuery, signal: AbortSignal): Promise<SessionDiff> {
    return this.#inTurn(signal, async (ending) =>
      this.#inSteps(await this.homecomer(ref), (around, of) => diffSession(around, of, query, ending)),
    );
  }

  /** See syncSession; what was brought is written into the session's ledger. */
  sync(ref: string, options: SyncOptions, by: string, signal: AbortSignal): Promise<SyncResult> {
    return this.#inTurn(signal, async (ending) => {
      const found = await this.homecomer(ref);
      const broughtInto = (into: string): Promise<string | null> => broughtBefore(this.#fleet, found, into);
      const of: Homecomer = { ...found, broughtInto };
      const place = this.place(options.repo, of);
      const done = await this.#inSteps(of, (around) => syncSession(around, of, place, options, ending));
      const fact = syncedFact(of, done, by) ?? this.#nothingFact(of.session_id, done.outcome, by);
      if (fact !== null) await this.#note(of.session_id, [fact]);
      return done;
    });
  }

  /** Writes down that a session which rests has no work that is nowhere else, where that is so. */
  noteIfNothing(session_id: string): Promise<void> {
    return this.#inTurn(AbortSignal.timeout(LOOK_MS), async (signal) => {
      const of = await this.homecomer(session_id);
      const { commits, files } = await findUnsynced(this.#fleet.surroundings, of, this.place(undefined, of), signal);
      const fact = this.#nothingFact(
        of.session_id,
        commits.length + files.length === 0 ? 'nothing' : null,
        'filare-agents',
      );
      if (fact !== null) await this.#note(of.session_id, [fact]);
    });
  }

  /** See checkSync; without refs the latest session of every agent that has a workspace. */
  check(
    refs: readonly string[] | null,
    options: { readonly repo: string | undefined; readonly onto: string | null; readonly max_bytes: number | null },
    signal: AbortSignal,
  ): Promise<SyncCheck> {
    return this.#inTurn(signal, async (ending) => {
      const homecomers: Homecomer[] = [];
      for (const ref of refs ?? latestOfAll(this.#fleet.rows(true))) {
        const found = await this.homecomer(ref).catch((failure: unknown) => {
          // One that never had a workspace has nothing to compare.
          if (refs === null && asFilareError(failure).code === 'bad_state') return null;
          throw failure;
        });
        if (found !== null && !homecomers.some((one) => one.session_id === found.session_id)) homecomers.push(found);
      }
      const place = this.place(options.repo, ...homecomers);
      return checkSync(this.#fleet.surroundings, homecomers, place, options, ending);
    });
  }

  /**
   * A session has ended and its container is gone: its work is brought home and its workspace removed, as far as its manifest says so. Never rejects: what
   * does not work is said in the transcript and answered, and the workspace stays.
   */
  async afterEnd({ session_id, agent, stage }: SessionState): Promise<readonly StopWarning[]> {
    const { sync = 'never', keep = 'always' } = agent.workspace;
    const warnings: StopWarning[] = [];
    if (sync === 'never' && keep === 'always') return warnings;
    const facts: SessionFact[] = [];
    const say = (level: 'note' | 'warning', text: string): void => void facts.push({ type: 'said', level, text });
    const warn = (text: string, hint: string | null): void => {
      say('warning', text);
      warnings.push({ message: text, hint });
    };
    const notHome = (text: string, why: string, hint: string): void => {
      facts.push({ type: 'not_brought_home', text, why });
      warnings.push({ message: text, hint });
    };
    try {
      await this.#inTurn(AbortSignal.timeout(AFTER_END_MS), async (signal) => {
        // It was stopped in the queue, or could not be prepared: there is no work to look after.
        if (!(await this.hadWorkspace(session_id))) return;
        const of = await this.homecomer(session_id);
        let now = of;
        if (sync === 'on-stop') {
          try {
            const done = await syncSession(this.#fleet.surroundings, of, this.place(undefined, of), {}, signal);
            const fact = syncedFact(of, done, 'on-stop');
            const nothing = this.#nothingFact(session_id, done.outcome, 'on-stop');
            if (nothing !== null) facts.push(nothing);
            if (fact !== null) {
              facts.push(fact);
              now = { ...of, synced: { commit: fact.commit, into: fact.into } };
            }
            if (done.outcome === 'nothing')
              say('note', 'it has no commit that your repository lacks: nothing was brought home');
            if (done.uncommitted.length > 0)
              notHome(
                `not brought home, because it is in no commit: ${listWords(done.uncommitted)}`,
                `what is in no commit: ${listWords(done.uncommitted)}`,
                `filare-agents sync ${agent.id} --commit`,
              );
            for (const note of done.notes) say('note', note);
          } catch (failure) {
            const { message, hint } = asFilareError(failure);
            notHome(
              `its work could not be brought home: ${message}${hint === undefined ? '' : ` (${hint})`}`,
              message,
              `filare-agents sync ${agent.id}`,
            );
          }
        }
        if (keep === 'always' || (keep === 'on-failure' && stage.phase === 'failed')) return;
        const { outcome, why, lost } = await dropWorkspace(
          this.#fleet,
          now,
          this.place(undefined, of),
          { force: false, dry_run: false },
          signal,
        );
        if (outcome === 'removed') say('note', `its workspace was removed: ${agent.workspace.path}`);
        else warn(`its workspace is kept: ${why}${lost === null ? '' : `: ${lostWords(lost)}`}`, null);
      });
    } catch (failure) {
      const { message } = asFilareError(failure);
      notHome(`its work was not looked after: ${message}`, message, `filare-agents sync ${agent.id}`);
    }
    await this.#note(session_id, facts).catch((failure: unknown) => {
      this.#fleet.surroundings.log.warn(
        { session_id, err: failure },
        'what became of its work could not be written down',
      );
    });
    return warnings;
  }

  /** Whether the session came so far that it had a workspace. */
  async hadWorkspace(session_id: string): Promise<boolean> {
    return (await this.#originOf(this.#fleet.find(session_id))) !== null;
  }

  /** The session a user means, with where it began. Throws `bad_state` when it never had a workspace. */
  async homecomer(ref: string): Promise<Homecomer> {
    const { session_id, id } = this.#fleet.find(ref).row;
    // An agent is named for what it did: its last session may have been stopped in the queue.
    const others = ref === id ? this.#fleet.rows(true).filter((row) => row.id === id) : [];
    for (const one of [session_id, ...others.reverse().map((row) => row.session_id)]) {
      const found = this.#fleet.find(one);
      const origin = await this.#originOf(found);
      if (origin !== null) return { session_id: one, synced: found.row.synced, ...origin };
    }
    throw new FilareError({
      code: 'bad_state',
      message: `session ${session_id} has no workspace: it never came so far`,
    });
  }

  /** Where a session began; null when it never came so far that it had a workspace. */
  #originOf({ folder }: FoundSession): ReturnType<typeof readOrigin> {
    return readOrigin(sessionFiles(folder).ledger);
  }

  /** Where work goes to, and where it never does. */
  place(repo: string | undefined, ...homecomers: readonly Homecomer[]): SyncPlace {
    const { paths } = this.#fleet.surroundings;
    const agents = [
      ...this.#fleet.liveSessions.map((session) => session.state.agent),
      ...homecomers.map(({ agent }) => agent),
    ];
    const mounts = agents.flatMap((agent) =>
      agent.mounts.filter((mount) => !mount.read_only).map(({ source }) => source),
    );
    const workspaces = [
      ...this.#fleet.rows(true).map((row) => row.workspace),
      ...agents.map((one) => one.workspace.path),
    ];
    return {
      repo: repo ?? paths.root,
      agent_folders: [...new Set([paths.workspaces, paths.agents, ...workspaces, ...mounts])],
    };
  }

  /** Runs work in its turn, with a signal that ends with the asker, or with the daemon. */
  async #inTurn<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ending = AbortSignal.any([signal, this.#closing.signal]);
    try {
      return await this.#turns.add(() => {
        ending.throwIfAborted();
        return work(ending);
      });
    } catch (failure) {
      if (ending.aborted && !(failure instanceof FilareError)) throw interrupted(failure);
      throw failure;
    }
  }

  /** For a session that rests: one that works may have something in a moment. */
  #nothingFact(session_id: string, outcome: SyncResult['outcome'] | null, by: string): SessionFact | null {
    const { row } = this.#fleet.find(session_id);
    const counts = outcome === 'nothing' && restsAfterWork(row) && !row.reached.includes('synced');
    return counts ? { type: 'nothing_to_sync', by } : null;
  }

  /** Does work on a session's workspace whose steps are told. */
  async #inSteps<T>(of: Homecomer, work: (around: HomecomingSurroundings, of: Homecomer) => Promise<T>): Promise<T> {
    const { session_id } = of;
    const on_step = (step: string): void => this.steps.say(session_id, step);
    try {
      return await work({ ...this.#fleet.surroundings, on_step }, of);
    } finally {
      this.steps.over(session_id);
    }
  }

  async #note(session_id: string, facts: readonly SessionFact[]): Promise<void> {
    if (facts.length === 0) return;
    const found = this.#fleet.find(session_id);
    if (found.live !== null && !found.live.ended) {
      for (const fact of facts) await found.live.memory.commit(fact);
      return;
    }
    this.#fleet.amend(await noteInRecord(this.#fleet.surroundings, session_id, found.folder, () => facts));
  }
}

/** What a sync that brought something, or found it brought, adds to the ledger. */
function syncedFact(of: Homecomer, done: SyncResult, by: string): Extract<SessionFact, { type: 'synced' }> | null {
  const { outcome, commit, into } = done;
  if ((outcome !== 'brought' && outcome !== 'up_to_date') || commit === null || into === null) return null;
  if (of.synced?.commit === commit && of.synced.into === into) return null;
  return { type: 'synced', commit, into, by };
}

function listWords(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${String(names.length - 5)} more` : shown;
}

/** The latest session of each agent. */
function latestOfAll(rows: readonly SessionRow[]): readonly string[] {
  const latest = new Map<string, string>();
  for (const row of [...rows].sort((a, b) => a.started_at.localeCompare(b.started_at)))
    latest.set(row.id, row.session_id);
  return [...latest.values()];
}
