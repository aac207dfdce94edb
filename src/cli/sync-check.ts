import type { MergeTrial, SyncCheck } from '../contract/homecoming.js';
import type { CliContext } from './context.js';
import { plural } from './fleet-table.js';
import { styled, type Span } from './style.js';
import { tableLines } from './table.js';

/** Git merges no two branches without a commit in common, whatever their files are. */
function resultOf({ files, unrelated }: MergeTrial): Span {
  if (unrelated) return styled('red', 'share no commit');
  return files.length === 0 ? styled('green', 'merges') : styled('red', plural(files.length, 'conflict'));
}

/** Shows which branches merge and which are in conflict, file by file; the exit code is 1 when some are. */
export function sayCheck(context: CliContext, check: SyncCheck): void {
  const { out, globals } = context;
  if (check.conflicts > 0) context.exit_code = 1;
  if (globals.json === true) {
    out.json(check);
    return;
  }
  const name = (id: string | null): string => id ?? `${check.base.name} (yours)`;
  const rows = check.trials.map((trial): Span[] => [trial.a, name(trial.b), resultOf(trial), trial.files.join(', ')]);
  const head = [{ title: 'BRANCH OF' }, { title: 'WITH' }, { title: 'RESULT' }, { title: 'FILES', shrink: true }];
  const columns = out.is_terminal ? out.size.columns : Number.MAX_SAFE_INTEGER;
  if (rows.length > 0) for (const line of tableLines(head, rows, columns)) out.line(...line);
  for (const { id, left_out } of check.branches) if (left_out !== null) out.note(`${id}: not compared, ${left_out}`);
  for (const { id, uncommitted } of check.branches)
    if (uncommitted > 0) out.note(`${id}: ${plural(uncommitted, 'file')} with changes in no commit, not compared`);
  out.note(
    check.conflicts === 0
      ? `no conflicts; nothing was changed in ${check.repo}`
      : `${plural(check.conflicts, 'pair')} of branches in conflict; nothing was changed in ${check.repo}`,
  );
}
