import { chown, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findJust } from '../../src/catalogue/find-just.js';
import { containerUser, isRootCaller } from '../../src/workspace/container-user.js';
import { HAS_TMUX, TmuxTerminal } from '../cli/tmux.js';
import { eventually, FleetRig, run, type Ran } from '../support/fleet-rig.js';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const KEY = 'sk-not-a-real-key-4711';

describe('a container without the daemon', () => {
  let rig: FleetRig;
  let workspace: string;
  let env: NodeJS.ProcessEnv;
  const just = (...args: readonly string[]): Promise<Ran> =>
    run(findJust(process.env)[0] ?? 'just', ['--justfile', join(REPOSITORY, 'justfile'), ...args], {
      cwd: rig.root,
      env,
    });
  const left = async (): Promise<string[]> => [...(await rig.containers()), ...(await readdir(join(rig.root, 'tmp')))];

  beforeAll(async () => {
    rig = await FleetRig.make({ 'agent.env': `COLOUR=deep blue\nOPENAI_API_KEY=${KEY}\n` });
    workspace = join(rig.root, 'my $work');
    await mkdir(workspace);
    const { uid, gid } = containerUser();
    if (isRootCaller()) await chown(workspace, uid, gid);
    await mkdir(join(rig.root, 'tmp'));
    env = { WORKSPACE: workspace, ENV_FILE: join(rig.root, 'agent.env'), TMPDIR: join(rig.root, 'tmp') };
  }, 60_000);
  afterAll(() => rig.end(), 60_000);

  it('runs a command with its arguments as they are, and its exit code is ours', async () => {
    const awkward = ['a b', '', '$HOME', '`id`', `'"`, 'x\ny', '--list', '-n', '--', '{{x}}', 'A=b'];
    const ran = await just('codex-container-sh', 'bash', '-c', 'printf "<%s>" "$@" >said; exit 7', 'x', ...awkward);
    expect(ran.code).toBe(7);
    expect(await readFile(join(workspace, 'said'), 'utf8')).toBe(awkward.map((one) => `<${one}>`).join(''));
    expect(await left()).toEqual([]);
  });

  it('without a terminal gives bytes as they are, and standard error apart', async () => {
    const script = 'wc -c; printf "a\\0b\\n"; echo trouble >&2; exit 5';
    const ran = await rig.cli(['container', 'sh', '--workspace', workspace, '--', 'sh', '-c', script], {
      input: 'one\n\u0004two\n',
    });
    expect(ran).toEqual({ code: 5, stdout: '9\na\0b\n', stderr: 'trouble\n' });
  });

  it('is Codex with codex-container-run and the script, as for agents: its user, a read-only root, no capability', async () => {
    const version = await just('codex-container-run', 'codex', '--version');
    expect(version.stdout).toMatch(/^codex-cli \d/);
    const look = 'id -u; grep CapEff /proc/self/status; touch /usr/x; touch ~/.codex/rules/x; pwd';
    const script = await run(
      join(REPOSITORY, 'scripts/run_codex_container.sh'),
      [
        '--workspace',
        workspace,
        '--env-file',
        join(rig.root, 'agent.env'),
        '--image',
        'filare-codex',
        '--',
        'sh',
        '-c',
        look,
      ],
      { cwd: rig.root, env },
    );
    expect(script.stdout.split('\n').slice(0, 3)).toEqual([
      String(containerUser().uid),
      expect.stringMatching(/^CapEff:\t0+$/),
      '/home/agent/workspace',
    ]);
    expect(script.stderr.match(/Read-only file system/g)).toHaveLength(2);
    expect(await left()).toEqual([]);
  });

  it('gets its variables through a pipe; the model key is nowhere to be found', async () => {
    const program = join(REPOSITORY, 'bin/filare-agents.js');
    const args = ['container', 'sh', '--workspace', workspace, '--env-file', join(rig.root, 'agent.env'), '--'];
    const look =
      'echo "[$COLOUR]"; cat /proc/*/environ /run/filare-env* 2>/dev/null | grep -ac OPENAI; touch ready; sleep 60';
    const child = spawn(process.execPath, [program, ...args, 'sh', '-c', look], {
      cwd: rig.root,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await eventually('it is at work', async () => (await readdir(workspace)).includes('ready'));
    expect(said).toBe('[deep blue]\n0\n');
    const [name = ''] = await rig.containers();
    const inspected = await run('docker', ['inspect', name]);
    expect(inspected.stdout).toContain('"filare.purpose": "solo"');
    expect(inspected.stdout).not.toMatch(new RegExp(`${KEY}|deep blue`));
    expect((await rig.json<{ findings: unknown[] }>(['doctor', '--leaks'])).findings).toEqual([]);

    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([143, null]);
    expect(await left()).toEqual([]);
  });

  it('ends with the process that made it, even when that is killed; the next one removes its files', async () => {
    const tmp = join(rig.root, 'killed');
    await mkdir(tmp);
    const program = join(REPOSITORY, 'bin/filare-agents.js');
    const child = spawn(
      process.execPath,
      [program, 'container', 'sh', '--workspace', workspace, '--', 'sh', '-c', 'touch killed; sleep 60'],
      {
        cwd: rig.root,
        env: { ...process.env, TMPDIR: tmp },
        stdio: ['pipe', 'ignore', 'inherit'],
      },
    );
    await eventually('it is at work', async () => (await readdir(workspace)).includes('killed'));
    child.kill('SIGKILL');
    await once(child, 'close');
    await eventually('the container is gone', async () => (await rig.containers()).length === 0);
    const [folder = ''] = await readdir(tmp);
    const long_ago = Date.now() / 1000 - 600;
    await utimes(join(tmp, folder), long_ago, long_ago);
    const next = await rig.cli(['container', 'sh', '--workspace', workspace, '--', 'true'], { env: { TMPDIR: tmp } });
    expect(next.code).toBe(0);
    expect(await readdir(tmp)).toEqual([]);
  });

  it('that a program in it keeps alive goes before its files do, and with them', async () => {
    const tmp = join(rig.root, 'kept-alive');
    await mkdir(tmp);
    const hold = 'for p in /proc/[0-9]*; do read -r c <$p/comm; [ "$c" = cat ] && kill -STOP ${p#/proc/}; done';
    const child = spawn(
      process.execPath,
      [
        ...[join(REPOSITORY, 'bin/filare-agents.js'), 'container', 'sh', '--workspace', workspace, '--'],
        ...['bash', '-c', `${hold}; touch held; exec sleep 600`],
      ],
      { cwd: rig.root, env: { ...process.env, TMPDIR: tmp }, stdio: ['pipe', 'ignore', 'inherit'] },
    );
    await eventually('it is at work', async () => (await readdir(workspace)).includes('held'));
    child.kill('SIGKILL');
    await once(child, 'close');
    const [folder = ''] = await readdir(tmp);
    expect(await rig.containers()).toEqual([folder]);
    const leaks = await rig.cli(['doctor', '--leaks', '--json']);
    expect(leaks.code).toBe(1);
    expect((JSON.parse(leaks.stdout) as { findings: unknown[] }).findings).toEqual([
      expect.objectContaining({
        kind: 'container',
        name: folder,
        verdict: 'leak',
        detail: 'the process that made it has ended, and a program in it keeps it alive',
        fix: `look at it, and if nobody needs it: docker rm -f ${folder}`,
      }),
    ]);
    const long_ago = Date.now() / 1000 - 600;
    await utimes(join(tmp, folder), long_ago, long_ago);
    const next = await rig.cli(['container', 'sh', '--workspace', workspace, '--', 'true'], { env: { TMPDIR: tmp } });
    expect(next.code).toBe(0);
    expect(await rig.containers()).toEqual([]);
    expect(await readdir(tmp)).toEqual([]);
  });

  it('refuses a workspace that is no place for it, and leaves nothing', async () => {
    await mkdir(join(workspace, 'project/.filare'), { recursive: true });
    const refused = async (path: string): Promise<string> => {
      const ran = await rig.cli(['container', 'run', '--workspace', path], { env });
      expect(ran.code).toBe(2);
      return ran.stderr;
    };
    expect(await refused('/')).toContain('root of the file system');
    expect(await refused('nowhere')).toContain('is not there');
    expect(await refused(join(workspace, 'project'))).toContain('holds the state folder .filare');
    expect(await refused(join(workspace, 'project/.filare'))).toContain('lies in the state folder .filare');
    await writeFile(join(rig.root, 'bad.env'), 'no name\n');
    expect((await rig.cli(['container', 'run', '--workspace', workspace, '--env-file', 'bad.env'])).code).toBe(2);
    expect(await left()).toEqual([]);
  });

  it.skipIf(!HAS_TMUX)("shows Codex's own terminal interface, and is gone when one leaves it", async () => {
    const terminal = new TmuxTerminal(rig.paths);
    try {
      await terminal.open(100, 30);
      // Pressed once more just as the program ends, Ctrl-C would end this whole line of the shell, and nothing would be said.
      await terminal.type(
        `trap : INT; TMPDIR='${join(rig.root, 'tmp')}' '${join(REPOSITORY, 'bin/filare-agents.js')}' container run --workspace 'my $work' --env-file agent.env; echo "left with $?"`,
      );
      await terminal.keys('Enter');
      await terminal.until((screen) => screen.includes('/home/agent/workspace'));
      await eventually('one leaves', async () => {
        await terminal.keys('C-c');
        return /left with \d/.test(await terminal.screen());
      });
      // It was pressed again and again meanwhile.
      expect(await left()).toEqual([]);
    } finally {
      await terminal.close();
    }
  });
});
