import { readFile, rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { isPlan, type Plan } from './plan.js';
import { startRehearsalServer } from './server.js';

/**
 * `node main.js --script FILE (--port N [--host ADDRESS] | --socket PATH) [--log]`: plays a compiled script until SIGTERM or SIGINT.
 * Standard output gets one line of JSON when it listens and, with `--log`, one for each request. Exit 2: wrong arguments or script.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      script: { type: 'string' },
      port: { type: 'string' },
      host: { type: 'string' },
      socket: { type: 'string' },
      log: { type: 'boolean', default: false },
    },
  });
  const { script, host, socket } = values;
  const port = values.port === undefined ? undefined : Number(values.port);
  if (script === undefined) throw new Error('--script FILE is missing');
  if (port === undefined && socket === undefined) throw new Error('--port N or --socket PATH is missing');
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw new Error('--port takes a number from 0 to 65535');
  const plan = await readPlan(script);
  if (socket !== undefined) await rm(socket, { force: true });

  const server = await startRehearsalServer({ plan, port, host, socket, log: values.log ? writeLine : undefined });
  const stop = (): void => {
    void server.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  writeLine({
    listening: true,
    ...(server.port === undefined ? {} : { port: server.port }),
    ...(socket === undefined ? {} : { socket }),
  });
}

async function readPlan(file: string): Promise<Plan> {
  const plan: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (!isPlan(plan)) throw new Error(`${file} is not a script compiled for this server`);
  return plan;
}

function writeLine(record: unknown): void {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}

process.stdout.on('error', () => undefined);
main().catch((error: unknown) => {
  process.stderr.write(`rehearsal: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
});
