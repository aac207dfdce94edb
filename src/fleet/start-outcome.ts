import type { StartOutcome } from '../contract/api-shapes.js';
import { asFilareError, FilareError } from '../contract/errors.js';
import { isOver } from '../contract/phase.js';
import type { Session } from '../session/session.js';

/** A session that was begun, or that runs already. */
export interface Begun {
  readonly outcome: 'started' | 'already_running';
  readonly session: Session;
}

/** Waits until a begun session runs, waits in the queue, or is known to have failed, and says which. Rejects when the signal ends the wait. */
export async function startOutcome(
  id: string,
  begun: Begun | FilareError,
  signal: AbortSignal,
): Promise<Omit<StartOutcome, 'warnings'>> {
  try {
    if (begun instanceof FilareError) throw begun;
    const { session } = begun;
    if (begun.outcome === 'already_running')
      return { id, outcome: 'already_running', session: session.row, error: null };
    await session.until(
      ({ stage }) =>
        stage.phase === 'running' ||
        isOver(stage) ||
        stage.phase === 'backing_off' ||
        (stage.phase === 'queued' && stage.reason !== null),
      signal,
    );
    if (session.ended || session.state.stage.phase === 'backing_off')
      await session.until(
        ({ stage }) =>
          isOver(stage) || (stage.phase === 'backing_off' && stage.until_ms !== null) || stage.phase === 'running',
        signal,
      );
    const { row } = session;
    const { stage } = session.state;
    if (stage.phase !== 'failed') return { id, outcome: 'started', session: row, error: null };
    const error = {
      code: stage.failure?.code ?? 'bad_state',
      message: `agent ${id} did not start: ${stage.reason}`,
      hint: stage.failure?.hint ?? `filare-agents describe ${row.session_id}`,
    };
    return { id, outcome: 'refused', session: row, error };
  } catch (failure) {
    if (signal.aborted) throw failure;
    return { id, outcome: 'refused', session: null, error: asFilareError(failure).toBody() };
  }
}
