import { describe, expect, it } from 'vitest';
import { promptOf } from './samples.js';
import { PaperInbox, promptsOf } from './inbox-rig.js';

const ESC = '\u001b';
const UP = `${ESC}[A`;
const DOWN = `${ESC}[B`;
const RIGHT = `${ESC}[C`;
const LEFT = `${ESC}[D`;
const question = {
  kind: 'question' as const,
  choices: ['EUR', 'USD'],
  suggested_reply: 'EUR, of course',
  rule_offer: null,
};

describe('keys', () => {
  it.each([
    ['a', { choice: 'accept' }],
    ['c', { choice: 'cancel' }],
    ['r\r', { choice: 'decline' }],
    ['rnot today\r', { choice: 'decline', reason: 'not today' }],
    ['sy', { choice: 'accept', remember: { scope: 'session', when: { command: 'rm -rf build' } } }],
    ['Sy', { choice: 'accept', remember: { scope: 'always', when: { command: 'rm -rf build' } } }],
  ])('%j decides %j, with the revision that was shown', (keys, decision) => {
    const inbox = new PaperInbox(...promptsOf({ revision: 'v-9' })).press(keys);
    expect(inbox.decisions).toEqual([{ prompt: 'p-1', revision: 'v-9', ...decision }]);
    expect(inbox.state.mode.type).toBe('list');
  });

  it.each([
    ['eblue\r', 'blue'],
    ['\rblue\r', 'blue'],
    ['e2\r', 'USD'],
    ['e21\r', 'EUR'],
    ['e9\r', '9'],
    ['e 2 of them\r', '2 of them'],
    ['e\t\r', 'EUR, of course'],
    [`e${ESC}[200~two\nlines q${ESC}[201~\r`, 'two\nlines q'],
    [`eabc${LEFT}${LEFT}\u007fX${ESC}[F!\r`, 'Xbc!'],
    ['eone two\u0017three\r', 'one three'],
    ['egone\u0015kept\r', 'kept'],
    [`e🙂a\u007f\u007fb\r`, 'b'],
  ])('%j answers %j', (keys, choice) => {
    expect(new PaperInbox(...promptsOf(question)).press(keys).decisions).toEqual([
      { prompt: 'p-1', revision: 'v-1', choice },
    ]);
  });

  it.each([
    [question, 'a', 'a question takes an answer'],
    [question, 'r', 'a question takes an answer'],
    [question, 'c', 'a question takes an answer'],
    [question, 's', 'a question takes an answer'],
    [{}, 'e', 'a approves, r rejects'],
    [{}, '\r', 'a approves, r rejects'],
    [{ choices: ['accept', 'decline'] }, 'c', 'cannot be cancelled'],
    [{ rule_offer: null }, 's', 'no rule can be made'],
    [{ rule_offer: null }, 'S', 'no rule can be made'],
    [{}, 'x', '? shows the keys'],
    [{}, `Sn`, 'no rule was written'],
    [{}, `S${ESC}`, 'no rule was written'],
    [{}, `rbecause${ESC}`, 'nothing was sent'],
    [question, 'e\r', 'type an answer'],
  ])('of %j: %j decides nothing and says why', (patch, keys, words) => {
    const inbox = new PaperInbox(...promptsOf(patch)).press(keys);
    expect(inbox.decisions).toEqual([]);
    expect(inbox.note).toContain(words);
  });

  it('decide nothing where nothing waits', () => {
    expect(new PaperInbox().press('arcsSe\r').decisions).toEqual([]);
  });

  it('move, to the ends or round and round', () => {
    const inbox = new PaperInbox(...promptsOf({}, {}, {}));
    const places = [DOWN, 'j', 'j', UP, 'k', 'k', 'n', RIGHT, 'n', LEFT].map((key) => inbox.press(key).state.selected);
    expect(places).toEqual(['p-2', 'p-3', 'p-3', 'p-2', 'p-1', 'p-1', 'p-2', 'p-3', 'p-1', 'p-3']);
  });

  it('scroll by pages, within what there is, and a move begins at the top', () => {
    const inbox = new PaperInbox(...promptsOf({ requested_action: { command: 'x\n'.repeat(100) } }, {}));
    const scrolls = [' ', `${ESC}[6~`, `${ESC}[5~`, `${ESC}[F`, ' ', `${ESC}[H`].map(
      (key) => inbox.press(key).state.scroll,
    );
    const page = inbox.draw().pane.height - 1;
    const last = inbox.draw().pane.lines - inbox.draw().pane.height;
    expect(scrolls).toEqual([page, 2 * page, page, last, last, 0]);
    expect(inbox.press(' ').press('j').state.scroll).toBe(0);
  });

  it('show all and less, help, and leave', () => {
    const inbox = new PaperInbox(...promptsOf({}));
    expect(inbox.press('d').lines.join('\n')).toContain('workspace  /w');
    expect(inbox.press('d').lines.join('\n')).not.toContain('workspace');
    expect(inbox.press('?').lines.join('\n')).toContain('approve, and write the rule');
    expect(inbox.press('a').decisions).toEqual([]);
    expect(inbox.state.mode.type).toBe('list');
    inbox.press('q').press('\u0003').press('r\u0003');
    expect(inbox.effects.filter((effect) => effect.type === 'leave')).toEqual([
      { type: 'leave', interrupted: false },
      { type: 'leave', interrupted: true },
      { type: 'leave', interrupted: true },
    ]);
  });

  it('that are pasted are no keys, nor what comes right after', () => {
    const inbox = new PaperInbox(...promptsOf({})).press(`${ESC}[200~a${ESC}[201~a`);
    expect(inbox.decisions).toEqual([]);
    expect(inbox.wait(300).press('a').decisions).toHaveLength(1);
  });

  it('decide once: the second press finds it on its way', () => {
    const inbox = new PaperInbox(...promptsOf({})).press('aarS');
    expect(inbox.decisions).toHaveLength(1);
    expect(inbox.note).toContain('is being decided');
  });
});

