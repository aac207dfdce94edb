import { spawn } from 'node:child_process';
import { fakeFleet } from './fake-fleet.js';
import { PROGRAM } from './project.js';
import { median, ms, percentile } from './statistics.js';
import { judged, told, type Suite } from './suite.js';

const MAX_ADDED_MS = 150;
const SESSIONS = 10;

/** How long a command takes that only asks, over what Node itself needs. */
export const commandStart: Suite = {
  name: 'command',
  title: 'Command start: `filare-agents list --json` against `node -e 0`',
  run: async (bench) => {
    const { project } = await fakeFleet(bench, SESSIONS);
    const rounds = bench.quick ? 7 : 31;
    const list: number[] = [];
    const node: number[] = [];
    const command = [PROGRAM, 'list', '--json', '--project', project.paths.root];
    await timed(command);
    await timed(['-e', '0']);
    for (let round = 0; round < rounds; round += 1) {
      list.push(await timed(command));
      node.push(await timed(['-e', '0']));
      bench.signal.throwIfAborted();
    }
    const added = median(list) - median(node);
    return {
      rows: [
        judged('`list --json` over `node -e 0`, medians', `+${ms(added)}`, {
          text: `≤ +${MAX_ADDED_MS} ms`,
          met: added <= MAX_ADDED_MS,
        }),
        told(
          `\`filare-agents list --json\`, p50 / p90 of ${rounds}`,
          `${ms(median(list))} / ${ms(percentile(list, 0.9))}`,
        ),
        told(`\`node -e 0\`, p50 / p90 of ${rounds}`, `${ms(median(node))} / ${ms(percentile(node, 0.9))}`),
      ],
      method: [
        `From starting the process to its end with its output read, in turn with a Node that does nothing. The daemon runs and has ${SESSIONS} sessions.`,
      ],
      raw: { list_ms: list, node_ms: node },
    };
  },
};

/** Milliseconds from the start of a Node process to its end; fails when it did. */
function timed(args: readonly string[]): Promise<number> {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.resume();
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(performance.now() - begin);
      else reject(new Error(`${args.join(' ')} ended with exit status ${String(code)}`));
    });
  });
}
