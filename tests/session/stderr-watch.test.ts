import { appendFile, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { historyFailure } from '../../src/codex/history-failure.js';
import { STDERR_LOOK_BYTES, StderrWatch } from '../../src/session/stderr-watch.js';

/** As Codex 0.169 writes it, colours and all. */
const FULL =
  '\u001b[2m2030-01-01T00:00:00Z\u001b[0m \u001b[31mERROR\u001b[0m \u001b[2mcodex_core::session\u001b[0m\u001b[2m:\u001b[0m failed to record rollout items: thread-store internal error: No space left on device (os error 28)\n';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-stderr-'));
  path = join(folder, 'err');
});
afterEach(() => rm(folder, { recursive: true }));

describe('what Codex says on its standard error of its history', () => {
  it.each([
    [FULL, 'no space is left'],
    [
      'ERROR codex_rollout::recorder: rollout writer failed for /x.jsonl; buffered rollout items will be retried: Read-only file system (os error 30)\n',
      'it can only be read',
    ],
    ['failed to record rollout items: Permission denied (os error 13)', 'it may not be written'],
    ['failed to record rollout items: something new', 'it cannot be written'],
    ['the model said: No space left on device', null],
    ['', null],
  ])('%j', (text, reason) => {
    expect(historyFailure(text)).toBe(reason);
  });
});

describe('a look at the standard error', () => {
  it('finds what is new, once', async () => {
    await writeFile(path, 'harmless\n');
    const watch = StderrWatch.ofBeginning(path);
    expect(await watch.look()).toBeNull();
    await appendFile(path, FULL);
    expect(await watch.look()).toBe('no space is left');
    expect(await watch.look()).toBeNull();
  });

  it('reads of a flood only the end', async () => {
    await writeFile(path, `${FULL}${'x'.repeat(STDERR_LOOK_BYTES)}\n`);
    expect(await StderrWatch.ofBeginning(path).look()).toBeNull();
    await writeFile(path, `${'x'.repeat(10 * STDERR_LOOK_BYTES)}\n${FULL}`);
    expect(await StderrWatch.ofBeginning(path).look()).toBe('no space is left');
  });

  it('takes a file that is gone, or was cut, for no finding', async () => {
    const watch = StderrWatch.ofBeginning(path);
    expect(await watch.look()).toBeNull();
    await writeFile(path, 'a long line of something else\n'.repeat(100));
    expect(await watch.look()).toBeNull();
    await writeFile(path, FULL);
    expect(await watch.look()).toBe('no space is left');
  });

  it('of an attempt that is taken up counts what was said when it was last seen, and not what is past', async () => {
    await writeFile(path, FULL);
    const said = new Date('2030-01-01T00:00:00Z');
    await utimes(path, said, said);
    const recent = await StderrWatch.ofRunning(path, said.getTime() + 1_000);
    expect(await recent.look()).toBe('no space is left');
    const past = await StderrWatch.ofRunning(path, said.getTime() + 60_000);
    expect(await past.look()).toBeNull();
    await appendFile(path, FULL);
    expect(await past.look()).toBe('no space is left');
  });
});
