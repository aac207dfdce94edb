import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { FullScreen } from '../../src/cli/full-screen.js';
import { detailLines } from '../../src/cli/inbox/inbox-detail.js';
import { ringBytes } from '../../src/cli/inbox/ring.js';
import { Output } from '../../src/cli/output.js';
import { textOf } from '../../src/cli/style.js';
import { displayWidth } from '../../src/cli/table.js';
import { wrapLine } from '../../src/cli/wrap-line.js';
import { PaperInbox, promptsOf } from './inbox-rig.js';
import { promptOf } from './samples.js';

const ESC = '\u001b';
const HOSTILE = `${ESC}]52;c;cm0=\u0007${ESC}[2J\u009b2J\rEVIL\u202egpj.exe\u2066x\u200b\u{e0041}\u0000\n\tend`;

/** A terminal of that size that keeps what it is sent. */
function terminal(columns: number, rows: number): { screen: FullScreen; sent: () => string } {
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns, rows });
  const chunks: Buffer[] = [];
  stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const out = new Output({ stdout, stderr: new PassThrough(), color_out: true, color_err: false, quiet: () => false });
  const sent = (): string => {
    for (let rest: unknown = stdout.read(); rest !== null; rest = stdout.read()) chunks.push(rest as Buffer);
    return Buffer.concat(chunks.splice(0)).toString('utf8');
  };
  return { screen: new FullScreen(out), sent };
}

