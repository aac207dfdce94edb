import { fileURLToPath } from 'node:url';
import { main } from '../../src/cli/main.js';

// The command line from its source. `TEST_DAEMON` makes the fake daemon the one that it starts.
const fake = fileURLToPath(new URL('./fake-daemon-process.ts', import.meta.url));
const tsx = import.meta.resolve('tsx');
const code = await main(
  process.argv.slice(2),
  process.env['TEST_DAEMON'] === undefined
    ? {}
    : { daemon_command: [process.execPath, '--import', tsx, fake, process.cwd(), process.env['TEST_DAEMON']] },
);
process.exit(code);
