import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NotifyWay } from '../../../src/contract/agent-spec.js';
import { PROMPT_OUTCOMES } from '../../../src/contract/session.js';
import { NOTIFY_EVENTS, notificationSchema } from '../../../src/inbox/notify/notification.js';
import { notifyAll } from '../../../src/inbox/notify/notify-all.js';
import { TestProject } from '../../manifest/project.js';
import { machine, never, sampleNotification, until } from './samples.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(join(root, 'docs/notifications.md'), 'utf8');
const block = (language: string): string => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? '';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'notify-docs-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('the document on the page is what is sent', () => {
  const shown: unknown = JSON.parse(block('json'));
  expect(notificationSchema.parse(shown)).toEqual(sampleNotification());
  for (const word of [...NOTIFY_EVENTS, ...PROMPT_OUTCOMES, ...Object.keys(notificationSchema.shape)]) {
    expect(page).toContain(`\`${word}\``);
  }
});

/** The ways that the manifest on the page names. */
async function waysOnPage(): Promise<readonly NotifyWay[]> {
  using project = new TestProject();
  project.write('configs/agents/webhook.secret', 'whsec_c2VjcmV0\n');
  const { loaded, mistakes } = await project.loadText(block('yaml'));
  expect([mistakes, loaded?.warnings]).toEqual([[], []]);
  return loaded?.agents[0]?.escalation.notify ?? [];
}

test('the manifest on the page loads', async () => {
  expect((await waysOnPage()).map((way) => Object.keys(way)[0])).toEqual(['desktop', 'webhook', 'command']);
});

test('the receiver on the page takes what is signed, once, and refuses what is forged', async () => {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'receiver.mjs'), block('js'));
  const made = spawnSync('sh', ['-c', block('sh').replace('configs/agents/', '')], { cwd: folder });
  expect(made.status).toBe(0);
  const secret_file = join(folder, 'webhook.secret');
  const port = await freePort();
  const receiver = spawn(process.execPath, ['receiver.mjs'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], PORT: String(port), SECRET_FILE: secret_file },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let said = '';
    receiver.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const url = `http://127.0.0.1:${port}/`;
    await until(
      () =>
        fetch(url).then(
          ({ status }) => status === 401,
          () => false,
        ),
      'the receiver answers',
    );
    const send = (secret: string) =>
      notifyAll(sampleNotification(), [{ webhook: url, secret_file: secret }], {
        project_root: folder,
        signal: never(),
      });
    writeFileSync(join(folder, 'other'), 'whsec_b3RoZXI=');
    expect(await send(join(folder, 'other'))).toMatchObject([{ outcome: 'failed', error_kind: 'http_401' }]);
    expect(await send(secret_file)).toMatchObject([{ outcome: 'sent' }]);
    expect(await send(secret_file)).toMatchObject([{ outcome: 'sent' }]);
    expect(said).toBe('prompt.opened "run npm install left-pad"\n');
  } finally {
    receiver.kill('SIGKILL');
  }
});

const has_jq = spawnSync('jq', ['--version']).status === 0;
test.skipIf(!has_jq)(
  'the command on the page mails what was asked, and no line of it is an order to the mail program',
  async () => {
    writeFileSync(join(folder, 'mail'), `#!/bin/sh\nprintf '%s\\n' "$@" > ${folder}/argv\ncat > ${folder}/body\n`);
    chmodSync(join(folder, 'mail'), 0o755);
    const outcomes = await notifyAll(
      sampleNotification({ summary: 'fine\n~!touch /tmp/pwned\n~r /etc/passwd' }),
      (await waysOnPage()).filter((way) => 'command' in way),
      { project_root: folder, signal: never() },
      machine({ env: { PATH: `${folder}:${process.env['PATH'] ?? ''}` } }),
    );
    expect(outcomes).toMatchObject([{ outcome: 'sent', tries: 1 }]);
    expect(readFileSync(join(folder, 'argv'), 'utf8')).toBe('-s\nfarewell prompt.opened\nsam@example.com\n');
    const body = readFileSync(join(folder, 'body'), 'utf8');
    expect(JSON.parse(body)).toEqual({ agent: 'farewell', asks: 'fine\n~!touch /tmp/pwned\n~r /etc/passwd' });
    for (const line of body.trimEnd().split('\n')) expect(line).toMatch(/^[{} ]/);
  },
);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
