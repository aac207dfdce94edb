import { describe, expect, it } from 'vitest';
import { FleetView, type ViewChange } from '../../src/cli/fleet-view.js';
import type { Fleet } from '../../src/client/fleet.js';
import type { FleetEvent } from '../../src/client/fleet-watch.js';
import { DaemonUnreachable } from '../../src/client/http-request.js';

const gone = (): DaemonUnreachable => new DaemonUnreachable('/nowhere', 'ECONNREFUSED', undefined);

/** A fleet whose daemon stays away so long that the stream gives up, and is back after that. */
function leaving(): Fleet {
  let streams = 0;
  const fleet: Pick<Fleet, 'sessions' | 'watch'> = {
    sessions: () => Promise.resolve([]),
    // eslint-disable-next-line @typescript-eslint/require-await
    async *watch(): AsyncGenerator<FleetEvent, void, undefined> {
      streams += 1;
      yield { type: 'lost' };
      if (streams === 1) throw gone();
      yield { type: 'reconnected' };
    },
  };
  return fleet as Fleet;
}

async function changesOf(patient: boolean): Promise<ViewChange[]> {
  const view = await FleetView.open(leaving(), false);
  const seen: ViewChange[] = [];
  const options = { signal: new AbortController().signal, tick_ms: 60_000, patient };
  for await (const change of view.changes(options)) seen.push(change);
  return seen;
}

describe('a view whose daemon stays away', () => {
  it('waits for it where somebody looks on, and reads everything anew', async () => {
    expect(await changesOf(true)).toEqual(['all', 'lost', 'all', 'lost', 'all']);
  });

  it('fails elsewhere, as every stream does', async () => {
    await expect(changesOf(false)).rejects.toThrow(DaemonUnreachable);
  });
});
