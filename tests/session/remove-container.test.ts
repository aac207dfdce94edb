import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FilareError, type ErrorCode } from '../../src/contract/errors.js';
import type { ContainerView } from '../../src/engine/engine.js';
import { ProjectLedger } from '../../src/ledger/project-ledger.js';
import { REMOVE_AGAIN_MS, removeContainer, type RemovalSurroundings } from '../../src/session/remove-container.js';

const CONTAINER = { id: 'c1', name: 'filare-one-1' };

describe('the removal of a container', () => {
  let folder: string;
  let resources: ProjectLedger;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'filare-removal-'));
    resources = await ProjectLedger.load(join(folder, 'ledger.jsonl'));
    await resources.opened(await resources.intend({ kind: 'container', name: CONTAINER.name }));
    await resources.opened(await resources.intend({ kind: 'secret', name: `ssh key in ${CONTAINER.name}` }));
  });
  afterEach(async () => {
    await resources.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** An engine that refuses so many removals, and then says that the container is in this state. */
  function around(
    refusals: number,
    code: ErrorCode,
    state: ContainerView['state'] = 'exited',
  ): RemovalSurroundings & { asked(): number } {
    let asked = 0;
    const engine = {
      remove: () => {
        asked += 1;
        return asked <= refusals
          ? Promise.reject(new FilareError({ code, message: 'device busy' }))
          : Promise.resolve('removed');
      },
      inspect: () => Promise.resolve({ state }),
    };
    // Only what a removal calls.
    return {
      engine: engine as unknown as RemovalSurroundings['engine'],
      resources,
      log: pino({ level: 'silent' }),
      asked: () => asked,
    };
  }

  it('closes it and what was handed to it, after a refusal too', async () => {
    expect(await removeContainer(around(1, 'unexpected'), CONTAINER)).toBe(true);
    expect(resources.balance()).toMatchObject({ open: 0, closed: 2 });
  });

  it('that the engine refuses again and again fails nobody when the container has ended: it stays in the book', async () => {
    const refusing = around(100, 'unexpected');
    expect(await removeContainer(refusing, CONTAINER)).toBe(false);
    expect(refusing.asked()).toBe(REMOVE_AGAIN_MS.length + 1);
    expect(resources.balance()).toMatchObject({ open: 2, closed: 0 });
  });

  it('is never called done for one that runs, or while the engine does not answer', async () => {
    await expect(removeContainer(around(100, 'unexpected', 'running'), CONTAINER)).rejects.toMatchObject({
      message: 'device busy',
    });
    const silent = around(100, 'engine_unavailable');
    await expect(removeContainer(silent, CONTAINER)).rejects.toMatchObject({ code: 'engine_unavailable' });
    expect(silent.asked()).toBe(1);
    expect(resources.balance()).toMatchObject({ open: 2 });
  });
});
