/**
 * Bringing an agent's work home: what it changed, and its branch as commits in the operator's repository.
 *
 * - The host runs no git where an agent can write, and reads no file there. All git on a workspace runs in a short-lived container of ours (helper.ts):
 *   hardened as agents are, without network, Codex home or secret. Whatever a hostile repository starts there, it starts in a box that holds nothing else.
 * - What leaves that container is believed in nothing. A bundle is one file in a folder of ours, opened without following a link, bounded, its header
 *   read by us (bundle-header.ts), then fetched into a fresh bare repository (quarantine.ts), which must end at the commit that was said.
 * - Of the operator's repository one ref changes, by fast-forward, after every object was checked (move-ref.ts): not HEAD, index, files, configuration or FETCH_HEAD.
 * - Container and folder are booked before they are made and gone when the call ends, however it ends; what a dead daemon left, `settleHomecoming` takes.
 *
 * Tests: tests/homecoming, tests/e2e/bring-home*.engine.test.ts. Why so: docs/decisions/bring-home.md.
 */
import type { AgentSpec } from '../contract/agent-spec.js';
import type { SessionSurroundings } from '../session/surroundings.js';

/** What this room is given. */
export type HomecomingSurroundings = Pick<
  SessionSurroundings,
  'engine' | 'paths' | 'resources' | 'instance' | 'user' | 'caller_uid' | 'log' | 'random'
> & {
  /** Hears in which step it is, in words. */
  readonly on_step?: (step: string) => void;
};

/** A session whose work is looked at. */
export interface Homecomer {
  readonly session_id: string;
  readonly agent: AgentSpec;
  /** The branch it is pinned to; null when its workspace was no repository. */
  readonly branch: string | null;
  /** The commit it began at; null: there was none. */
  readonly base: string | null;
  /** The workspace was made for this session, so that `base` is the operator's and not another session's work. */
  readonly seeded: boolean;
  /** The last of its commits that was brought home, and where. */
  readonly synced: { readonly commit: string; readonly into: string } | null;
  /** The last commit that was brought into a branch, by an earlier session of the agent too, where records say so. They are read only when it is asked for. */
  readonly broughtInto?: (into: string) => Promise<string | null>;
}

/** Most bytes that are brought when nobody says otherwise. */
export const DEFAULT_MAX_BYTES = 2 ** 30;
/** How long one step of git may take, in milliseconds. */
export const GIT_STEP_MS = 10 * 60_000;
