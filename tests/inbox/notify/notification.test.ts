import { expect, test } from 'vitest';
import {
  MAX_NOTIFICATION_BYTES,
  notificationId,
  notificationSchema,
  notificationText,
} from '../../../src/inbox/notify/notification.js';
import { HOSTILE, sampleDecision, sampleNotification, samplePrompt } from './samples.js';

test('a small prompt is told whole', () => {
  expect(sampleNotification()).toEqual({
    type: 'prompt.opened',
    sent_at: '2030-01-02T03:04:05.678Z',
    project: 'shop',
    cut: false,
    prompt: samplePrompt(),
  });
  const closed = sampleNotification({}, 'prompt.closed', sampleDecision());
  expect(closed).toMatchObject({ type: 'prompt.closed', decision: { outcome: 'approved', by: 'operator' } });
});

test.each(Object.entries(HOSTILE))('%s in every text of it: small, one line, of the same shape', (_name, text) => {
  const made = sampleNotification(
    {
      summary: text,
      reason: text,
      suggested_reply: text,
      branch: text,
      asked_by: text,
      choices: Array.from({ length: 50 }, () => text),
      requested_action: { [text]: text, list: Array.from({ length: 300 }, () => text), __proto__: { x: text } },
      rule_offer: { command: text, path: text, tool: text },
    },
    'prompt.closed',
    sampleDecision({ choice: text, reason: text, by: text, rule: text }),
  );
  const sent = notificationText(made);
  expect(Buffer.byteLength(sent)).toBeLessThanOrEqual(MAX_NOTIFICATION_BYTES);
  // One line, and nothing that a terminal could obey even if it is printed as it is.
  expect(sent).not.toMatch(/[\u0000-\u001f]/);
  const read: unknown = JSON.parse(sent);
  expect(notificationSchema.parse(read)).toEqual(made);
  expect(made.prompt).toMatchObject({ prompt_id: 'p-0123456789', id: 'farewell', revision: 'r1' });
  expect(made.cut).toBe(text.length > 64 * 1024);
});

test('a text that was cut says how much is missing, and never ends in half a character', () => {
  const { prompt, cut } = sampleNotification({ summary: `x${'😀'.repeat(100_000)}` });
  expect(cut).toBe(true);
  expect(prompt.summary).toMatch(/^x(😀)+… \(\d+ more characters\)$/u);
  const missing = Number(/\((\d+) more/.exec(prompt.summary)?.[1]);
  expect(missing + prompt.summary.indexOf('… (')).toBe(200_001);
});

test('the worst there is: deep, wide, long, and every character six bytes', () => {
  const text = '\u0001'.repeat(100_000);
  let deep: Record<string, unknown> = { text };
  for (let level = 0; level < 1000; level += 1) deep = { deep, text };
  const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`${text.slice(0, 1000)}${n}`, text]));
  const circle: Record<string, unknown> = { text };
  circle['circle'] = circle;
  for (const requested_action of [deep, wide, { list: Object.values(wide) }, circle, { big: 1n, none: undefined }]) {
    const made = sampleNotification(
      {
        requested_action,
        summary: text,
        reason: text,
        suggested_reply: text,
        branch: text,
        asked_by: text,
        workspace: text,
        choices: Array.from({ length: 5000 }, () => text),
        rule_offer: { command: text, path: text, tool: text },
      },
      'prompt.closed',
      sampleDecision({ choice: text, reason: text, by: text, rule: text }),
    );
    expect(Buffer.byteLength(notificationText(made))).toBeLessThanOrEqual(MAX_NOTIFICATION_BYTES);
    expect(notificationSchema.safeParse(made).success).toBe(true);
  }
});

test('the same prompt and event have the same id; another event, revision, prompt or session has another one', () => {
  const id = notificationId(sampleNotification());
  expect(id).toMatch(/^msg_[0-9a-f]{32}$/);
  expect(notificationId({ ...sampleNotification({ summary: 'other words' }), sent_at: 'later' })).toBe(id);
  const others = [
    sampleNotification({}, 'prompt.closed'),
    sampleNotification({}, 'prompt.reminder'),
    { ...sampleNotification({}, 'prompt.reminder'), sent_at: 'later' },
    sampleNotification({ revision: 'r2' }),
    sampleNotification({ prompt_id: 'p-other' }),
    sampleNotification({ session_id: 'other' }),
  ].map(notificationId);
  expect(new Set([id, ...others]).size).toBe(7);
});
