/** What happens to containers, as the engine tells it. */
import { z } from 'zod';
import { FilareError } from '../../contract/errors.js';
import { ENGINE_CALL_MS } from '../engine.js';
import type { EngineEvent } from '../engine.js';
import type { Caller } from './call.js';
import { jsonLines } from './json-lines.js';
import { labelFilter } from './names.js';

const KINDS = ['start', 'die', 'oom', 'destroy', 'pause', 'unpause', 'stop', 'kill'] as const;
/** What the engine writes among the labels of an event. */
const NOT_LABELS = new Set(['image', 'name', 'exitCode', 'signal', 'execID', 'execDuration']);
const NANOSECONDS_PER_MS = 1_000_000;

const Message = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).nullish() }),
  timeNano: z.number(),
});

/**
 * Events from the moment the engine has answered the first `next()`; nothing before it is told again. Returns when the signal ends, throws
 * `engine_unavailable` when the engine goes away.
 */
export async function* containerEvents(
  caller: Caller,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent, void> {
  const what = 'follow the events of containers';
  const filters = JSON.stringify({ type: ['container'], label: labelFilter(labels) });
  try {
    const answer = await caller.stream({
      deadline_ms: ENGINE_CALL_MS,
      signal,
      what,
      method: 'GET',
      path: '/events',
      query: { filters },
    });
    for await (const message of jsonLines(caller.chunks(answer, what), Message, what)) {
      if (signal.aborted) return;
      yield eventOf(message);
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  if (signal.aborted) return;
  throw new FilareError({
    code: 'engine_unavailable',
    message: `the Docker Engine at ${caller.endpoint} ended its stream of events`,
    hint: 'look whether it still runs with `docker info`, start it with `scripts/setup`',
  });
}

function eventOf(message: z.infer<typeof Message>): EngineEvent {
  const attributes = message.Actor.Attributes ?? {};
  const kind = KINDS.find((known) => known === message.Action) ?? 'other';
  const exitCode = attributes['exitCode'];
  return {
    kind,
    container_id: message.Actor.ID,
    labels: Object.fromEntries(Object.entries(attributes).filter(([name]) => !NOT_LABELS.has(name))),
    ...(kind === 'die' && exitCode !== undefined ? { exit_code: Number(exitCode) } : {}),
    time_ms: Math.floor(message.timeNano / NANOSECONDS_PER_MS),
  };
}
