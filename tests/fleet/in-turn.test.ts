import PQueue from 'p-queue';
import { describe, expect, it } from 'vitest';
import { inTurn } from '../../src/fleet/in-turn.js';

describe('a turn among those that launch', () => {
  it('is awaited to its end once it has begun, whatever its signal says: no launch goes on unseen', async () => {
    const queue = new PQueue({ concurrency: 1 });
    const stop = new AbortController();
    let finish: () => void = () => undefined;
    const order: string[] = [];
    const running = inTurn(
      queue,
      async () => {
        await new Promise<void>((resolve) => (finish = resolve));
        order.push('work is over');
        stop.signal.throwIfAborted();
      },
      stop.signal,
    ).catch(() => order.push('the caller is told'));
    await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual([]);
    finish();
    await running;
    expect(order).toEqual(['work is over', 'the caller is told']);
  });

  it('is given up while it is waited for', async () => {
    const queue = new PQueue({ concurrency: 1 });
    let finish: () => void = () => undefined;
    const first = inTurn(queue, () => new Promise<void>((resolve) => (finish = resolve)), new AbortController().signal);
    const stop = new AbortController();
    let began = false;
    const second = inTurn(queue, () => Promise.resolve((began = true)), stop.signal);
    stop.abort(new Error('stopped'));
    await expect(second).rejects.toThrow('stopped');
    finish();
    await first;
    expect(began).toBe(false);
    await expect(inTurn(queue, () => Promise.resolve(1), stop.signal)).rejects.toThrow('stopped');
  });
});
