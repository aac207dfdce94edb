// The daemon as it is built, but for one thing: a transcript of a few kilobytes counts as large enough to be rotated, so that a golden folder holds
// segments and stays small. Run by tests/golden/make.ts: rotating-daemon.mjs ROOT
import { ROTATE_BYTES } from '../../dist/session/rotation.js';
import { TranscriptStore } from '../../dist/transcript/store.js';

const LARGE_BYTES = 6 * 1024;

const { get } = Object.getOwnPropertyDescriptor(TranscriptStore.prototype, 'bytes');
Object.defineProperty(TranscriptStore.prototype, 'bytes', {
  get() {
    const bytes = get.call(this);
    return bytes < LARGE_BYTES ? bytes : bytes + ROTATE_BYTES;
  },
});

const { main } = await import('../../dist/cli/main.js');
process.exit(await main(['daemon', 'run', '--json', '--project', process.argv[2]]));
