import { DaemonUnreachable } from '../../client/http-request.js';
import { asFilareError } from '../../contract/errors.js';
import type { CliContext } from '../context.js';
import { runInbox } from '../inbox/run-inbox.js';
import { againAfter, hasNoDaemon, NOBODY_ANSWERS } from './wait-for-daemon.js';

/** What the pane of the inbox runs: `feedback watch`, opened again by any key when it was left, until the pane goes. */
export async function showInbox(context: CliContext): Promise<void> {
  const { out, interrupts, stdin } = context;
  const signal = AbortSignal.any([interrupts.signal, out.gone]);
  let is_told = false;
  while (!signal.aborted && !stdin.readableEnded) {
    try {
      await using fleet = await context.openFleet({ start_daemon: false });
      is_told = false;
      await runInbox(context, fleet, { bell: true });
    } catch (error) {
      signal.throwIfAborted();
      const failure = asFilareError(error);
      if (failure.code !== 'interrupted') {
        const is_away = error instanceof DaemonUnreachable || hasNoDaemon(failure);
        if (!is_told) out.complain(is_away ? NOBODY_ANSWERS : failure.message);
        is_told = true;
        await againAfter(signal);
        continue;
      }
    }
    out.note('any key opens the inbox again; filare-agents tmux --kill closes the whole view');
    await anyKey(context, signal);
  }
}

async function anyKey({ stdin }: CliContext, signal: AbortSignal): Promise<void> {
  stdin.setRawMode?.(true);
  await new Promise<void>((go_on) => {
    const pressed = (): void => {
      for (const name of ['data', 'end', 'error']) stdin.off(name, pressed);
      signal.removeEventListener('abort', pressed);
      go_on();
    };
    for (const name of ['data', 'end', 'error']) stdin.on(name, pressed);
    signal.addEventListener('abort', pressed);
    stdin.resume();
  });
  stdin.setRawMode?.(false);
  stdin.pause();
}
