import { expect, test } from 'vitest';
import { Turns } from '../../../src/inbox/notify/turns.js';
import { never } from './samples.js';

/** Lets everything that is ready go. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('so many at once, one of a lane, first come first served, and nobody waits behind a taken lane', async () => {
  const turns = new Turns(2);
  const went: string[] = [];
  const releases = new Map<string, () => void>();
  const take = (name: string, lane: string): void => {
    void turns.take(lane, never()).then((release) => {
      went.push(name);
      releases.set(name, release);
    });
  };
  take('a1', 'a');
  take('a2', 'a');
  take('b1', 'b');
  take('c1', 'c');
  await settle();
  expect(went).toEqual(['a1', 'b1']);
  releases.get('b1')?.();
  await settle();
  expect(went).toEqual(['a1', 'b1', 'c1']);
  releases.get('a1')?.();
  await settle();
  expect(went).toEqual(['a1', 'b1', 'c1', 'a2']);
});

test('who no longer wants a turn takes none', async () => {
  const turns = new Turns(1);
  const release = await turns.take('a', never());
  const over = new AbortController();
  const waiting = turns.take('b', over.signal);
  over.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(turns.take('b', over.signal)).rejects.toThrow('enough');
  release();
  expect(await turns.take('c', never())).toBeTypeOf('function');
});
