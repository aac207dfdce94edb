import { expect, test, vi } from 'vitest';
import { containerUser } from '../../src/workspace/container-user.js';
import { parseRepoAddress } from '../../src/workspace/repo-address.js';
import { runGit } from '../../src/workspace/run-git.js';
import { refusal } from './playground.js';

const signal = new AbortController().signal;
/** A command that outlives every deadline, a grandchild of git as ssh's helpers are; its process id is the first line said. */
const HANGS = ['-c', 'alias.hang=!sleep 600 & echo $! >&2; wait', 'hang'];

async function isGone(pid: string | undefined): Promise<void> {
  expect(pid).toMatch(/^\d+$/);
  await vi.waitFor(() => expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH'), { timeout: 10_000 });
}

test("nothing of the caller's git environment reaches git, and nobody is asked", async () => {
  vi.stubEnv('GIT_DIR', '/somewhere');
  vi.stubEnv('GIT_CONFIG_COUNT', '1');
  vi.stubEnv('GIT_CONFIG_KEY_0', 'core.editor');
  vi.stubEnv('GIT_CONFIG_VALUE_0', 'evil');
  vi.stubEnv('SSH_ASKPASS', '/bin/evil');
  vi.stubEnv('LD_PRELOAD_CANARY', 'evil');
  try {
    const { stdout } = await runGit({ args: ['-c', 'alias.show-env=!env', 'show-env'], signal, deadline_ms: 30_000 });
    expect(stdout).not.toMatch(/evil|somewhere/);
    expect(stdout).toMatch(/^GIT_TERMINAL_PROMPT=0$/m);
    expect(stdout).toMatch(/^GIT_CONFIG_GLOBAL=\/dev\/null$/m);
  } finally {
    vi.unstubAllEnvs();
  }
});

test('a failing git is an answer', async () => {
  const result = await runGit({ args: ['rev-parse', '--git-dir'], signal, deadline_ms: 30_000 });
  expect(result.exit_code).toBe(128);
  expect(result.stderr).toContain('not a git repository');
});

test('past its deadline git is ended with all it started', async () => {
  const lines: string[] = [];
  const call = { args: HANGS, signal, deadline_ms: 500, onLine: (line: string) => lines.push(line) };
  expect(await refusal(runGit(call))).toMatch(/^timeout: /);
  await isGone(lines[0]);
});

test('when it is interrupted git is ended with all it started', async () => {
  const controller = new AbortController();
  const lines: string[] = [];
  const onLine = (line: string): void => {
    lines.push(line);
    controller.abort();
  };
  const running = runGit({ args: HANGS, signal: controller.signal, deadline_ms: 60_000, onLine });
  expect(await refusal(running)).toMatch(/^interrupted: /);
  await isGone(lines[0]);
});

test('output without end is bounded', async () => {
  const args = ['-c', 'alias.flood=!head -c 20000000 /dev/zero | tr "\\0" x; head -c 20000000 /dev/zero >&2', 'flood'];
  const { stdout, stderr } = await runGit({
    args,
    signal,
    deadline_ms: 60_000,
    onLine: (line) => expect(line.length).toBeLessThan(1000),
  });
  expect(stdout.length).toBe(1024 * 1024);
  expect(stderr.length).toBeLessThanOrEqual(1024 * 1024);
});

test('progress comes in steps of ten percent', async () => {
  const lines: string[] = [];
  const script =
    'alias.steps=!for n in $(seq 1 100); do printf "Receiving objects: %3d%%\\r" $n >&2; done; echo >&2; echo done >&2';
  await runGit({ args: ['-c', script, 'steps'], signal, deadline_ms: 30_000, onLine: (line) => lines.push(line) });
  expect(lines.at(-1)).toBe('done');
  expect(lines.length).toBeLessThan(15);
  expect(lines.length).toBeGreaterThan(8);
});

test('memory is bounded where that is asked for', async () => {
  const call = { args: ['-c', 'alias.bound=!ulimit -d', 'bound'], signal, deadline_ms: 30_000 };
  expect((await runGit({ ...call, memory_bytes: 2 ** 30 })).stdout.trim()).toBe(String(2 ** 20));
  expect((await runGit(call)).stdout.trim()).not.toBe(String(2 ** 20));
});

test('git that is not installed is said', async () => {
  vi.stubEnv('PATH', '/nonexistent');
  try {
    expect(await refusal(runGit({ args: ['version'], signal, deadline_ms: 30_000 }))).toMatch(
      /^workspace: git is not installed/,
    );
    const bounded = runGit({ args: ['version'], signal, deadline_ms: 30_000, memory_bytes: 2 ** 30 });
    expect(await refusal(bounded)).toMatch(/^workspace: git is not installed/);
  } finally {
    vi.unstubAllEnvs();
  }
});

test('the container is the caller, and never root', () => {
  expect(containerUser({ uid: 1001, gid: 1002 })).toEqual({ uid: 1001, gid: 1002 });
  expect(containerUser({ uid: 0, gid: 0 })).toEqual({ uid: 1000, gid: 1000 });
  expect(containerUser({ uid: 501, gid: 0 })).toEqual({ uid: 501, gid: 501 });
});

test('addresses are read as git reads them', () => {
  expect(parseRepoAddress('git@example.com:team/repo.git')).toMatchObject({
    kind: 'ssh',
    host: 'example.com',
    port: 22,
  });
  expect(parseRepoAddress('ssh://git@[::1]:2222/repo')).toMatchObject({ kind: 'ssh', host: '::1', port: 2222 });
  expect(parseRepoAddress('https://example.com/repo')).toEqual({
    kind: 'web',
    host: 'example.com',
    shown: 'https://example.com/repo',
  });
  expect(parseRepoAddress('https://token@example.com/repo')).toMatchObject({ shown: 'https://example.com/repo' });
  expect(parseRepoAddress('/srv/repo')).toMatchObject({ kind: 'local', path: '/srv/repo' });
});
