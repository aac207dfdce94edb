/** Reads journals with nothing around it: chunks, lines, JSON. Says how many lines there were and how long it took. */
import { readFileSync } from 'node:fs';

const paths = process.argv.slice(2);
const begin = performance.now();
let lines = 0;
for (const path of paths) {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '') continue;
    JSON.parse(line);
    lines += 1;
  }
}
process.send?.({ lines, took_ms: performance.now() - begin });