describe('what slides under the finger', () => {
  it('cannot be decided for 300 ms after the selected prompt went', () => {
    const inbox = new PaperInbox(...promptsOf({}, {})).close('p-1').press('acrsS');
    expect(inbox.state.selected).toBe('p-2');
    expect(inbox.decisions).toEqual([]);
    expect(inbox.state.mode.type).toBe('list');
    expect(inbox.note).toContain('ignored');
    expect(inbox.wait(299).press('a').decisions).toEqual([]);
    expect(inbox.wait(1).press('a').decisions).toMatchObject([{ prompt: 'p-2' }]);
  });

  it('nor when the own decision is answered, or the first prompt comes into an empty inbox', () => {
    const [first, second] = promptsOf({}, {});
    const inbox = new PaperInbox(...promptsOf({}, {})).press('a');
    const decision = {
      outcome: 'approved' as const,
      choice: 'accept',
      by: 'operator',
      reason: null,
      rule: null,
      at: '',
    };
    inbox.hear({ type: 'decided', record: { ...promptOf(first), decision } }).press('a');
    expect(inbox.decisions).toHaveLength(1);
    const empty = new PaperInbox().hear({ type: 'prompt', prompt: promptOf(second) }).press('a');
    expect(empty.decisions).toEqual([]);
    expect(empty.wait(300).press('a').decisions).toHaveLength(1);
  });

  it('nor when what the prompt asks has changed', () => {
    const inbox = new PaperInbox(...promptsOf({}));
    inbox.hear({
      type: 'prompt',
      prompt: { ...promptOf(), ...promptsOf({ revision: 'v-2', summary: 'rm -rf /' })[0] },
    });
    expect(inbox.press('a').decisions).toEqual([]);
    expect(inbox.wait(300).press('a').decisions).toMatchObject([{ revision: 'v-2' }]);
  });

  it('nor what has not been drawn', () => {
    const inbox = new PaperInbox(...promptsOf({}));
    inbox.rows = 4;
    inbox.draw();
    expect(inbox.press('a').decisions).toEqual([]);
    inbox.rows = 24;
    inbox.draw();
    expect(inbox.press('a').decisions).toHaveLength(1);
  });

  it('is not there while others come and go: the selection stays on its prompt', () => {
    const inbox = new PaperInbox(...promptsOf({}, {}, {})).press('j');
    const older = promptOf({ prompt_id: 'p-0', created_at: new Date(-1000).toISOString() });
    inbox.hear({ type: 'prompt', prompt: older }).close('p-1').close('p-3');
    expect(inbox.state.selected).toBe('p-2');
    expect(inbox.press('a').decisions).toMatchObject([{ prompt: 'p-2' }]);
  });

  it('at the end of the list is the one before', () => {
    const inbox = new PaperInbox(...promptsOf({}, {})).press('j').close('p-2');
    expect(inbox.state.selected).toBe('p-1');
    expect(inbox.close('p-1').state.selected).toBe(null);
  });
});

