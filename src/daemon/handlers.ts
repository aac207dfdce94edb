import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { API_VERSION, ROUTES } from '../contract/api.js';
import type { CleanupItem, DaemonStatus, SessionDetail, StartPlan } from '../contract/api-shapes.js';
import { FilareError } from '../contract/errors.js';
import { imageStatus } from '../image/image.js';
import { cleanup } from '../fleet/cleanup.js';
import type { Fleet } from '../fleet/fleet.js';
import { momentOf, readTranscript } from '../fleet/read-transcript.js';
import type { Terminals } from './terminals.js';

type Routes = typeof ROUTES;
type Part<R, K extends string> = R extends Record<K, infer S extends z.ZodType> ? z.output<S> : undefined;

/** What a handler is given: the parts that its route declares, parsed. */
export interface Input<N extends keyof Routes> {
  readonly params: Part<Routes[N], 'params'>;
  readonly query: Part<Routes[N], 'query'>;
  readonly body: Part<Routes[N], 'body'>;
  /** Ends when the client goes away. */
  readonly signal: AbortSignal;
  /** Who calls, as the client says: `operator` where it says nothing. */
  readonly by: string;
}

/** One handler a route; forgetting one does not compile. */
export type Handlers = { readonly [N in keyof Routes]: (input: Input<N>) => Promise<z.input<Routes[N]['response']>> };

/** What handlers work with. */
export interface HandlerContext {
  readonly fleet: Fleet;
  readonly status: () => DaemonStatus;
  readonly stop: () => void;
  readonly terminals: Terminals;
}

/** The routes of the control API, each a thin call of the fleet. */
export function handlers(context: HandlerContext): Handlers {
  const { fleet } = context;
  return {
    version: () => Promise.resolve(context.status()),
    dashboard: () =>
      Promise.resolve({ daemon: context.status(), sessions: [...fleet.rows(false)], prompts: [...fleet.prompts] }),
    listSessions: ({ query }) => Promise.resolve([...fleet.rows(query.all === true)]),
    startSessions: async ({ body, by, signal }) => [
      ...(await fleet.starts.start(
        body.agents,
        body.rehearsal === undefined ? null : { script: body.rehearsal.script, origin: body.rehearsal.origin },
        { by, max_parallel: body.max_parallel },
        signal,
      )),
    ],
    planSessions: async ({ body }): Promise<StartPlan[]> => [
      ...(await fleet.starts.plan(body.agents, body.rehearsal !== undefined, body.max_parallel)),
    ],
    describeSession: ({ params }): Promise<SessionDetail> => fleet.describe(params.ref),
    stopSession: ({ params, body, by }) => fleet.stop(params.ref, by, body.grace_ms),
    forkSession: ({ params, body, by, signal }) => fleet.starts.fork(params.ref, body, by, signal),
    restartSession: ({ params, by, signal }) => fleet.restart(params.ref, by, signal),
    interruptSession: async ({ params, by, signal }) => {
      const session = fleet.live(params.ref);
      await session.interrupt(by, signal);
      return session.row;
    },
    sendMessage: ({ params, body, by, signal }) =>
      fleet.live(params.ref).send({
        text: body.text,
        images: body.images ?? [],
        mode: body.mode,
        from: body.from ?? by,
        wait_ms: body.wait_ms,
        signal,
      }),
    diffSession: ({ params, query, signal }) =>
      fleet.home.diff(
        params.ref,
        { scope: query.scope ?? 'all', base: query.base ?? null, patch: query.patch === true },
        signal,
      ),
    syncSession: ({ params, body, by, signal }) => fleet.home.sync(params.ref, body, by, signal),
    checkSync: ({ body, signal }) =>
      fleet.home.check(
        body.refs ?? null,
        { repo: body.repo, onto: body.onto ?? null, max_bytes: body.max_bytes ?? null },
        signal,
      ),
    readTranscript: ({ params, query }) => readTranscript(fleet, params.ref, query),
    pauseSession: async ({ params, body, by }) => {
      const session = fleet.live(params.ref);
      await session.pause(body.by ?? by, { interrupt: body.interrupt === true, ask: body.ask ?? null });
      return session.row;
    },
    resumeSession: async ({ params, body, by }) => {
      const session = fleet.live(params.ref);
      await session.resume(body.by ?? by);
      return session.row;
    },
    resumeAll: async ({ by, signal }) => {
      const begun = await fleet.resumeAll(by, signal);
      return { sessions: [...fleet.rows(false)], begun: [...begun] };
    },
    usage: ({ query }) => {
      const since_ms = query.since === undefined ? 0 : momentOf(query.since);
      return Promise.resolve([...fleet.surroundings.usage.rows(since_ms)]);
    },
    listPrompts: ({ query }) =>
      Promise.resolve([...(query.ref === undefined ? fleet.prompts : (fleet.find(query.ref).live?.prompts ?? []))]),
    showPrompt: ({ params }) => fleet.inbox.prompt(params.prompt),
    decidePrompt: ({ params, body, by }) =>
      fleet.inbox.decide(params.prompt, {
        choice: body.choice,
        reason: body.reason ?? null,
        by: body.by ?? by,
        revision: body.revision ?? null,
        remember: body.remember ?? null,
      }),
    listRules: () => Promise.resolve([...fleet.inbox.rules]),
    forgetRule: ({ params, body, by }) => fleet.inbox.forgetRule(params.rule, body.by ?? by),
    callTool: ({ params, body, signal }) =>
      fleet.callTool(body.caller, { tool: params.tool, arguments: body.arguments, key: randomUUID(), signal }),
    imageStatus: async ({ query, signal }) => {
      const state = await imageStatus(fleet.surroundings.engine, {
        signal,
        ...(query.image === undefined ? {} : { image: query.image }),
      });
      return { ...state, reasons: [...state.reasons] };
    },
    cleanup: async ({ body }): Promise<CleanupItem[]> => [
      ...(await cleanup(fleet, {
        dry_run: body.dry_run,
        force: body.force === true,
        workspaces: body.workspaces === true,
      })),
    ],
    resizeTerminal: async ({ params, body }) => {
      await context.terminals.resize(params.terminal, body);
      return {};
    },
    stopDaemon: () => {
      context.stop();
      return Promise.resolve({ pid: process.pid });
    },
  };
}

/** A client that speaks another version of the API is told so, whatever it asked. */
export function refuseOtherVersion(asked: string | undefined): void {
  if (asked === undefined || asked === String(API_VERSION)) return;
  throw new FilareError({
    code: 'version_mismatch',
    message: `this daemon speaks version ${String(API_VERSION)} of the control API, the client version ${asked}`,
    hint: 'stop it (agents go on): filare-agents daemon stop; the next command starts the matching one',
  });
}
