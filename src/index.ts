/** The library: drive a fleet of Codex agents from TypeScript. docs/library.md has examples that run in the test suite. */
export { Fleet } from './client/fleet.js';
export type { FleetEventsOptions, FleetNews } from './client/fleet-events.js';
export { loadManifests } from './manifest/load-manifests.js';
export { loadRehearsal } from './rehearsal/script.js';
export { FilareError, EXIT_CODES, ERROR_CODES } from './contract/errors.js';
export type { ErrorCode, FailureBody } from './contract/errors.js';
export type { AgentSpec } from './contract/agent-spec.js';
export type { SessionRow, Prompt, SendResult, StoppedSession, Tokens, Activity, Health } from './contract/session.js';
export type { Phase } from './contract/phase.js';
export type { SessionDiff, SyncCheck, SyncOptions, SyncResult } from './contract/homecoming.js';
export type { TranscriptEntry, Piece } from './contract/transcript.js';
export type {
  SessionDetail,
  StartOutcome,
  StartPlan,
  CleanupItem,
  DaemonStatus,
  ImageStatus,
} from './contract/api-shapes.js';
