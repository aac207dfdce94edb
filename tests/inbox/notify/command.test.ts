import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { notificationText } from '../../../src/inbox/notify/notification.js';
import { notifyAll, TRY_LIMITS, type TryLimits } from '../../../src/inbox/notify/notify-all.js';
import { runChild } from '../../../src/inbox/notify/run-child.js';
import { HOSTILE, instantWaits, isGone, machine, never, sampleNotification, until } from './samples.js';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'notify-command-')));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const ENV = {
  PATH: process.env['PATH'],
  HOME: '/home/me',
  LANG: 'C.UTF-8',
  OPENAI_API_KEY: 'canary',
  FILARE_X: 'canary',
};

async function run(command: string, made = sampleNotification(), limits: Partial<TryLimits> = {}, signal = never()) {
  const { waits_ms, sleep } = instantWaits();
  const [outcome] = await notifyAll(
    made,
    [{ command }],
    { project_root: folder, signal, limits: { ...TRY_LIMITS, ...limits } },
    machine({ sleep, random: () => 0.5, env: ENV }),
  );
  return { ...outcome, waits_ms };
}

const written = (name: string): string => readFileSync(join(folder, name), 'utf8');

test('the command has the notification on its standard input, and little around it', async () => {
  const made = sampleNotification();
  expect(await run('cat > in.json; env > env; pwd > pwd; id -u > uid', made)).toEqual({
    way: 'command',
    target: 'cat …',
    outcome: 'sent',
    tries: 1,
    waits_ms: [],
  });
  expect(written('in.json')).toBe(`${notificationText(made)}\n`);
  expect(written('pwd').trim()).toBe(folder);
  expect(written('uid').trim()).toBe(String(process.getuid?.()));
  const names = written('env')
    .trim()
    .split('\n')
    .map((line) => line.split('=', 1)[0])
    .filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name ?? ''));
  expect(names.sort()).toEqual(['FILARE_AGENT_ID', 'FILARE_EVENT', 'FILARE_PROMPT_ID', 'HOME', 'LANG', 'PATH']);
  expect(written('env')).toContain('FILARE_EVENT=prompt.opened\n');
  expect(written('env')).toContain('FILARE_PROMPT_ID=p-0123456789\n');
  expect(written('env')).not.toContain('canary');
});

test.each(Object.entries(HOSTILE))('%s reaches the command as data alone', async (_name, text) => {
  const made = sampleNotification({ summary: text, reason: text, requested_action: { text } });
  expect(await run('cat > in.json; tr "\\0" "\\n" < /proc/$$/cmdline > argv', made)).toMatchObject({ outcome: 'sent' });
  expect(written('in.json')).toBe(`${notificationText(made)}\n`);
  expect(written('argv')).toBe('/bin/sh\n-c\ncat > in.json; tr "\\0" "\\n" < /proc/$$/cmdline > argv\n');
});

test('a failure is tried twice more, and tells the last of what the command said', async () => {
  const outcome = await run('echo x >> tries; printf "first\\n\\033[31mno mail today\\n" >&2; exit 7');
  expect(outcome).toMatchObject({
    outcome: 'failed',
    tries: 3,
    error: 'ended with exit code 7: [31mno mail today',
    error_kind: 'exit_7',
    waits_ms: [2000, 8000],
  });
  expect(written('tries')).toBe('x\nx\nx\n');
  expect(await run('[ -e there ] || { touch there; exit 1; }')).toMatchObject({ outcome: 'sent', tries: 2 });
});

test('a command that hangs is ended with its children, even those that do not want to', async () => {
  const command = `trap '' TERM; (trap '' TERM; sleep 60) & echo $! > child; echo $$ > self; while :; do sleep 1; done`;
  const outcome = await run(command, undefined, { command_ms: 300, kill_after_ms: 100 });
  expect(outcome).toMatchObject({
    outcome: 'failed',
    tries: 1,
    error: 'did not end within 0.3 s, and was ended',
    error_kind: 'timeout',
  });
  for (const name of ['self', 'child']) {
    const pid = Number(written(name));
    expect(pid).toBeGreaterThan(1);
    await until(() => isGone(pid), `${name} is gone`);
  }
});

test('what a command leaves running in its group ends with it, and holds nobody up', async () => {
  const began = Date.now();
  expect(await run('sleep 60 & echo $! > child')).toMatchObject({ outcome: 'sent' });
  expect(Date.now() - began).toBeLessThan(3000);
  await until(() => isGone(Number(written('child'))), 'the child is gone');
});

test('a stray that left the group and keeps the pipes holds nobody up', async () => {
  const began = Date.now();
  expect(await run('setsid sleep 5 & sleep 0.2')).toMatchObject({ outcome: 'sent' });
  expect(Date.now() - began).toBeLessThan(3000);
});

test('a flood of output is not kept, and a command that reads nothing does no harm', async () => {
  expect(await run('head -c 50000000 /dev/zero | tr "\\0" x; exit 0')).toMatchObject({ outcome: 'sent' });
  const flood = await run('yes canary >&2', undefined, { command_ms: 5000 });
  expect(flood).toMatchObject({ outcome: 'failed', tries: 3 });
  expect(flood.error?.length).toBeLessThan(300);
  const big = sampleNotification({ requested_action: { text: HOSTILE['a megabyte of emoji'] } });
  expect(await run('exec 0<&-; sleep 0.1', big)).toMatchObject({ outcome: 'sent' });
  expect(await run('true', big)).toMatchObject({ outcome: 'sent' });
});

test('more input than any pipe holds, and nobody who reads it', async () => {
  const run_of = { args: [], env: {}, deadline_ms: 5000, kill_after_ms: 100, signal: never() };
  const input = 'x'.repeat(16 * 1024 * 1024);
  for (let time = 0; time < 5; time += 1) {
    expect(await runChild({ ...run_of, program: '/bin/true', input }, machine())).toMatchObject({
      ended: 'exit',
      code: 0,
    });
  }
});

test('what cannot be run fails, and throws nothing', async () => {
  expect(await run('no-such-program-here')).toMatchObject({ outcome: 'failed', error_kind: 'exit_127' });
  expect(await run('true\0false')).toMatchObject({ outcome: 'failed', tries: 1, error_kind: 'ERR_INVALID_ARG_VALUE' });
  expect(await run('kill -9 $$')).toMatchObject({ outcome: 'failed', error: 'ended with SIGKILL', tries: 3 });
  rmSync(folder, { recursive: true });
  expect(await run('true')).toMatchObject({ outcome: 'failed', tries: 1, error: 'could not be started (ENOENT)' });
});

test('only a plain program is named in what is told of a command', async () => {
  expect(await run('true')).toMatchObject({ target: 'true' });
  expect(await run('/bin/true --token canary')).toMatchObject({ target: '/bin/true …' });
  expect(await run('TOKEN="canary x" true')).toMatchObject({ target: '*** …' });
});

test('when it is stopped, the command and its children are ended within a second', async () => {
  const over = new AbortController();
  const running = run(`trap '' TERM; sleep 60 & echo $! > child; wait; sleep 60`, undefined, {}, over.signal);
  await until(() => existsSync(join(folder, 'child')) && written('child') !== '', 'it runs');
  const began = Date.now();
  over.abort();
  expect(await running).toMatchObject({ outcome: 'failed', error: 'was stopped', error_kind: 'aborted' });
  expect(Date.now() - began).toBeLessThan(1000);
  await until(() => isGone(Number(written('child'))), 'the child is gone');
});
