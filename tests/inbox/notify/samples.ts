import { readFileSync } from 'node:fs';
import type { Prompt, PromptDecision } from '../../../src/contract/session.js';
import { notification, type Notification, type NotifyEvent } from '../../../src/inbox/notify/notification.js';
import { thisMachine, type Surroundings } from '../../../src/inbox/notify/surroundings.js';

/** When everything here happens. */
export const NOW = new Date('2030-01-02T03:04:05.678Z');

/** A prompt as an agent's approval makes it. */
export function samplePrompt(changes: Partial<Prompt> = {}): Prompt {
  return {
    prompt_id: 'p-0123456789',
    session_id: 'farewell-20300102T030405Z-abcd',
    id: 'farewell',
    role: 'FEATURE',
    workspace: '/work/shop/.filare/workspaces/farewell',
    branch: 'agents/farewell',
    kind: 'approval',
    origin: 'codex',
    blocking: true,
    asked_by: 'farewell',
    reason: 'needs the registry',
    summary: 'run npm install left-pad',
    requested_action: { command: ['npm', 'install', 'left-pad'], cwd: '/home/agent/workspace' },
    choices: ['accept', 'decline', 'cancel'],
    suggested_reply: null,
    severity: 'warning',
    categories: ['network', 'package_install'],
    rule_offer: { command: 'npm install *' },
    revision: 'r1',
    created_at: '2030-01-02T03:04:05.000Z',
    deadline: null,
    ...changes,
  };
}

/** How a person decided it. */
export function sampleDecision(changes: Partial<PromptDecision> = {}): PromptDecision {
  return {
    outcome: 'approved',
    choice: 'accept',
    by: 'operator',
    reason: null,
    rule: null,
    at: NOW.toISOString(),
    ...changes,
  };
}

/** A notification of a prompt. */
export function sampleNotification(
  prompt: Partial<Prompt> = {},
  event: NotifyEvent = 'prompt.opened',
  decision?: PromptDecision,
): Notification {
  return notification({ event, project: 'shop', prompt: samplePrompt(prompt), decision }, NOW);
}

/** Texts that an agent might put into a prompt to have something happen where they are shown. */
export const HOSTILE: Readonly<Record<string, string>> = {
  'terminal escapes': '\u001b]52;c;aGFjaw==\u0007\u001b[2J\u009b31mred\u001b[0m\rok',
  markup: '<b>bold</b> <img src="file:///etc/passwd"> <a href="http://evil.example">x</a> &lt;i&gt; & &amp;',
  'escapes of notify-send': '\\074b\\076bold\\x3cb\\n\\t\\\\074 \\',
  'an option': '--urgency=critical',
  'a short option': '-e',
  'a dash': '-',
  'NUL and other controls': 'a\u0000b\u0008c\u007fd\u0085e\n\nf\tg',
  'bidirectional and invisible': 'a\u202etxt.exe\u2066\u200b\u00ad\u{e0041}\ufe0f\u3164b',
  'half pairs': '\ud800 lone \udc00',
  'for a shell': '"; touch /tmp/pwned; $(id) `id` \' & | > /tmp/x #',
  'for AppleScript': '" & (do shell script "id") & "',
  'line separators': 'one\u2028two\u2029three\u0085four',
  'a megabyte': 'x<'.repeat(524_288),
  'a megabyte of emoji': '😀'.repeat(262_144),
  'a megabyte of controls': '\u001b'.repeat(1_048_576),
  nothing: '',
};

/** This machine with parts replaced. */
export function machine(changes: Partial<Surroundings> = {}): Surroundings {
  return { ...thisMachine(), ...changes };
}

/** Waits that are over at once, written down. */
export function instantWaits(): { readonly waits_ms: number[]; readonly sleep: Surroundings['sleep'] } {
  const waits_ms: number[] = [];
  return {
    waits_ms,
    sleep: (ms, signal) => {
      if (signal.aborted) return Promise.reject(new Error('stopped'));
      waits_ms.push(Math.round(ms));
      return Promise.resolve();
    },
  };
}

/** A signal that nobody ends. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

/** Waits, in real time and for at most 5 s, until something holds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let looks = 0; looks < 500; looks += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never: ${what}`);
}

/** Whether a process no longer runs: it is gone, or dead and not yet collected. */
export function isGone(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
