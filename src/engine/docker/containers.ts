/** The life of a container, call by call. Names are the engine contract's; see ../engine.ts. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { FilareError } from '../../contract/errors.js';
import { ENGINE_CALL_MS } from '../engine.js';
import type { CallOptions, ContainerRequest, ContainerView } from '../engine.js';
import { TextTail } from './bounded-text.js';
import type { Caller } from './call.js';
import { describeCreate } from './create-request.js';
import { frameSplitter } from '../../contract/output-frames.js';
import { orGone, unlessMissing } from './gone.js';
import { limitOf, withLimit } from './limit.js';
import type { Limit } from './limit.js';
import { idSegment, labelFilter } from './names.js';
import { ContainerAnswer, containerView } from './views.js';

const INSPECT_AT_ONCE = 8;
const REMOVAL_POLL_MS = 50;

const CreateAnswer = z.object({ Id: z.string(), Warnings: z.array(z.string()).nullish() });

/** Creates it; see `describeCreate` for what is sent. */
export async function createContainer(
  caller: Caller,
  request: ContainerRequest,
  options?: CallOptions,
): Promise<{ readonly id: string; readonly warnings: readonly string[] }> {
  const answer = await caller.json(
    {
      ...limitOf(options),
      what: `create container ${request.name}`,
      method: 'POST',
      path: '/containers/create',
      query: { name: idSegment(request.name) },
      body: describeCreate(request),
    },
    CreateAnswer,
  );
  return { id: answer.Id, warnings: answer.Warnings ?? [] };
}

/** Starts it; a container that runs already is left alone. */
export async function startContainer(caller: Caller, id: string, options?: CallOptions): Promise<void> {
  const path = `/containers/${idSegment(id)}/start`;
  await caller.done({ ...limitOf(options), what: `start container ${id}`, method: 'POST', path });
}

/** TERM, then KILL after `grace_ms`, which the engine counts in whole seconds: rounded up. The deadline comes on top of the grace. */
export async function stopContainer(
  caller: Caller,
  id: string,
  grace_ms: number,
  options?: CallOptions,
): Promise<'stopped' | 'gone'> {
  return orGone('stopped', () =>
    caller.done({
      ...limitOf(options, grace_ms + ENGINE_CALL_MS),
      what: `stop container ${id}`,
      method: 'POST',
      path: `/containers/${idSegment(id)}/stop`,
      query: { t: String(Math.ceil(grace_ms / 1000)) },
    }),
  );
}

/** Sends the signal; a container that does not run has nobody to take it: `gone`. */
export async function killContainer(
  caller: Caller,
  id: string,
  signal: string,
  options?: CallOptions,
): Promise<'sent' | 'gone'> {
  try {
    return await orGone('sent', () =>
      caller.done({
        ...limitOf(options),
        what: `send ${signal} to container ${id}`,
        method: 'POST',
        path: `/containers/${idSegment(id)}/kill`,
        query: { signal },
      }),
    );
  } catch (error) {
    if (error instanceof FilareError && error.code === 'bad_state') return 'gone';
    throw error;
  }
}

/** Removes it by force with its anonymous volumes. When someone else is removing it, waits until that is done. */
export async function removeContainer(caller: Caller, id: string, options?: CallOptions): Promise<'removed' | 'gone'> {
  const what = `remove container ${id}`;
  return withLimit(caller.site(what), limitOf(options), async (signal) => {
    const limit = { deadline_ms: undefined, signal };
    try {
      return await orGone('removed', () =>
        caller.done({
          ...limit,
          what,
          method: 'DELETE',
          path: `/containers/${idSegment(id)}`,
          query: { force: '1', v: '1' },
        }),
      );
    } catch (error) {
      if (!(error instanceof FilareError && /already in progress/i.test(error.message))) throw error;
      while ((await inspectWithin(caller, id, limit)) !== undefined)
        await delay(REMOVAL_POLL_MS, undefined, { signal });
      return 'removed';
    }
  });
}

