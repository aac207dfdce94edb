import type { SurveyedThing } from '../engine/engine.js';

/** A session as its folder says. */
export interface SessionSight {
  readonly folder: string;
  /** Ended for good; false where that cannot be read. */
  readonly over: boolean;
  /** Path of its workspace; null where that cannot be read. */
  readonly workspace: string | null;
}

/** A process of the host. */
export interface ProcessSight {
  readonly pid: number;
  readonly parent: number;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly has_terminal: boolean;
  /** Values of its environment that are paths in the state or outputs folder; empty where it may not be read. */
  readonly env_paths: readonly string[];
  /** Containers that its control groups name. */
  readonly container_ids: readonly string[];
}

/** Something on disk that ought to be gone some day. `age_ms`: since it was last changed. */
export interface DiskSight {
  readonly what: 'attempt part' | 'pipe' | 'socket' | 'staging' | 'half-removed' | 'trial' | 'download' | 'secret';
  readonly path: string;
  readonly session_id: string | null;
  readonly age_ms: number;
}

/** All that is there, at one moment. */
export interface World {
  /** Null: the engine did not answer. */
  readonly engine: readonly SurveyedThing[] | null;
  /** Containers that the engine knows, other projects' among them. */
  readonly container_ids: ReadonlySet<string>;
  readonly processes: readonly ProcessSight[];
  /** This process and those that started it. */
  readonly own_pids: ReadonlySet<number>;
  readonly mounts: readonly string[];
  /** Names of bound unix sockets; abstract ones begin with `@`. */
  readonly sockets: ReadonlySet<string>;
  readonly disk: readonly DiskSight[];
  /** Of the paths that the book names, those that exist. */
  readonly existing: ReadonlySet<string>;
  readonly sessions: ReadonlyMap<string, SessionSight>;
}
