import type { ProjectLedger } from '../ledger/project-ledger.js';
import type { ProjectPaths } from '../contract/project.js';
import { LABEL } from './labels.js';
import { removeContainer, type RemovalSurroundings } from './remove-container.js';
import { whyForeign } from './ownership.js';

/** What removing by purpose works with. */
export type PurposeSurroundings = RemovalSurroundings & {
  readonly paths: Pick<ProjectPaths, 'key'>;
  readonly instance: string;
  readonly resources: Pick<ProjectLedger, 'entries'>;
};

/** Which of them, and why they go, for the book. */
export interface PurposeOptions {
  readonly name?: string | undefined;
  readonly reason?: string;
}

/**
 * Removes the containers of one purpose (LABEL.purpose) in which nobody works any more: those of a daemon that died, or the one of that name, whose making
 * nobody may have answered for. One that is not provably ours stays. Answers with the names of those that it went through; rejects as the engine does.
 */
export async function removeOfPurpose(
  around: PurposeSurroundings,
  purpose: string,
  { name, reason }: PurposeOptions = {},
): Promise<readonly string[]> {
  const ours = { instance: around.instance, book: around.resources.entries() };
  const all = await around.engine.list({ [LABEL.project]: around.paths.key, [LABEL.purpose]: purpose });
  const found = all.filter((one) => (name === undefined || one.name === name) && whyForeign(one, ours) === null);
  for (const container of found) await removeContainer(around, container, reason);
  return found.map((container) => container.name);
}
