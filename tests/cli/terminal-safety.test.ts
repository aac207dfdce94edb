import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FilareError } from '../../src/contract/errors.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { newProject, removeProject, run } from './rig.js';

const ESC = '\u001b';
/** Texts that make a terminal do something, or show something else than they are. */
const HOSTILE = [
  `${ESC}]52;c;cm0gLXJmIC8=\u0007`,
  `${ESC}]0;title\u0007`,
  `${ESC}[2J${ESC}[H`,
  `${ESC}[31mred${ESC}[0m`,
  `${ESC}P+q544e${ESC}\\`,
  `${ESC}_apc${ESC}\\`,
  `${ESC}[6n`,
  `${ESC}c`,
  '\u009b2J',
  '\u009d52;c;eA==\u009c',
  'safe\rEVIL',
  'abc\b\b\bxyz',
  'a\u202egpj.exe',
  'pay\u2066pal\u2069',
  'zero\u200bwidth\u2060\ufeff',
  `tag\u{e0041}\u{e0042}`,
  '\u0000\u0007\u0008\u000b\u000c\u007f',
  `half ${ESC}[`,
  `half ${ESC}]8;;http://x`,
  '\ud800 lone',
];

/** Everything a terminal may be given: printable text, newline, tab, our own colours, and our own cursor moves. */
function dangerous(text: string): string[] {
  const without_ours = text.replace(/\u001b\[(1|2|22|3[1-6]|39)m|\u001b\[\d+F\u001b\[J/g, '');
  return Array.from(without_ours).filter((char) => {
    const code = char.codePointAt(0) ?? 0;
    if (char === '\n' || char === '\t') return false;
    const is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    return (
      is_control ||
      /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/.test(char) ||
      (code >= 0xe0000 && code <= 0xe0fff)
    );
  });
}

let project: ProjectPaths;
let daemon: FakeDaemon;
const all = HOSTILE.join(' | ');

beforeEach(async () => {
  project = newProject();
  daemon = await FakeDaemon.start(project);
});
afterEach(async () => {
  await daemon.close();
  removeProject(project);
});

describe('whatever an agent says', () => {
  const commands = [
    ['list'],
    ['list', '--all', '--json'],
    ['list', '-q'],
    ['describe', 'docs'],
    ['describe', 'docs', '--json'],
    ['tail', 'docs'],
    ['tail', 'docs', '--json'],
    ['tail', 'docs', '--raw'],
    ['send', 'docs', 'x', '--wait'],
    ['stop', 'docs'],
    ['dashboard', '--once'],
    ['dashboard', '--json'],
    ['feedback', 'list'],
    ['feedback', 'show', 'p-1'],
    ['feedback', 'show', 'p-1', '--full'],
    ['feedback', 'show', 'p-1', '--json'],
    ['feedback', 'approve', 'p-1'],
    ['feedback', 'approve', 'p-1', '--always', '--yes'],
    ['feedback', 'approve', 'p-decided'],
    ['feedback', 'answer', 'p-1', 'x'],
    ['feedback', 'rules'],
    ['feedback', 'forget', 'r-1'],
    ['events'],
    ['pause', 'docs'],
    ['__complete', 'feedback', 'approve', ''],
    ['image', 'status'],
    ['image', 'build', '--force', '--progress', 'plain'],
    ['image', 'build', '--force', '--progress', 'json'],
    ['image', 'build', '--force'],
    ['cleanup', '--yes'],
    ['interrupt', 'docs'],
    ['interrupt', 'docs', '--json'],
    ['__complete', 'describe', ''],
  ];

  it.each(commands.map((argv) => [argv]))('%j gives the terminal only text', async (argv) => {
    const { session_id } = daemon.addSession('docs', {
      role: all,
      branch: all,
      end_reason: all,
      waiting_for: all,
      workspace: all,
      tags: [all],
    });
    for (const kind of ['reply', 'command', 'prompt', 'error', 'raw', 'file_change', 'tool', 'plan'] as const) {
      daemon.say(session_id, { kind, text: all, from: all, data: { output: all, prompt_id: all, status: all } });
    }
    const asked = {
      summary: all,
      reason: all,
      requested_action: {
        command: all,
        script: `${all}!`,
        cwd: all,
        host: all,
        changes: [{ path: all, kind: all, diff: all }],
        questions: [{ question: `${all}?` }],
        operator_contact: { [all]: all },
        [all]: all,
      },
      suggested_reply: all,
      rule_offer: { command: all },
      choices: ['accept', all],
    };
    daemon.inbox.put({ prompt_id: 'p-1', ...asked });
    daemon.inbox.put({ prompt_id: 'p-decided', ...asked });
    daemon.inbox.close('p-decided', { outcome: 'answered', choice: all, by: all, reason: all, rule: all });
    daemon.inbox.addRule({ rule_id: 'r-1', id: all, by: all, when: { command: all } });
    daemon.on.sendMessage = () => ({ message_id: all, session_id, delivery: 'accepted', reply: all });
    daemon.on.imageStatus = () => ({
      image: all,
      present: true,
      current: false,
      id: all,
      codex_version: all,
      reasons: [all],
    });
    daemon.on.cleanup = () => [{ kind: 'container', name: all, session_id: all, action: 'removed', reason: all }];
    daemon.build = (say) => {
      for (const text of HOSTILE) say({ step: 'build', text });
      say({ done: {} });
      return Promise.resolve();
    };
    daemon.journal = `${all}\n`;
    daemon.on.interruptSession = () => {
      throw new FilareError({ code: 'bad_state', message: all, hint: all, details: { all } });
    };
    const { stdout, stderr } = await run(project, argv, { columns: 120, env: { TERM: 'xterm' } });
    expect((stdout + stderr).length).toBeGreaterThan(0);
    expect(dangerous(stdout)).toEqual([]);
    expect(dangerous(stderr)).toEqual([]);
  });

  it('is the same value in --json, whatever it takes to write it', async () => {
    const { session_id } = daemon.addSession('docs');
    daemon.say(session_id, { text: all });
    const { stdout } = await run(project, ['tail', 'docs', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ text: all });
  });

  it('stays text when an escape sequence is cut at any place by the stream', async () => {
    const { session_id } = daemon.addSession('docs');
    const ran = run(project, ['tail', 'docs', '--follow'], { columns: 120 });
    await daemon.untilFollowed(session_id);
    const text = all.replace(/\ud800(?![\udc00-\udfff])/, '');
    Array.from(text).forEach((char) => daemon.piece(session_id, 'i1', char));
    daemon.say(session_id, { text, data: { item_id: 'i1' } });
    daemon.end(session_id, 'stopped', 'over');
    const { stdout } = await ran;
    expect(stdout).toContain('EVIL');
    expect(dangerous(stdout)).toEqual([]);
  });
});
