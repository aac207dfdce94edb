import { Option } from '@commander-js/extra-typings';
import { parseCount } from './duration.js';

/** The option `--max-parallel` of what starts agents. */
export function maxParallelOption(): Option<'--max-parallel <n>', undefined, undefined, number> {
  return new Option(
    '--max-parallel <n>',
    'begin each of them while fewer agents of the project than this run; the others wait in the queue',
  ).argParser((text) => parseCount(text, '--max-parallel', 1));
}
