import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import {
  MAX_LINE_BYTES,
  MAX_SEND_BYTES,
  MAX_UNSENT_BYTES,
  MAX_UNSENT_LINES,
  PREVIEW_BYTES,
} from '../../src/channel/channel.js';
import type { ChannelWriter, JournalLine, JournalReader } from '../../src/channel/channel.js';
import { FilareError } from '../../src/contract/errors.js';

/** A channel of any kind, with real processes at its other end. */
export interface ChannelUnderTest {
  openWriter(): Promise<ChannelWriter>;
  readonly reader: JournalReader;
  /** Starts a program with its standard input and output on the channel, as Codex is started. */
  startPeer(program: string, ...args: string[]): Promise<{ signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void }>;
  /** A writer process of the same channel that is killed when it has written just these bytes. */
  writeAndDie(bytes: string): Promise<void>;
  /** Ends everything that was started, and removes what was made. */
  dispose(): Promise<void>;
}

const PRINT = 'const write = (text) => require("fs").writeSync(1, text);';

/** What every way to an agent must hold (src/channel/channel.ts). */
export function channelContract(name: string, make: () => Promise<ChannelUnderTest>): void {
  describe(`channel contract: ${name}`, () => {
    let channel: ChannelUnderTest;
    let stop: AbortController;
    beforeEach(async () => {
      channel = await make();
      stop = new AbortController();
    });
    afterEach(async () => {
      stop.abort();
      await channel.dispose();
    });

    /** Lines from the journal until there are `count` that are not empty. */
    async function lines(count: number, from = 0): Promise<JournalLine[]> {
      const found: JournalLine[] = [];
      for await (const batch of channel.reader.read({ from, follow: true, signal: stop.signal })) {
        found.push(...batch.filter((line) => line.text !== ''));
        if (found.length >= count) break;
      }
      return found;
    }

    it('carries 5,000 lines of any characters to the agent and back, in order', async () => {
      await channel.startPeer('cat');
      const writer = await channel.openWriter();
      const sent = Array.from({ length: 5_000 }, (_, at) => ({ at, text: strangeText(at) }));
      const echoed = lines(sent.length);
      for (let at = 0; at < sent.length; at += 100) {
        await Promise.all(sent.slice(at, at + 100).map((message) => writer.write(JSON.stringify(message))));
      }
      expect((await echoed).map(({ text }): unknown => JSON.parse(text))).toEqual(sent);
      await writer.close();
    });

    it('sends ASCII only', async () => {
      await channel.startPeer('cat');
      const writer = await channel.openWriter();
      await writer.write(JSON.stringify('é — \u2028\u2029 😀 \u007f 漢'));
      const [line] = await lines(1);
      expect(line?.text).toMatch(/^[\x20-\x7e]+$/);
      expect(JSON.parse(line?.text ?? '')).toBe('é — \u2028\u2029 😀 \u007f 漢');
      await writer.close();
    });

    it('does not mix half a line of a killed writer with the next line', async () => {
      await channel.startPeer('cat');
      await channel.writeAndDie('{"half":"of a li');
      const writer = await channel.openWriter();
      await writer.write('{"whole":true}');
      expect((await lines(2)).map(({ text }) => text)).toEqual(['{"half":"of a li', '{"whole":true}']);
      await writer.close();
    });

    it('does not mix a line cut by closing with the next line', async () => {
      const peer = await channel.startPeer('cat');
      peer.signal('SIGSTOP');
      const first = await channel.openWriter();
      const cut = failureOf(first.write(JSON.stringify('x'.repeat(300_000))));
      const unbegun = failureOf(first.write('{"never":"begun"}'));
      await sleep(50);
      await first.close();
      expect(await cut).toMatchObject({ code: 'ended', details: { in_pipe: 'perhaps' } });
      expect(await unbegun).toMatchObject({ code: 'ended', details: { in_pipe: 'no' } });
      const second = await channel.openWriter();
      peer.signal('SIGCONT');
      await second.write('{"whole":true}');
      const [half, whole] = await lines(2);
      expect(half?.text).toMatch(/^"x+$/);
      expect(whole?.text).toBe('{"whole":true}');
      await second.close();
    });

    it('refuses more than may wait for an agent that does not read, and says how much waits', async () => {
      await channel.startPeer('sleep', '600');
      const writer = await channel.openWriter();
      const line = JSON.stringify('y'.repeat(1024 * 1024 - 100));
      const waiting: Promise<FilareError | undefined>[] = [];
      let refused: FilareError | undefined;
      while (refused === undefined) {
        const answer = failureOf(writer.write(line));
        const now = await Promise.race([answer, sleep(100)]);
        if (now instanceof FilareError) refused = now;
        else waiting.push(answer);
      }
      expect(refused.code).toBe('limit_exceeded');
      expect(writer.unsent.bytes).toBeGreaterThan(MAX_UNSENT_BYTES - 2 * line.length);
      expect(writer.unsent.bytes).toBeLessThanOrEqual(MAX_UNSENT_BYTES);
      expect(writer.unsent.lines).toBe(waiting.length);
      await writer.close();
      for (const answer of waiting) expect(await answer).toMatchObject({ code: 'ended' });
      expect(writer.unsent).toEqual({ bytes: 0, lines: 0 });
    });

    it('bounds the number of lines that wait, and delivers them once the agent reads', async () => {
      const peer = await channel.startPeer('cat');
      peer.signal('SIGSTOP');
      const writer = await channel.openWriter();
      const filler = writer.write(JSON.stringify('z'.repeat(200_000)));
      const small = Array.from({ length: MAX_UNSENT_LINES - 1 }, (_, at) => writer.write(String(at)));
      expect(await failureOf(writer.write('"one too many"'))).toMatchObject({ code: 'limit_exceeded' });
      peer.signal('SIGCONT');
      await Promise.all([filler, ...small]);
      expect((await lines(MAX_UNSENT_LINES)).slice(1).map(({ text }) => text)).toEqual(
        small.map((_, at) => String(at)),
      );
      expect(writer.unsent).toEqual({ bytes: 0, lines: 0 });
      await writer.close();
    });

    it('refuses a line that is too long or holds a newline', async () => {
      const writer = await channel.openWriter();
      expect(await failureOf(writer.write('a'.repeat(MAX_SEND_BYTES)))).toMatchObject({ code: 'limit_exceeded' });
      expect(await failureOf(writer.write('é'.repeat(MAX_SEND_BYTES / 6 + 1)))).toMatchObject({
        code: 'limit_exceeded',
      });
      await expect(writer.write('{}\n{}')).rejects.toThrow('newline');
      expect(writer.unsent).toEqual({ bytes: 0, lines: 0 });
      await writer.close();
    });

    it('can be closed twice, and refuses lines after that', async () => {
      const writer = await channel.openWriter();
      await Promise.all([writer.close(), writer.close()]);
      await writer.close();
      expect(await failureOf(writer.write('{}'))).toMatchObject({ code: 'ended', details: { in_pipe: 'no' } });
    });

    it('delivers a line of 8 MiB whole', async () => {
      await channel.startPeer('node', '-e', `${PRINT} write("a".repeat(8 * 1024 * 1024) + "\\nafter\\n")`);
      const [long, after] = await lines(2);
      expect(long).toMatchObject({ offset: 0, end: 8 * 1024 * 1024 + 1, damage: 'none' });
      expect(long?.text).toBe('a'.repeat(8 * 1024 * 1024));
      expect(after?.text).toBe('after');
    });

    it('delivers a line of 100 MB cut, within bounded memory, and goes on', async () => {
      const bytes = 100 * 1000 * 1000;
      await channel.startPeer(
        'bash',
        '-c',
        `echo before; head -c ${bytes} /dev/zero | tr '\\0' x; printf '\\nafter\\n'`,
      );
      const watched = watchMemory();
      const [before, long, after] = await lines(3);
      expect(watched.growth()).toBeLessThan(64 * 1024 * 1024);
      expect(before?.text).toBe('before');
      expect(long).toEqual({ offset: 7, end: 7 + bytes + 1, damage: 'too_long', text: 'x'.repeat(PREVIEW_BYTES) });
      expect(after).toMatchObject({ text: 'after', offset: 7 + bytes + 1, damage: 'none' });
    });

    it('stays within bounded memory when no newline ever comes', async () => {
      const bytes = 4 * MAX_LINE_BYTES;
      await channel.startPeer('bash', '-c', `echo before; head -c ${bytes} /dev/zero | tr '\\0' x; exec sleep 600`);
      const watched = watchMemory();
      const found: JournalLine[] = [];
      const reading = (async () => {
        for await (const batch of channel.reader.read({ from: 0, follow: true, signal: stop.signal }))
          found.push(...batch);
      })();
      await sleep(1_500);
      stop.abort();
      await reading;
      expect(found.map(({ text }) => text)).toEqual(['before']);
      expect(watched.growth()).toBeLessThan(64 * 1024 * 1024);
    });

    it('shows a line that is not UTF-8 as a preview and takes no harm from it', async () => {
      await channel.startPeer('printf', 'é one\\n\\xff\\xfe bad\\nhalf \\xc3\\n\\xe6\\xbc\\xa2 two\\n');
      expect((await lines(4)).map(({ text, damage }) => [text, damage])).toEqual([
        ['é one', 'none'],
        ['\ufffd\ufffd bad', 'not_utf8'],
        ['half \ufffd', 'not_utf8'],
        ['漢 two', 'none'],
      ]);
    });

    it('follows what is appended later, and gives a line only when it is complete', async () => {
      const writer = await channel.openWriter();
      const answers = '["one", " and a half\\n", "two\\n"]';
      const script = `${PRINT} const all = ${answers};
        require("readline").createInterface({ input: process.stdin }).on("line", (line) => line && write(all[line]));`;
      await channel.startPeer('node', '-e', script);
      const reading = lines(2);
      for (const turn of ['0', '1', '2']) {
        await writer.write(turn);
        await sleep(120);
      }
      expect((await reading).map(({ text }) => text)).toEqual(['one and a half', 'two']);
      await writer.close();
    });

    it('ends at the present end without follow, and reads the same again from any line', async () => {
      await channel.startPeer(
        'bash',
        '-c',
        'for i in $(seq 1 300); do echo "ligne numéro $i"; done; printf unfinished',
      );
      await lines(300);
      const all = await readNow(channel.reader, 0);
      expect(all).toHaveLength(300);
      for (const at of [1, 77, 299])
        expect(await readNow(channel.reader, all[at]?.offset ?? -1)).toEqual(all.slice(at));
      expect(await readNow(channel.reader, all.at(-1)?.end ?? -1)).toEqual([]);
    });

    it('ends quietly when it is aborted, before and while it waits', async () => {
      await channel.startPeer('echo', 'only');
      await lines(1);
      const found: string[] = [];
      for await (const batch of channel.reader.read({ from: 0, follow: true, signal: stop.signal })) {
        found.push(...batch.map(({ text }) => text));
        setImmediate(() => stop.abort());
      }
      expect(found).toEqual(['only']);
      for await (const batch of channel.reader.read({ from: 0, follow: true, signal: stop.signal }))
        expect(batch).toBe('none');
    });
  });
}

/** All lines that are there now. */
export async function readNow(reader: JournalReader, from: number): Promise<JournalLine[]> {
  const found: JournalLine[] = [];
  const signal = new AbortController().signal;
  for await (const batch of reader.read({ from, follow: false, signal })) found.push(...batch);
  return found;
}

/** The FilareError that a promise rejects with, `undefined` when it resolves. */
export async function failureOf(promise: Promise<unknown>): Promise<FilareError | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (error instanceof FilareError) return error;
    throw error;
  }
}

/** Text of characters of every kind and length, the same for the same number. */
function strangeText(number: number): string {
  const points = [
    0x41, 0x7f, 0x85, 0xe9, 0x2028, 0x2029, 0xfeff, 0x6f22, 0xfffd, 0x1f600, 0x0a, 0x00, 0x5c, 0x22, 0x10ffff,
  ];
  const length = (number * 7_919) % 60;
  return Array.from({ length }, (_, at) =>
    String.fromCodePoint(points[(number * 31 + at * at) % points.length] ?? 0),
  ).join('');
}

/** The largest growth of this process's memory, in bytes, since now. */
function watchMemory(): { growth(): number } {
  const before = process.memoryUsage.rss();
  let most = before;
  const look = () => (most = Math.max(most, process.memoryUsage.rss()));
  const timer = setInterval(look, 5);
  return {
    growth() {
      look();
      clearInterval(timer);
      return most - before;
    },
  };
}
