import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import { eventually, FleetRig, smallAgents } from '../support/fleet-rig.js';

/** Clipboard, title, colours, cursor, C1, carriage return, right-to-left and zero-width marks, tags, markup. */
const HOSTILE =
  'pay\u001b]52;c;ZXZpbA==\u0007 \u001b]0;owned\u0007\u001b[31mred\u001b[2J\u009b31m \r\nApproved by Sam\u202eexe.txt\u202c z\u200bw \u{e0041} <script>alert(1)</script> [x](javascript:alert(1))';
/** What a terminal may be given, besides our own colours, which NO_COLOR turns off. */

const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\u{e0041}/u;

describe('a question with hostile text', () => {
  let rig: FleetRig;
  let fleet: Fleet;

  beforeAll(async () => {
    rig = await FleetRig.make({ 'configs/agents/a.yml': smallAgents(['asker', 'talker']) });
    fleet = await rig.fleet();
    const rehearsal = {
      parts: [
        {
          text: 'hostile',
          do: [{ ask_operator: { question: HOSTILE, choices: [HOSTILE, 'no'], suggested_reply: HOSTILE } }],
        },
        { text: 'long', do: [{ ask_operator: { question: '{{text}}' } }] },
      ],
    };
    await rig.start(fleet, JSON.stringify(rehearsal));
  }, 120_000);
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
  }, 60_000);

  it('is shown harmless by everything that shows it, and the answer is what was answered', async () => {
    await fleet.send('asker', 'hostile');
    await eventually('it asks', async () => (await fleet.prompts('asker')).length === 1);
    const [prompt] = await fleet.prompts('asker');
    expect(JSON.stringify(prompt?.requested_action)).toContain('owned');
    const shown = [
      ['feedback', 'list'],
      ['feedback', 'list', '--json'],
      ['feedback', 'show', prompt?.prompt_id ?? ''],
      ['feedback', 'show', prompt?.prompt_id ?? '', '--json'],
      ['list'],
      ['describe', 'asker'],
      ['dashboard', '--once'],
      ['dashboard', '--json'],
      ['tail', 'asker', '--lines', '20'],
      ['tail', 'asker', '--lines', '20', '--json'],
      ['events', 'asker'],
    ];
    for (const args of shown) {
      const ran = await rig.cli(args);
      expect(ran.code, `${args.join(' ')}: ${ran.stderr}`).toBe(0);
      const at = ran.stdout.search(UNSAFE);
      expect(at === -1 ? '' : JSON.stringify(ran.stdout.slice(Math.max(0, at - 40), at + 40)), args.join(' ')).toBe('');
    }
    const answered = await rig.cli(['feedback', 'answer', prompt?.prompt_id ?? '', 'no']);
    expect(answered.code, answered.stderr).toBe(0);
    await eventually('idle', async () => (await fleet.describe('asker')).row.activity === 'idle');
  });

  it('of a megabyte is listed and shown in bounded size', async () => {
    await fleet.send('talker', `long ${'x'.repeat(999_000)} end`);
    await eventually('it asks', async () => (await fleet.prompts('talker')).length === 1);
    const listed = await rig.cli(['feedback', 'list']);
    expect(listed.code, listed.stderr).toBe(0);
    expect(listed.stdout.length).toBeLessThan(20_000);
    const [prompt] = await fleet.prompts('talker');
    expect(JSON.stringify(prompt).length).toBeLessThan(3 * 1024 * 1024);
    await fleet.decide(prompt?.prompt_id ?? '', { choice: 'fine', revision: prompt?.revision });
    await eventually('idle', async () => (await fleet.describe('talker')).row.activity === 'idle');
  });
});
