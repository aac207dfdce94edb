import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { desktopTelling, noteOf, notifySend, osascript } from '../../../src/inbox/notify/desktop.js';
import { plainLine } from '../../../src/inbox/notify/plain-line.js';
import type { Surroundings } from '../../../src/inbox/notify/surroundings.js';
import { HOSTILE, isGone, machine, never, sampleDecision, sampleNotification, until } from './samples.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'notify-desktop-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Records its arguments and environment, and complains (exit 64) when it is used otherwise than notify-send can be. */
const FAKE = `#!/bin/sh
here="$(dirname "$0")"
printf '%s\\n' "$#" > "$here/count"
for one in "$@"; do printf '%s\\0' "$one"; done > "$here/argv"
env > "$here/env"
misuse() { echo "misuse: $1" >&2; exit 64; }
texts=0
options=yes
for one in "$@"; do
  if [ $options = yes ]; then
    case "$one" in
      --) options=no; continue ;;
      --app-name=*|--urgency=normal|--urgency=critical) continue ;;
      -*) misuse "unknown option" ;;
    esac
  fi
  case "$one" in -*) misuse "a text begins with a dash" ;; esac
  [ -n "$one" ] || misuse "an empty text"
  texts=$((texts + 1))
done
[ $texts = 2 ] || misuse "not a title and a body"
`;

function fakeProgram(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), 0o755);
}

function desktop(changes: Partial<Surroundings> = {}, env: Record<string, string> = {}, deadline_ms = 5000) {
  const PATH = `${folder}:/usr/bin:/bin`;
  return desktopTelling(
    deadline_ms,
    machine({
      platform: 'linux',
      env: { PATH, HOME: '/home/me', DISPLAY: ':0', SECRET: 'canary', ...env },
      ...changes,
    }),
  );
}

const argv = (): string[] => readFileSync(join(folder, 'argv'), 'utf8').split('\0').slice(0, -1);

/** What notify-send makes of a body before it sends it: GLib's g_strcompress. */
function compressed(body: string): string {
  return body.replaceAll(/\\([0-7]{1,3}|[\s\S]|$)/g, (_, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : ({ n: '\n', t: '\t' }[code] ?? code),
  );
}

describe('notify-send', () => {
  test('is given a title and a body that say who asks for what', async () => {
    fakeProgram('notify-send', FAKE);
    expect(await desktop().attempt(sampleNotification(), never())).toEqual({ outcome: 'sent' });
    expect(argv()).toEqual([
      '--app-name=filare-agents',
      '--urgency=normal',
      '--',
      'farewell asks',
      'run npm install left-pad\nneeds the registry\np-0123456789 in shop',
    ]);
    const env = readFileSync(join(folder, 'env'), 'utf8');
    expect(env).toContain('DISPLAY=:0');
    expect(env).not.toContain('canary');
  });

  test('what nobody answered in time, and what is critical, reads so', () => {
    const closed = noteOf(
      sampleNotification({ severity: 'critical' }, 'prompt.closed', sampleDecision({ outcome: 'timed_out' })),
    );
    expect(closed).toMatchObject({ title: 'farewell: timed out', urgent: true });
    expect(notifySend(closed)[1]).toContain('--urgency=critical');
    expect(noteOf(sampleNotification({}, 'prompt.reminder')).title).toBe('farewell still waits for an answer');
  });

  test.each(Object.entries(HOSTILE))('takes %s for text', async (_name, text) => {
    fakeProgram('notify-send', FAKE);
    const made = sampleNotification({ summary: text, reason: text });
    expect(await desktop().attempt(made, never())).toEqual({ outcome: 'sent' });
    const body = argv()[4] ?? '';
    expect(body.length).toBeLessThan(4000);
    expect(body).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2028\u2029]/);
    const shown = compressed(body);
    expect(shown).not.toMatch(/[<>]/);
    expect(shown.replaceAll(/&(amp|lt|gt);/g, '')).not.toContain('&');
    // Read as a desktop reads it, it is the text again.
    const read = shown.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
    expect(read.trim()).toBe(noteOf(made).lines.join('\n'));
  });

  test('that fails is a failure, not tried again', async () => {
    fakeProgram('notify-send', '#!/bin/sh\nexit 3\n');
    expect(desktop().max_tries).toBe(1);
    expect(await desktop().attempt(sampleNotification(), never())).toMatchObject({
      outcome: 'failed',
      error: 'notify-send ended with 3',
      error_kind: 'exit_3',
    });
  });

  test('that hangs is ended with what it started', async () => {
    fakeProgram('notify-send', `#!/bin/sh\nsleep 60 & echo $! > ${folder}/child\nwait\n`);
    const result = await desktop({}, {}, 300).attempt(sampleNotification(), never());
    expect(result).toMatchObject({ outcome: 'failed', error_kind: 'timeout' });
    const child = Number(readFileSync(join(folder, 'child'), 'utf8'));
    await until(() => isGone(child), 'its child is gone');
  });

  test.each([
    'GDBus.Error:org.freedesktop.DBus.Error.ServiceUnknown: The name org.freedesktop.Notifications was not provided by any .service files',
    'Cannot autolaunch D-Bus without X11 $DISPLAY',
    'Could not connect: No such file or directory',
  ])('that finds nobody to show it (%s) is unavailable', async (complaint) => {
    fakeProgram('notify-send', `#!/bin/sh\necho '${complaint}' >&2\nexit 1\n`);
    expect(await desktop().attempt(sampleNotification(), never())).toMatchObject({
      outcome: 'unavailable',
      error: 'this machine shows no notifications',
    });
  });
});

