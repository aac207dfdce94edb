import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import type { SessionRow } from '../../src/contract/session.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const run = promisify(execFile);
const MODEL_KEY = 'sk-canary-model-7f3a9c2e5b';
const TOKEN = 'canary-token-41d8e0b7';
const REHEARSAL = `
parts:
  - text: show the environment
    do:
      - run: env; cat /proc/1/environ /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; echo the token is "$SERVICE_TOKEN"
      - say: shown
  - text: try to read the key
    do:
      - run: find / -xdev -type f -newer /etc/passwd 2>/dev/null | head -1000; ls -la /run/filare; ssh-add -l; grep -rl "PRIVATE KEY" /home /run /tmp /io /etc 2>/dev/null; true
      - say: tried
`;

describe('secrets of an agent', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  let row: SessionRow;
  let key_text: string;

  beforeAll(async () => {
    rig = await FleetRig.make({
      'configs/agents/a.yml':
        'id: keeper\nrole: FEATURE\nresources: { cpus: 1, memory: 256m, pids: 256 }\nescalation: { approvals: approve }\nenv_file: ../../agent.env\nssh_key: ../../id_test\n',
    });
    await rig.write('agent.env', `OPENAI_API_KEY=${MODEL_KEY}\nSERVICE_TOKEN=${TOKEN}\n`, 0o600);
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', join(rig.root, 'id_test')]);
    key_text = await readFile(join(rig.root, 'id_test'), 'utf8');
    fleet = await rig.fleet();
    const [first] = await rig.start(fleet, REHEARSAL);
    if (first === undefined) throw new Error('nothing started');
    row = first;
    await fleet.send('keeper', 'show the environment', { wait_ms: 60_000 });
    await fleet.send('keeper', 'try to read the key', { wait_ms: 60_000 });
  }, 180_000);

  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  const bodyOfKey = (): string => key_text.split('\n').slice(1, 3).join('\n');

  it('a variable of the env file reaches commands, the model’s key does not', async () => {
    const entries = await rig.transcript(row.transcript);
    const output = String(entries.find((e) => e.kind === 'command')?.data?.['output']);
    expect(output).toContain('the token is [masked:SERVICE_TOKEN]');
    expect(output).not.toContain('OPENAI_API_KEY');
    expect(output).not.toContain(MODEL_KEY);
  });

  it('are in no place where people or the engine look', async () => {
    const inspected = await rig.engine.exec(row.container_id ?? '', { command: ['true'] });
    expect(inspected.exit_code).toBe(0);
    const { stdout } = await run('curl', [
      '-s',
      '--unix-socket',
      '/var/run/docker.sock',
      `http://engine/containers/${row.container_id ?? ''}/json`,
    ]);
    const shown = [
      stdout,
      await readFile(row.transcript, 'utf8'),
      await readFile(join(row.transcript, '..', 'ledger.jsonl'), 'utf8'),
      await readFile(join(row.transcript, '..', 'state.json'), 'utf8'),
      await readFile(rig.paths.daemon_log, 'utf8'),
      await readFile(rig.paths.ledger, 'utf8'),
      (await rig.cli(['describe', 'keeper', '--json'])).stdout,
      (await rig.cli(['tail', 'keeper', '--lines', '1000'])).stdout,
      (await rig.cli(['start', '--dry-run', '--json'])).stdout,
      await commandLines(),
      await rig.engine.logs(row.container_id ?? '', 1_000_000),
    ].join('\n');
    for (const secret of [MODEL_KEY, TOKEN, Buffer.from(TOKEN).toString('base64'), bodyOfKey()])
      expect(shown).not.toContain(secret);
  });

  it('the SSH key is usable and is no file of the container', async () => {
    const entries = await rig.transcript(row.transcript);
    const output = String(entries.filter((e) => e.kind === 'command').at(-1)?.data?.['output']);
    expect(output).toContain('ED25519');
    expect(output).not.toContain('PRIVATE KEY');
    const files = await rig.engine.exec(row.container_id ?? '', {
      command: [
        '/bin/bash',
        '-c',
        `grep -rIl -- "PRIVATE KEY-----" /home /run /tmp /io /etc /opt/filare 2>/dev/null; true`,
      ],
    });
    expect(files.stdout).toBe('');
  });

  it('are gone from the disk and from processes after stop', async () => {
    await fleet.stop('keeper');
    await eventually('the container is gone', async () => !(await rig.containers()).includes(row.container_name ?? ''));
    for (const path of await filesBelow(rig.root)) {
      if (path.endsWith('/agent.env') || path.endsWith('/id_test')) continue;
      const text = await readFile(path, 'utf8').catch(() => '');
      expect(text.includes(MODEL_KEY), path).toBe(false);
      expect(text.includes(bodyOfKey()), path).toBe(false);
      // What the agent itself printed stands in its own journal and Codex home, exact and private.
      if (!path.includes('/journal/') && !path.includes('/codex/')) expect(text.includes(TOKEN), path).toBe(false);
    }
  });
});

async function commandLines(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.join('\n');
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
