import { unreachable } from '../contract/errors.js';
import type { Observed } from './next.js';
import type { SessionState } from './state.js';

/** Whether it is known where a session stands: its container was looked at and its channel is held, or it waits for something that has a name. */
export function isSettled(state: SessionState, observed: Observed): boolean {
  const { stage } = state;
  const { container, attached } = observed;
  switch (stage.phase) {
    case 'running':
      return attached && (container.state === 'alive' || container.state === 'paused');
    case 'queued':
      return stage.reason !== null;
    case 'backing_off':
      return stage.until_ms !== null || state.own_prompts.some((own) => own.origin === 'crash_loop');
    case 'preparing':
    case 'starting':
    case 'stopping':
      return false;
    case 'stopped':
    case 'failed':
      return true;
    default:
      return unreachable(stage);
  }
}
