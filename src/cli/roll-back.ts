import { isOver } from '../contract/phase.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../client/fleet.js';
import { asFilareError } from '../contract/errors.js';
import type { Begun } from './bring-up.js';
import type { Output } from './output.js';
import { styled } from './style.js';

/** Wait between two looks for sessions that are still being started, in milliseconds. */
const LOOK_MS = 100;
/** How long a start is waited for once nothing of it is left to stop, in milliseconds. */
const SETTLE_MS = 30_000;

/** What to take back. */
export interface RollBack {
  /** Deaf to the Ctrl-C that brought us here. */
  readonly fleet: Fleet;
  readonly begun: Begun;
  /** This call brought the daemon up: it goes too, unless it has other sessions. */
  readonly started_daemon: boolean;
  readonly out: Output;
}

/**
 * Stops the sessions that this call began, also those that appear while the start is still being answered, and the daemon if this call
 * started it and nobody else uses it. What ran before is left alone. What cannot be taken back is said, with the command that does it.
 */
export async function rollBack(work: RollBack): Promise<void> {
  const { fleet, begun, out } = work;
  if (begun.starting !== undefined) await stopBegun(fleet, begun, out);
  if (!work.started_daemon) return;
  const left = await fleet.daemon();
  if (left === undefined || left.sessions > 0) return;
  out.note(styled('dim', '  stopping the daemon'));
  await fleet.stopDaemon();
}

async function stopBegun(fleet: Fleet, begun: Begun, out: Output): Promise<void> {
  const start = { is_answered: false };
  const noted = (): void => void (start.is_answered = true);
  const answered = (begun.starting ?? Promise.resolve([])).then(noted, noted);
  const stops = new Map<string, Promise<void>>();
  const give_up = performance.now() + SETTLE_MS;
  for (;;) {
    // Asked before looking: sessions of a start that is answered by now are all there to be seen.
    const was_answered = start.is_answered;
    const rows = await fleet.sessions({ all: true });
    for (const row of rows) {
      const { session_id } = row;
      const is_ours = begun.agent_ids.has(row.id) && !begun.known.has(session_id);
      if (is_ours && !isOver(row) && !stops.has(session_id)) stops.set(session_id, stopOne(fleet, session_id, out));
    }
    if (was_answered || performance.now() > give_up) break;
    await Promise.race([answered, sleep(LOOK_MS)]);
  }
  await Promise.all(stops.values());
}

async function stopOne(fleet: Fleet, session_id: string, out: Output): Promise<void> {
  out.note(styled('dim', `  stopping ${session_id}`));
  try {
    await fleet.stop(session_id, { grace_ms: 0 });
  } catch (error) {
    const failure = asFilareError(error);
    if (failure.code === 'ended' || failure.code === 'not_found') return;
    out.complain(styled('red', 'error'), `: ${session_id} was not stopped: ${failure.message}`);
    out.complain('  ', styled('cyan', 'try'), `: filare-agents stop ${session_id}`);
  }
}
