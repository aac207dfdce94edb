import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { BenchProject } from './project.js';

/** A line into a pipe, read at its other end, written to a file, and read there: the floor of the transport itself. */
export async function bareFifo(project: BenchProject, count: number): Promise<readonly number[]> {
  const path = join(project.paths.state, 'bench-fifo');
  execFileSync('mkfifo', [path]);
  const reader = new Socket({
    fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  });
  const writer = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const out = openSync(join(project.paths.state, 'bench-out'), 'w+');
  const samples: number[] = [];
  const back = Buffer.alloc(4096);
  let position = 0;
  for (let n = 0; n < count; n += 1) {
    const begin = performance.now();
    const came = new Promise<Buffer>((resolve) => reader.once('data', resolve));
    writeSync(writer, `{"id":${n},"method":"turn/start"}\n`);
    const line = await came;
    writeSync(out, line);
    position += readSync(out, back, 0, line.length, position);
    samples.push(performance.now() - begin);
  }
  reader.destroy();
  closeSync(writer);
  closeSync(out);
  return samples;
}
