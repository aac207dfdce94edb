import { FilareError } from '../contract/errors.js';
import { checkedOut, requireFreeBranch, type OperatorRepo } from './operator-repo.js';
import type { Quarantine } from './quarantine.js';

/** Name of the branch in the quarantine that is handed on. */
export const INCOMING = 'incoming';

/**
 * The one change to the operator's repository: objects, then one ref. Every object is checked as it arrives (git does not do that for a bundle), and none
 * stays where one is refused. Throws `conflict` when git does not move the branch, `bad_state` when it refuses what came.
 */
export async function moveRef(
  repo: OperatorRepo,
  quarantine: Quarantine,
  to: {
    readonly into: string;
    readonly before: string | null;
    readonly tip: string;
    readonly replaces: boolean;
    readonly id: string;
  },
): Promise<void> {
  const { into, before, tip } = to;
  const target = `refs/heads/${into}`;
  const reason = `filare-agents: sync ${to.id}`;
  const fetched = await repo.git.try(
    [
      ...['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-maintenance'],
      ...['--no-prune', '--refmap=', '--', quarantine.path],
      to.replaces ? `refs/heads/${INCOMING}` : `refs/heads/${INCOMING}:${target}`,
    ],
    { GIT_REFLOG_ACTION: reason },
  );
  if (fetched.exit_code !== 0) throw refused(into, fetched.stderr);
  if (!to.replaces) return;
  await requireFreeBranch(repo, into);
  // Only from where it was looked at: what came there meanwhile is not lost.
  const moved = await repo.git.try([
    'update-ref',
    '--no-deref',
    '--create-reflog',
    '-m',
    reason,
    target,
    tip,
    before ?? '',
  ]);
  if (moved.exit_code !== 0) throw refused(into, moved.stderr);
}

function refused(into: string, stderr: string): FilareError {
  const broken = /^(?:error|fatal): (?:object [0-9a-f]+: .*|fsck error.*)$/m.exec(stderr)?.[0];
  if (broken !== undefined)
    return new FilareError({
      code: 'bad_state',
      message: `what came out of the workspace is not taken, for git finds it broken: ${broken.slice(0, 500)}`,
      hint: 'nothing was changed; have the agent mend that commit, or write patch files instead: --patch DIR',
    });
  const place = /checked out at '(?<place>[^']*)'/.exec(stderr)?.groups?.['place'];
  if (place !== undefined) return checkedOut(into, place);
  return new FilareError({
    code: 'conflict',
    message: `your repository does not take the branch ${into}: ${stderr.trim().split('\n').slice(-2).join('; ').slice(0, 500)}`,
    hint: 'bring it into another branch: --into BRANCH',
  });
}