/** What is left when our own sequences are taken away. */
function foreign(text: string): string[] {
  const rest = text.replaceAll(/\u001b\[(?:\d+;\d+H|2?K|2J|\?(?:1049|25|7|2004)[hl]|[12]?[12]m|3[1-6]m|39m)/g, '');
  return Array.from(rest).filter((char) =>
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/.test(char),
  );
}

describe('the picture', () => {
  it('at 80x24 has the list, what is asked to the byte, and the keys', () => {
    const inbox = new PaperInbox(
      ...promptsOf(
        { summary: 'Run npm test', severity: 'critical', requested_action: { script: 'npm\u202e test', command: 'x' } },
        { kind: 'question', summary: 'Which?', id: 'judge', choices: ['a'] },
      ),
    );
    const { lines } = inbox;
    expect(lines).toHaveLength(24);
    expect(lines[0]).toBe('inbox  2 prompts · 1 critical');
    expect(lines[1]).toMatch(/^> {2}! {2}p-1 {2}docs +approval +16m4\ds +- {2}Run npm test$/);
    expect(lines[2]).toMatch(/^ +p-2 {2}judge +question +16m\d\ds +- {2}Which\?$/);
    expect(lines[3]).toMatch(/^── p-1 1 of 2 · docs · approval · critical · 16m4\ds ─+$/);
    expect(lines).toContain('command    npm<U+202E> test');
    expect(lines).toContain('exactly    x');
    expect(lines).toContain('categories destructive');
    expect(lines[23]).toBe('a approve · r reject · c cancel · s session · S always · n next · d more · ? · q');
    inbox.press('j');
    expect(inbox.lines[23]).toBe('e answer · n next · d more · ? keys · q leave');
  });

  it('keeps the selected prompt of many in view', () => {
    const inbox = new PaperInbox(...promptsOf(...Array.from({ length: 100 }, () => ({}))));
    for (let n = 0; n < 99; n += 1) {
      inbox.press('j');
      expect(inbox.lines.filter((line) => line.startsWith('> '))).toHaveLength(1);
    }
    expect(inbox.lines.find((line) => line.startsWith('> '))).toContain('p-100');
  });

  it('is never larger than the terminal, whatever is in it', () => {
    const long = promptsOf(
      {
        summary: HOSTILE.repeat(20),
        reason: '漢字🙂'.repeat(100),
        id: 'x'.repeat(40),
        deadline: new Date(9e12).toISOString(),
      },
      { kind: 'question', choices: Array.from({ length: 50 }, () => HOSTILE), suggested_reply: HOSTILE },
    );
    for (const [columns, rows] of [
      [80, 24],
      [200, 60],
      [30, 8],
      [29, 8],
      [31, 9],
      [10, 3],
      [1, 1],
      [40, 7],
    ] as const) {
      const inbox = new PaperInbox(...long);
      inbox.columns = columns;
      inbox.rows = rows;
      for (const keys of ['', 'd', '  ', '?', 'x', 'j', 'e', '漢字'.repeat(200), ESC, 'k', 'S', 'n', 'r']) {
        inbox.press(keys);
        const { lines, cursor } = inbox.draw();
        expect(lines.length).toBeLessThanOrEqual(rows);
        if (cursor !== null) expect(cursor.column).toBeLessThan(columns);
        const { screen, sent } = terminal(columns, rows);
        screen.enter();
        screen.draw(lines, cursor);
        const text = sent();
        expect(foreign(text)).toEqual([]);
        for (const [, row] of text.matchAll(/\u001b\[(\d+);\d+H/g)) expect(Number(row)).toBeLessThanOrEqual(rows);
      }
    }
  });

  it('says that a terminal is too small to decide in', () => {
    const inbox = new PaperInbox(...promptsOf({}));
    inbox.columns = 24;
    expect(inbox.lines.join('')).toContain('too small');
    expect(inbox.draw().shown).toBe(null);
  });

  it('of a summary of a megabyte is there at once, and all of it can be read', () => {
    const summary = 'word '.repeat(200_000) + 'ü'.repeat(1000) + ' the very end';
    const inbox = new PaperInbox(...promptsOf({ summary, requested_action: {} }));
    const since = performance.now();
    inbox.press('d');
    expect(performance.now() - since).toBeLessThan(3000);
    inbox.press(`${ESC}[F`);
    expect(inbox.lines.join('\n')).toContain('the very end');
    inbox.press('d');
    expect(inbox.lines.join('\n')).not.toContain('the very end');
    expect(inbox.press(`${ESC}[F`).lines.join('\n')).toMatch(/more characters: d shows all/);
  });

  it('of a long command has every character of it, in lines', () => {
    const command = Array.from({ length: 500 }, (_, at) => `${at}`).join(' ') + '  \u200b';
    const lines = detailLines(promptOf({ requested_action: { command } }), 60, false).map((line) => line.map(textOf));
    const from = lines.findIndex(([name]) => name?.startsWith('command'));
    const text = lines
      .slice(from)
      .filter(([name], at) => at === 0 || name?.trim() === '')
      .map((line) => line.slice(1).join(''))
      .join('');
    expect(text.startsWith(command.replace('\u200b', '<U+200B>'))).toBe(true);
  });

  it('shows what is typed around the cursor, a paste on one line, and a secret answer as dots', () => {
    const inbox = new PaperInbox(...promptsOf({ kind: 'question', choices: [] })).press(
      `e${ESC}[200~one\ntwo${ESC}[201~`,
    );
    expect(inbox.lines[22]).toBe('answer p-1: one⏎two');
    expect(inbox.draw().cursor).toEqual({ row: 22, column: 19 });
    inbox.press('x'.repeat(300) + 'END');
    expect(inbox.lines[22]).toMatch(/^answer p-1: x+END$/);
    expect(inbox.lines[22]?.length).toBeLessThan(80);
    inbox.press(`${ESC}[H`);
    expect(inbox.lines[22]).toMatch(/^answer p-1: one⏎twox+$/);
    const secret = new PaperInbox(
      ...promptsOf({
        kind: 'question',
        choices: [],
        requested_action: { questions: [{ question: 'Key?', secret: true }] },
      }),
    ).press('esesame');
    expect(secret.lines[22]).toBe('answer p-1: ••••••');
  });

  it('shows the rule before it is written, whole', () => {
    const command = `npm ${'x'.repeat(200)}`;
    const inbox = new PaperInbox(...promptsOf({ rule_offer: { command } })).press('S');
    const shown = inbox.lines.join('\n');
    expect(shown).toContain('This approves p-1, and writes a rule:');
    expect(shown.replaceAll('\n', '')).toContain(`when command is \`${command}\` → approve, for docs, always`);
    expect(shown).toContain('y writes it; any other key goes back');
  });

  it('says when the daemon does not answer', () => {
    const inbox = new PaperInbox(...promptsOf({})).hear({ type: 'lost' });
    expect(inbox.lines[0]).toContain('the daemon does not answer');
    expect(inbox.hear({ type: 'found' }).lines[0]).toBe('inbox  1 prompt');
  });
});

describe('lines', () => {
  it('are wrapped at words, or to the character, and lose nothing', () => {
    const text = 'several words of a sentence, and averyveryverylongwordthatfitsnowhere at 漢字漢字漢字漢字 end';
    for (const columns of [2, 5, 10, 17, 80]) {
      for (const at_edge of ['words', 'exact'] as const) {
        const lines = wrapLine([{ text, style: 'bold' }, text], columns, at_edge).map((line) =>
          line.map(textOf).join(''),
        );
        expect(lines.join('')).toBe(text + text);
        expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(columns);
      }
    }
    expect(wrapLine(['one two three'], 8, 'words')).toEqual([['one two '], ['three']]);
    expect(wrapLine(['a\nb\tc'], 8, 'words')).toEqual([['a'], ['b    c']]);
    expect(wrapLine([''], 8, 'words')).toEqual([[]]);
  });
});

describe('the screen', () => {
  it('draws only what changed, and gives the terminal back as it was', () => {
    const { screen, sent } = terminal(20, 3);
    screen.draw([['before it is entered']], null);
    expect(sent()).toBe('');
    screen.enter();
    screen.draw([['one'], ['two']], null);
    sent();
    screen.draw([['one'], ['three']], null);
    expect(sent()).toBe(`${ESC}[2;1H${ESC}[2Kthree${ESC}[?25l`);
    screen.draw([['one'], ['three']], null);
    expect(sent()).toBe('');
    screen.draw([['one'], ['three']], { row: 1, column: 3 });
    expect(sent()).toBe(`${ESC}[2;4H${ESC}[?25h`);
    screen.leave();
    screen.leave();
    expect(sent()).toBe(`${ESC}[?2004l${ESC}[?7h${ESC}[?25h${ESC}[?1049l`);
    screen.draw([['after it was left']], null);
    screen.redraw();
    expect(sent()).toBe('');
  });

  it('rings with text that can do nothing else', () => {
    const bytes = ringBytes(promptOf({ id: 'docs', summary: HOSTILE }));
    expect(bytes.startsWith(`\u0007${ESC}]9;filare-agents: docs asks: `)).toBe(true);
    expect(bytes.endsWith('\u0007')).toBe(true);
    expect(bytes.slice(5, -1)).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e]*$/);
  });
});
