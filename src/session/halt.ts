import { existsSync } from 'node:fs';
import { FilareError } from '../contract/errors.js';
import { attemptPaths } from '../channel/attempt-files.js';
import type { JournalLine } from '../channel/channel.js';
import { JournalDamage, JournalFile } from '../channel/journal-file.js';
import { attemptFolder } from './attempt-folder.js';
import type { AttemptLink } from './attempt-link.js';
import { removeBooked } from './booking.js';
import { removeLeftovers, removeStartup } from './launch.js';
import { removeContainer } from './remove-container.js';
import { settleFiles } from './settle-files.js';
import type { SessionState } from './state.js';
import type { SessionSurroundings } from './surroundings.js';

/**
 * Ends an attempt for good: asks the container to end, forces it after the grace period, takes in the rest of its journal, removes it and its pipe.
 * Safe to call again at any point, and on a container that is gone. Never cut short by a signal.
 */
export async function halt(context: {
  readonly around: SessionSurroundings;
  readonly folder: string;
  readonly state: SessionState;
  readonly link: AttemptLink | null;
  readonly offset: () => number;
  readonly take: (lines: readonly JournalLine[]) => Promise<void>;
}): Promise<void> {
  const { around, state, link } = context;
  const { stage } = state;
  if (stage.phase !== 'stopping') return;
  if (stage.container !== null) {
    await around.engine.stop(stage.container.id, stage.grace_ms, { deadline_ms: stage.grace_ms + 30_000 });
  }
  await link?.close(new FilareError({ code: 'ended', message: 'the attempt has ended' }));
  await takeRest(context);
  if (stage.container !== null) {
    await removeContainer(around, stage.container);
  }
  await removeLeftovers({ around, state: () => state });
  const paths = attemptFolder(context.folder, state.attempt);
  const channel = attemptPaths(paths.folder);
  await removeBooked(around.resources, 'fifo', channel.in);
  await removeBooked(around.resources, 'folder', channel.io_folder);
  await removeStartup(around, paths);
  await settleFiles(around, state.session_id);
}

/** Whoever followed the journal, or nobody: what Codex wrote last is taken in before the attempt is called over. */
async function takeRest(context: {
  readonly around: SessionSurroundings;
  readonly folder: string;
  readonly state: SessionState;
  readonly offset: () => number;
  readonly take: (lines: readonly JournalLine[]) => Promise<void>;
}): Promise<void> {
  const { out } = attemptPaths(attemptFolder(context.folder, context.state.attempt).folder);
  if (!existsSync(out)) return;
  const rest = new JournalFile(out).read({
    from: context.offset(),
    follow: false,
    signal: new AbortController().signal,
  });
  try {
    for await (const lines of rest) await context.take(lines);
  } catch (failure) {
    // A journal that somebody cut or replaced has no rest, and keeps no attempt from ending; what could not be written down is tried again.
    if (!(failure instanceof JournalDamage)) throw failure;
    context.around.log.error({ session_id: context.state.session_id, err: failure }, 'the end of a journal is lost');
  }
}