describe('what somebody else decides', () => {
  it('is told, with who and what', () => {
    const inbox = new PaperInbox(...promptsOf({}, {})).close('p-2', {
      outcome: 'rejected',
      by: 'policy',
      rule: 'rules[0]',
    });
    expect(inbox.note).toBe('p-2 of docs is closed: rejected by policy (rules[0])');
    expect(inbox.hear({ type: 'closed', prompt_id: 'p-1', record: null }).note).toBe(
      'p-1 of docs is not open any more',
    );
  });

  it('while a line is typed leaves the line: what is typed on becomes no keys', () => {
    const inbox = new PaperInbox(...promptsOf(question, {}))
      .press('esay')
      .close('p-1', { outcome: 'answered', choice: 'USD' });
    inbox.wait(1000).press(' yes, and a r S y');
    expect(inbox.decisions).toEqual([]);
    expect(inbox.state.mode).toMatchObject({ type: 'line', line: { text: 'say yes, and a r S y' } });
    expect(inbox.lines.join('\n')).toContain('── p-1 closed · docs · question');
    expect(inbox.lines.at(-1)).toBe('Esc goes back: p-1 is closed: answered "USD" by judge');
    inbox.press('\r');
    expect(inbox.decisions).toEqual([]);
    expect(inbox.note).toContain('is closed: answered "USD" by judge');
    expect(inbox.state.mode.type).toBe('list');
  });

  it('while a rule is shown writes none', () => {
    const inbox = new PaperInbox(...promptsOf({}, {})).press('S').close('p-1').wait(1000).press('y');
    expect(inbox.decisions).toEqual([]);
    expect(inbox.note).toContain('is closed: approved by judge');
  });

  it('refuses what came too late, and the prompt can be decided again if it is still there', () => {
    const inbox = new PaperInbox(...promptsOf({})).press('a');
    inbox.hear({ type: 'refused', prompt_id: 'p-1', words: 'p-1 is closed: rejected by judge' });
    expect(inbox.note).toBe('p-1 is closed: rejected by judge');
    expect(inbox.press('a').decisions).toHaveLength(2);
  });

  it('of a changed prompt does not send a line that was opened before as if it were for the new one', () => {
    const inbox = new PaperInbox(...promptsOf(question)).press('eyes');
    inbox.hear({ type: 'prompt', prompt: { ...promptOf(), ...promptsOf({ ...question, revision: 'v-2' })[0] } });
    expect(inbox.press('\r').decisions).toMatchObject([{ revision: 'v-1' }]);
  });
});

it('rings once for each prompt that is new', () => {
  const [first, second] = promptsOf({}, {});
  const inbox = new PaperInbox(...promptsOf({}));
  inbox.hear({ type: 'prompt', prompt: { ...promptOf(first), reason: 'new' } });
  inbox.hear({ type: 'prompt', prompt: promptOf(second) }).hear({ type: 'prompt', prompt: promptOf(second) });
  expect(inbox.effects.filter((effect) => effect.type === 'ring')).toMatchObject([{ prompt: { prompt_id: 'p-2' } }]);
});
