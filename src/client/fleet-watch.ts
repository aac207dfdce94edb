import { promptSchema, sessionRowSchema, type Prompt, type SessionRow } from '../contract/session.js';
import { readEventStream } from './event-stream.js';
import { STREAM_PATHS } from './route-paths.js';

/**
 * One change anywhere in the fleet. Every row comes once at the start. `lost`: the connection broke, and another is tried. `reconnected`: changes may have
 * been missed, also by being slow; what counts is to be read anew.
 */
export type FleetEvent =
  | { readonly type: 'row'; readonly row: SessionRow }
  | { readonly type: 'prompt'; readonly prompt: Prompt }
  | { readonly type: 'prompt_closed'; readonly prompt_id: string | null }
  | { readonly type: 'lost' }
  | { readonly type: 'reconnected' };

/** The changes of all sessions, over any number of broken connections, until the signal ends (its reason is thrown). */
export async function* watchFleet(socket: string, signal: AbortSignal): AsyncGenerator<FleetEvent, void, undefined> {
  const stream = readEventStream({ socket, path: STREAM_PATHS.fleetEvents.path, signal, resume: () => ({}) });
  for await (const event of stream) {
    if (!('data' in event)) {
      yield { type: event.event };
      continue;
    }
    if (event.event === 'resync') {
      yield { type: 'reconnected' };
      continue;
    }
    const data: unknown = JSON.parse(event.data);
    if (event.event === 'row') yield { type: 'row', row: sessionRowSchema.parse(data) };
    else if (event.event === 'prompt') yield { type: 'prompt', prompt: promptSchema.parse(data) };
    else if (event.event === 'prompt_closed') yield { type: 'prompt_closed', prompt_id: promptId(data) };
  }
}

function promptId(data: unknown): string | null {
  if (typeof data === 'string') return data;
  if (typeof data !== 'object' || data === null || !('prompt_id' in data)) return null;
  return typeof data.prompt_id === 'string' ? data.prompt_id : null;
}
