import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Bench } from './suite.js';
import { countSchema, type askSchema, type Counted } from './subscriber-words.js';
import type { z } from 'zod';

const PROGRAM = fileURLToPath(new URL('subscriber.ts', import.meta.url));

/** The subscriber's process, from here. */
export class Subscriber {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts it; resolves when it follows every session. */
  static async begin(bench: Bench, root: string, ids: readonly string[]): Promise<Subscriber> {
    const child = fork(PROGRAM, [root, ...ids], { execArgv: ['--import', 'tsx'] });
    bench.undo.add('subscriber', () => end(child));
    const subscriber = new Subscriber(child);
    await subscriber.#next();
    return subscriber;
  }

  /** Resolves with what came, once every session has had so many entries from now on. */
  async count(ask: z.input<typeof askSchema>): Promise<Counted> {
    this.#child.send(ask);
    return countSchema.parse(await this.#next());
  }

  #next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = (): void => {
        reject(new Error('the subscriber ended'));
      };
      this.#child.once('exit', ended);
      this.#child.once('message', (message) => {
        this.#child.off('exit', ended);
        resolve(message);
      });
    });
  }
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve();
      return;
    }
    child.once('exit', () => {
      resolve();
    });
    child.kill();
  });
}
