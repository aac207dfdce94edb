import { FilareError } from '../contract/errors.js';
import type { ContainerView } from '../engine/engine.js';
import { containerOf } from './apply.js';
import type { Sight } from './sight.js';
import type { SessionState } from './state.js';
import type { SessionSurroundings } from './surroundings.js';

/** What seeing a container needs of its session. */
export interface ContainerSightContext {
  readonly around: SessionSurroundings;
  readonly state: () => SessionState;
  readonly sight: Sight;
  /** Ends the step under way: its container is no more. */
  readonly endStep: (cause: FilareError) => void;
  readonly nudge: () => void;
  readonly say: (text: string) => void;
}

/**
 * Takes in what the engine says of the session's container now; `null`: it was not in the list, which is believed once the engine says it of this id.
 * `with_engine`: one that has ended since the last look ended with the engine.
 */
export function observeContainer(
  context: ContainerSightContext,
  container: ContainerView | null,
  with_engine: boolean,
): void {
  const ref = containerOf(context.state().stage);
  if (ref === null || (container !== null && container.id !== ref.id)) return;
  if (container === null) {
    // A list takes a while, and this container may have been made meanwhile: ask for it by its id before believing.
    void confirmAbsent(context, ref.id);
    return;
  }
  see(context, container, with_engine);
}

async function confirmAbsent(context: ContainerSightContext, container_id: string): Promise<void> {
  try {
    const found = await context.around.engine.inspect(container_id);
    if (containerOf(context.state().stage)?.id === container_id) see(context, found ?? null, false);
  } catch (failure) {
    context.around.log.warn(
      { session_id: context.state().session_id, err: failure },
      'the engine did not say whether a container is gone; the next look asks again',
    );
  }
}

function see(context: ContainerSightContext, container: ContainerView | null, with_engine: boolean): void {
  // On its way out it is neither alive nor gone: the next look says which.
  if (container?.state === 'removing') return;
  const alive = container !== null && container.state !== 'exited' && container.state !== 'dead';
  const before = context.sight.now.container;
  const was_paused = before.state === 'paused';
  context.sight.see({
    container:
      container === null
        ? { state: 'absent' }
        : alive
          ? { state: container.state === 'paused' ? 'paused' : 'alive' }
          : {
              state: 'exited',
              exit_code: container.exit_code ?? null,
              out_of_memory: container.oom_killed,
              with_engine: before.state === 'exited' ? before.with_engine : with_engine,
            },
  });
  const is_paused = context.sight.now.container.state === 'paused';
  if (is_paused !== was_paused) {
    context.say(
      is_paused
        ? 'its container was paused by someone else; nothing reaches the agent until it goes on'
        : 'its container goes on',
    );
  }
  if (alive) return;
  if (context.state().stage.phase === 'starting') {
    const how =
      container === null
        ? 'was removed by someone else'
        : `ended with exit status ${String(container.exit_code ?? 'unknown')}${container.oom_killed ? ' (out of memory)' : ''}`;
    context.endStep(new FilareError({ code: 'bad_state', message: `its container ${how} before it was ready` }));
  }
  context.nudge();
}
