import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionRow } from '../../src/contract/session.js';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import { run } from '../support/fleet-rig.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'bin', 'filare-agents.js');

describe('scripts/quickstart, without a terminal', () => {
  let project: string;
  let said: string;
  let engine: DockerEngine;

  beforeAll(async () => {
    engine = await DockerEngine.connect(process.env);
    project = await realpath(await mkdtemp(join(tmpdir(), 'filare-quickstart-')));
    const ran = await run(join(ROOT, 'scripts', 'quickstart'), ['--yes', '--dir', project], { cwd: ROOT });
    said = ran.stdout + ran.stderr;
    expect(ran.code, said).toBe(0);
  }, 300_000);

  afterAll(async () => {
    await run(process.execPath, [BIN, 'stop', '--all', '--project', project]);
    await run(process.execPath, [BIN, 'daemon', 'stop', '--project', project]);
    await rm(project, { recursive: true, force: true });
  }, 60_000);

  const rows = async (): Promise<SessionRow[]> => {
    const ran = await run(process.execPath, [BIN, 'list', '--json', '--project', project]);
    return JSON.parse(ran.stdout) as SessionRow[];
  };

  it('leaves three agents up, each idle on its own branch', async () => {
    expect((await rows()).map((row) => [row.role, row.phase, row.activity, row.branch])).toEqual(
      expect.arrayContaining([
        ['FEATURE', 'running', 'idle', 'agents/feature'],
        ['DOCUMENTATION', 'running', 'idle', 'agents/docs'],
        ['VALIDATOR', 'running', 'idle', 'agents/validator'],
      ]),
    );
  });

  it('each really edited, ran and committed', async () => {
    for (const row of await rows()) {
      const log = await engine.exec(row.container_id ?? '', {
        command: ['git', '-C', '/home/agent/workspace', 'log', '--format=%an', 'main..HEAD'],
      });
      expect(log.stdout, log.stderr).toContain(`${row.id} agent`);
      const transcript = await readFile(row.transcript, 'utf8');
      expect(transcript).toContain('"kind":"command"');
      expect(transcript).toContain('"kind":"file_change"');
    }
  });

  it('says what each did, where transcripts and branches are, and what to type next', async () => {
    for (const row of await rows()) {
      expect(said).toContain(row.transcript);
      expect(said).toContain(row.branch ?? 'no branch');
    }
    expect(said).toMatch(/\d+ commands?, \d+ file changes?/);
    expect(said).toContain('filare-agents send');
    expect(said).toContain('stop --all');
  });

  it('is quick and harmless a second time', async () => {
    const before = await rows();
    const again = await run(join(ROOT, 'scripts', 'quickstart'), ['--yes', '--dir', project], { cwd: ROOT });
    expect(again.code, again.stderr).toBe(0);
    expect((await rows()).map((row) => row.session_id)).toEqual(before.map((row) => row.session_id));
  }, 60_000);

  it('refuses what it does not know', async () => {
    const ran = await run(join(ROOT, 'scripts', 'quickstart'), ['--nonsense']);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('--nonsense');
  });
});
