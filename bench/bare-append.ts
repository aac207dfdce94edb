import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppendLog } from '../src/ledger/append-log.js';

const RECORD_CHARS = 280;

/** Times of durable records, one after the other, and of the same bytes written and synced with nothing around it, in turn. */
export async function appendRatio(
  count: number,
): Promise<{ readonly ours_ms: readonly number[]; readonly bare_ms: readonly number[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'filare-bench-append-'));
  const bare = await open(join(folder, 'bare'), 'a');
  const { log } = await AppendLog.open(join(folder, 'ours.jsonl'));
  try {
    const ours_ms: number[] = [];
    const bare_ms: number[] = [];
    for (let n = -20; n < count; n += 1) {
      const record = { n, text: 'x'.repeat(RECORD_CHARS) };
      const begin = performance.now();
      await log.append(record);
      const middle = performance.now();
      await bare.write(`${JSON.stringify(record)}\n`);
      await bare.datasync();
      const end = performance.now();
      if (n < 0) continue;
      ours_ms.push(middle - begin);
      bare_ms.push(end - middle);
    }
    return { ours_ms, bare_ms };
  } finally {
    await log.close();
    await bare.close();
    await rm(folder, { recursive: true, force: true });
  }
}
