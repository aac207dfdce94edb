/** Bridge networks. */
import { z } from 'zod';
import type { CallOptions, Engine } from '../engine.js';
import type { Caller } from './call.js';
import { orGone } from './gone.js';
import { limitOf } from './limit.js';
import { idSegment, labelFilter } from './names.js';
import { NetworkListAnswer } from './views.js';

/** Makes a bridge network; `internal` ones have no way out (a service of the host stays reachable through the gateway). */
export async function createNetwork(
  caller: Caller,
  request: Parameters<Engine['createNetwork']>[0],
  options?: CallOptions,
): Promise<{ readonly id: string }> {
  const answer = await caller.json(
    {
      ...limitOf(options),
      what: `create network ${request.name}`,
      method: 'POST',
      path: '/networks/create',
      body: {
        Name: idSegment(request.name),
        Driver: 'bridge',
        Internal: request.internal,
        Labels: { ...request.labels },
        // Without it, engines before 25 make a second network of the same name.
        CheckDuplicate: true,
      },
    },
    z.object({ Id: z.string() }),
  );
  return { id: answer.Id };
}

/** Networks with every label. */
export async function listNetworks(
  caller: Caller,
  labels: Readonly<Record<string, string>>,
  options?: CallOptions,
): ReturnType<Engine['listNetworks']> {
  const query = { filters: JSON.stringify({ label: labelFilter(labels) }) };
  return caller.json(
    { ...limitOf(options), what: 'list networks', method: 'GET', path: '/networks', query },
    NetworkListAnswer,
  );
}

/** Removes it; `conflict` while containers are in it. */
export async function removeNetwork(caller: Caller, id: string, options?: CallOptions): Promise<'removed' | 'gone'> {
  const path = `/networks/${idSegment(id)}`;
  return orGone('removed', () =>
    caller.done({ ...limitOf(options), what: `remove network ${id}`, method: 'DELETE', path }),
  );
}
