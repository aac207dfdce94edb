/**
 * Method and path of every route, without the schemas. `contract/api.ts` stays the one source: the types below are its own literals, so a
 * route that is missing, or spelled otherwise, does not compile. It exists because loading the schemas takes about 100 ms of processor
 * time, which `list` and shell completion cannot spend.
 */
import type * as api from '../contract/api.js';

type Routes = typeof api.ROUTES;
type Streams = typeof api.STREAMS;

/** Name of a JSON route. */
export type RouteName = keyof Routes;

/** Version of the control API that this client speaks. */
export const CLIENT_API_VERSION: typeof api.API_VERSION = 1;

/** Where each JSON route is. */
export const ROUTE_PATHS: { readonly [N in RouteName]: Readonly<Pick<Routes[N], 'method' | 'path'>> } = {
  version: { method: 'GET', path: '/v1/version' },
  dashboard: { method: 'GET', path: '/v1/dashboard' },
  listSessions: { method: 'GET', path: '/v1/sessions' },
  startSessions: { method: 'POST', path: '/v1/sessions' },
  planSessions: { method: 'POST', path: '/v1/plan' },
  describeSession: { method: 'GET', path: '/v1/sessions/:ref' },
  stopSession: { method: 'POST', path: '/v1/sessions/:ref/stop' },
  forkSession: { method: 'POST', path: '/v1/sessions/:ref/fork' },
  restartSession: { method: 'POST', path: '/v1/sessions/:ref/restart' },
  interruptSession: { method: 'POST', path: '/v1/sessions/:ref/interrupt' },
  sendMessage: { method: 'POST', path: '/v1/sessions/:ref/messages' },
  diffSession: { method: 'GET', path: '/v1/sessions/:ref/diff' },
  syncSession: { method: 'POST', path: '/v1/sessions/:ref/sync' },
  checkSync: { method: 'POST', path: '/v1/sync-check' },
  readTranscript: { method: 'GET', path: '/v1/sessions/:ref/transcript' },
  pauseSession: { method: 'POST', path: '/v1/sessions/:ref/pause' },
  resumeSession: { method: 'POST', path: '/v1/sessions/:ref/resume' },
  resumeAll: { method: 'POST', path: '/v1/resume-all' },
  usage: { method: 'GET', path: '/v1/usage' },
  listPrompts: { method: 'GET', path: '/v1/prompts' },
  showPrompt: { method: 'GET', path: '/v1/prompts/:prompt' },
  decidePrompt: { method: 'POST', path: '/v1/prompts/:prompt/decision' },
  listRules: { method: 'GET', path: '/v1/rules' },
  forgetRule: { method: 'POST', path: '/v1/rules/:rule/forget' },
  callTool: { method: 'POST', path: '/v1/tools/:tool' },
  imageStatus: { method: 'GET', path: '/v1/image' },
  cleanup: { method: 'POST', path: '/v1/cleanup' },
  resizeTerminal: { method: 'POST', path: '/v1/terminals/:terminal/resize' },
  stopDaemon: { method: 'POST', path: '/v1/daemon/stop' },
};

/** Where each stream is. */
export const STREAM_PATHS: { readonly [N in keyof Streams]: Readonly<Pick<Streams[N], 'method' | 'path'>> } = {
  sessionEvents: { method: 'GET', path: '/v1/sessions/:ref/events' },
  fleetEvents: { method: 'GET', path: '/v1/events' },
  journal: { method: 'GET', path: '/v1/sessions/:ref/journal' },
  homecomingSteps: { method: 'GET', path: '/v1/sessions/:ref/homecoming' },
  buildImage: { method: 'POST', path: '/v1/image/build' },
  terminal: { method: 'POST', path: '/v1/sessions/:ref/terminal' },
  terminalStatus: { method: 'GET', path: '/v1/terminals/:terminal' },
  openapi: { method: 'GET', path: '/v1/openapi.json' },
  health: { method: 'GET', path: '/healthz' },
};
