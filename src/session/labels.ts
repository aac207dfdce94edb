import type { AgentSpec } from '../contract/agent-spec.js';

/** Label keys that stand on everything we make; product.md lists them. Found again by label, never by memory. */
export const LABEL = {
  project: 'filare.project',
  session: 'filare.session',
  agent: 'filare.agent',
  role: 'filare.role',
  branch: 'filare.branch',
  attempt: 'filare.attempt',
  owner: 'filare.owner',
  /** Which life of the project: another folder was at the same path before, or is at it elsewhere. */
  instance: 'filare.instance',
  /** `agent`, `startup`, `attach`, `fork`, `rehearsal`, `homecoming`, `fleet` or SOLO. */
  purpose: 'filare.purpose',
  /** Hash of the request, so that drift is seen. */
  request: 'filare.request',
} as const;

/** Purpose of a container that one person runs without the daemon; it goes with the process that made it. */
export const SOLO = 'solo';
/** Name of such a container, and of its folder, with the number of that process. */
export const SOLO_NAME = /^filare-solo-(\d+)-/;

/** Labels of one attempt's container. */
export function attemptLabels(options: {
  readonly project_key: string;
  readonly instance?: string | undefined;
  readonly session_id: string;
  readonly agent: AgentSpec;
  readonly branch: string | null;
  readonly attempt: number;
  readonly purpose: 'agent' | 'startup';
  readonly owner_uid: number;
}): Record<string, string> {
  return {
    [LABEL.project]: options.project_key,
    ...(options.instance === undefined ? {} : { [LABEL.instance]: options.instance }),
    [LABEL.session]: options.session_id,
    [LABEL.agent]: options.agent.id,
    [LABEL.role]: options.agent.role,
    [LABEL.branch]: options.branch ?? '',
    [LABEL.attempt]: String(options.attempt),
    [LABEL.owner]: String(options.owner_uid),
    [LABEL.purpose]: options.purpose,
  };
}