/** What the engine says of it, or `undefined` when there is none. */
export async function inspectContainer(
  caller: Caller,
  id: string,
  options?: CallOptions,
): Promise<ContainerView | undefined> {
  return inspectWithin(caller, id, limitOf(options));
}

async function inspectWithin(caller: Caller, id: string, limit: Limit): Promise<ContainerView | undefined> {
  return unlessMissing(async () => {
    const path = `/containers/${idSegment(id)}/json`;
    const call = { ...limit, what: `inspect container ${id}`, method: 'GET', path } as const;
    return containerView(await caller.json(call, ContainerAnswer));
  });
}

/** Containers with every label. Each is inspected, because the engine's list knows no exit code; those that vanish meanwhile are left out. */
export async function listContainers(
  caller: Caller,
  labels: Readonly<Record<string, string>>,
  options?: CallOptions,
): Promise<readonly ContainerView[]> {
  const what = 'list containers';
  const filters = JSON.stringify({ label: labelFilter(labels) });
  return withLimit(caller.site(what), limitOf(options), async (signal) => {
    const limit = { deadline_ms: undefined, signal };
    const found = await caller.json(
      { ...limit, what, method: 'GET', path: '/containers/json', query: { all: '1', filters } },
      z.array(z.object({ Id: z.string() })),
    );
    const views: ContainerView[] = [];
    for (let at = 0; at < found.length; at += INSPECT_AT_ONCE) {
      const some = found.slice(at, at + INSPECT_AT_ONCE);
      const inspected = await Promise.all(some.map(({ Id }) => inspectWithin(caller, Id, limit)));
      views.push(...inspected.filter((view) => view !== undefined));
    }
    return views;
  });
}

/** Waits until it does not run; without a deadline unless one is given. */
export async function waitForContainer(
  caller: Caller,
  id: string,
  options?: CallOptions,
): Promise<{ readonly exit_code: number }> {
  const answer = await caller.json(
    {
      deadline_ms: options?.deadline_ms,
      signal: options?.signal,
      what: `wait for container ${id}`,
      method: 'POST',
      path: `/containers/${idSegment(id)}/wait`,
      query: { condition: 'not-running' },
    },
    z.object({ StatusCode: z.number() }),
  );
  return { exit_code: answer.StatusCode };
}

/** The last `max_bytes` of its output and errors, in the order the engine got them. */
export async function containerLogs(
  caller: Caller,
  id: string,
  max_bytes: number,
  options?: CallOptions,
): Promise<string> {
  const what = `read the log of container ${id}`;
  const query = { stdout: '1', stderr: '1', follow: '0' };
  const call = { ...limitOf(options), what, method: 'GET', path: `/containers/${idSegment(id)}/logs`, query } as const;
  return caller.exchange(call, async (answer) => {
    const tail = new TextTail(max_bytes);
    const split = frameSplitter((_kind, bytes) => tail.push(bytes));
    for await (const chunk of caller.chunks(answer, what)) split(chunk);
    return tail.text();
  });
}

const TopAnswer = z.object({ Processes: z.array(z.array(z.string())).nullish() });

/** Its processes as the host sees them; none when it does not run. */
export async function containerProcesses(
  caller: Caller,
  id: string,
  options?: CallOptions,
): Promise<readonly { readonly pid: number; readonly command: string }[]> {
  const path = `/containers/${idSegment(id)}/top`;
  const query = { ps_args: '-o pid,args' };
  const call = { ...limitOf(options), what: `list processes of container ${id}`, method: 'GET', path, query } as const;
  try {
    const answer = await caller.json(call, TopAnswer);
    return (answer.Processes ?? []).map(([pid, command]) => ({ pid: Number(pid), command: command ?? '' }));
  } catch (error) {
    if (error instanceof FilareError && error.code === 'bad_state') return [];
    throw error;
  }
}
