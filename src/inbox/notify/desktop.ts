import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Notification } from './notification.js';
import type { Telling, Try } from './outcome.js';
import { plainLine } from './plain-line.js';
import { runChild } from './run-child.js';
import type { Surroundings } from './surroundings.js';

/** What a desktop notifier needs of our environment to find its desktop; it is given nothing else. */
const PASSED = [
  'PATH',
  'HOME',
  'LANG',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
];
const KILL_AFTER_MS = 500;
const MAX_SUMMARY_CHARS = 300;
const MAX_REASON_CHARS = 200;
/** What notify-send says where nobody shows notifications. */
const NOBODY_SHOWS =
  /ServiceUnknown|not provided by any|autolaunch|(could not|cannot|failed to|unable to) (connect|open display)/i;

/** What a person reads on the desktop: plain text, without markup. */
export interface DesktopNote {
  readonly title: string;
  readonly lines: readonly string[];
  readonly urgent: boolean;
}

/** Tells with `notify-send`, on macOS with `osascript`; `unavailable` where there is no desktop. `deadline_ms`: of the program. */
export function desktopTelling(deadline_ms: number, around: Pick<Surroundings, 'env' | 'platform' | 'spawn'>): Telling {
  return {
    way: 'desktop',
    target: 'desktop',
    max_tries: 1,
    backOffMs: () => 0,
    attempt: async (made, signal) => {
      const on_mac = around.platform === 'darwin';
      if (!on_mac && !hasDesktop(around.env)) return unavailable('has no display and no session bus');
      const [program, args] = on_mac ? osascript(noteOf(made)) : notifySend(noteOf(made));
      const env = Object.fromEntries(
        PASSED.flatMap((name) => (around.env[name] === undefined ? [] : [[name, around.env[name]]])),
      );
      const run = { program, args, env, input: '', deadline_ms, kill_after_ms: KILL_AFTER_MS, signal };
      const end = await runChild(run, around);
      switch (end.ended) {
        case 'not_started':
          return end.code === 'ENOENT'
            ? unavailable(`has no ${program}`)
            : failed(`could not start ${program} (${end.code})`, end.code);
        case 'late':
          return failed(`${program} did not end within ${deadline_ms} ms`, 'timeout');
        case 'aborted':
          return failed('was stopped', 'aborted');
        case 'exit':
          if (end.code === 0) return { outcome: 'sent' };
          if (NOBODY_SHOWS.test(end.output)) return unavailable('shows no notifications');
          return failed(
            `${program} ended with ${String(end.code ?? end.signal)}`,
            `exit_${String(end.code ?? end.signal)}`,
          );
      }
    },
  };
}

/** What a notification says on the desktop. */
export function noteOf({ type, project, prompt, decision }: Notification): DesktopNote {
  const title =
    type === 'prompt.opened'
      ? `${prompt.id} asks`
      : type === 'prompt.reminder'
        ? `${prompt.id} still waits for an answer`
        : `${prompt.id}: ${(decision?.outcome ?? 'closed').replace('_', ' ')}`;
  const lines = [
    plainLine(prompt.summary, MAX_SUMMARY_CHARS),
    plainLine(prompt.reason ?? '', MAX_REASON_CHARS),
    plainLine(`${prompt.prompt_id} in ${project}`, MAX_REASON_CHARS),
  ];
  return {
    title: plainLine(title, 100),
    lines: lines.filter((line) => line !== ''),
    urgent: prompt.severity === 'critical',
  };
}

/**
 * The program and arguments that show a note on a free desktop. In a body `<`, `>` and `&` are markup (Desktop Notifications Specification), and notify-send
 * itself reads `\n` and `\074` in it (g_strcompress): both are escaped, the backslash last to be read and so first to be doubled.
 */
export function notifySend(note: DesktopNote): readonly [program: string, args: string[]] {
  const body = note.lines
    .join('\n')
    .replaceAll('\\', '\\\\')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
  const urgency = `--urgency=${note.urgent ? 'critical' : 'normal'}`;
  return ['notify-send', ['--app-name=filare-agents', urgency, '--', noOption(note.title), noOption(body)]];
}

/** The program and arguments that show a note on macOS: the text is an argument of the script, never part of it. */
export function osascript(note: DesktopNote): readonly [program: string, args: string[]] {
  const script = ['on run argv', 'display notification (item 1 of argv) with title (item 2 of argv)', 'end run'];
  const text = [noOption(note.lines.join('\n')), noOption(note.title)];
  return ['osascript', [...script.flatMap((line) => ['-e', line]), ...text]];
}

/** Even a program that does not know `--` takes this for text. */
function noOption(text: string): string {
  return text.startsWith('-') ? ` ${text}` : text;
}

function hasDesktop(env: Surroundings['env']): boolean {
  if ([env['DISPLAY'], env['WAYLAND_DISPLAY'], env['DBUS_SESSION_BUS_ADDRESS']].some((value) => value)) return true;
  const runtime = env['XDG_RUNTIME_DIR'];
  return runtime !== undefined && runtime !== '' && existsSync(join(runtime, 'bus'));
}

function unavailable(what: string): Try {
  return { outcome: 'unavailable', error: `this machine ${what}`, error_kind: 'no_desktop' };
}

function failed(error: string, error_kind: string): Try {
  return { outcome: 'failed', error, error_kind, again: false };
}