test('without a display and a session bus, or without the program, it is unavailable', async () => {
  fakeProgram('notify-send', FAKE);
  const headless = await desktop({ env: { PATH: folder, XDG_RUNTIME_DIR: folder } }).attempt(
    sampleNotification(),
    never(),
  );
  expect(headless).toMatchObject({ outcome: 'unavailable', error: 'this machine has no display and no session bus' });
  expect(existsSync(join(folder, 'argv'))).toBe(false);
  const bare = await desktop({ env: { PATH: '/nowhere', DISPLAY: ':0' } }).attempt(sampleNotification(), never());
  expect(bare).toMatchObject({
    outcome: 'unavailable',
    error: 'this machine has no notify-send',
    error_kind: 'no_desktop',
  });
  writeFileSync(join(folder, 'bus'), '');
  const bus = await desktop({ env: { PATH: `${folder}:/bin:/usr/bin`, XDG_RUNTIME_DIR: folder } }).attempt(
    sampleNotification(),
    never(),
  );
  expect(bus).toEqual({ outcome: 'sent' });
});

test('on macOS the text is an argument of the script, never part of it', async () => {
  for (const text of Object.values(HOSTILE)) {
    const [program, args] = osascript(noteOf(sampleNotification({ summary: text })));
    expect(program).toBe('osascript');
    expect(args.slice(0, 6)).toEqual(osascript({ title: 'x', lines: ['y'], urgent: false })[1].slice(0, 6));
    expect(args).toHaveLength(8);
    for (const one of args.slice(6)) expect(one).not.toMatch(/^-/);
  }
  fakeProgram('osascript', '#!/bin/sh\nprintf "%s\\n" "$7" "$8" > "$(dirname "$0")/said"\n');
  expect(await desktop({ platform: 'darwin' }).attempt(sampleNotification(), never())).toEqual({ outcome: 'sent' });
  expect(readFileSync(join(folder, 'said'), 'utf8')).toMatch(/^run npm install[\s\S]*farewell asks\n$/);
});

test.each([
  ['a\u001b[31mb\nc', 'a [31mb c'],
  ['  a \t\r\n b  ', 'a b'],
  ['\u202eab\u200b', 'ab'],
  ['\ud800', ''],
  ['naïve 日本 👍', 'naïve 日本 👍'],
  ['12345678901', '123456789…'],
  ['1234567890', '1234567890'],
  ['👍'.repeat(11), `${'👍'.repeat(9)}…`],
  [`${'\u0000'.repeat(100)}x`, '…'],
])('a plain line of %j is %j', (text, line) => {
  expect(plainLine(text, 10)).toBe(line);
});
