import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChannelWriter } from '../../src/channel/channel.js';
import { FilareError } from '../../src/contract/errors.js';
import { CodexConnection } from '../../src/codex/connection.js';

/** A channel that keeps what is written; it fails when told to. */
class Sheet implements ChannelWriter {
  readonly lines: string[] = [];
  readonly unsent = { bytes: 0, lines: 0 };
  failure: Error | null = null;
  write(line: string): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure);
    this.lines.push(line);
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  get last(): { id: string; method: string; params: unknown } {
    return JSON.parse(this.lines.at(-1) ?? '{}') as { id: string; method: string; params: unknown };
  }
}

describe('a connection to Codex', () => {
  let sheet: Sheet;
  let codex: CodexConnection;
  beforeEach(() => {
    vi.useFakeTimers();
    sheet = new Sheet();
    codex = new CodexConnection({ writer: sheet, id_prefix: '3-x' });
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it('gives each request an id of this hold and resolves it with its own answer', async () => {
    const one = codex.request('turn/interrupt', { threadId: 't', turnId: 'u' });
    const two = codex.startTurn('t', { message_id: 'm-1', text: 'hi', images: ['/w/a.png'] });
    await vi.advanceTimersByTimeAsync(0);
    expect(sheet.lines.map((text) => (JSON.parse(text) as { id: string }).id)).toEqual(['3-x-1', '3-x-2']);
    expect(sheet.last).toMatchObject({
      method: 'turn/start',
      params: {
        threadId: 't',
        clientUserMessageId: 'm-1',
        input: [
          { type: 'text', text: 'hi' },
          { type: 'localImage', path: '/w/a.png' },
        ],
      },
    });
    codex.take({ type: 'response', id: '3-x-2', result: { turn: { id: 'u2' } } });
    codex.take({ type: 'response', id: '3-x-1', result: {} });
    await expect(two).resolves.toMatchObject({ turn: { id: 'u2' } });
    await expect(one).resolves.toEqual({});
  });

  it('ignores and counts answers that nothing waits for', async () => {
    const one = codex.request('turn/steer', { threadId: 't', expectedTurnId: 'u', input: [] });
    codex.take({ type: 'response', id: '2-w-1', result: {} });
    codex.take({ type: 'response', id: 0, result: {} });
    codex.take({ type: 'response', id: '3-x-1', result: { turnId: 'u' } });
    codex.take({ type: 'response', id: '3-x-1', result: { turnId: 'other' } });
    await expect(one).resolves.toEqual({ turnId: 'u' });
    expect(codex.stray).toEqual({ unknown: 2, late: 1 });
  });

  it('gives up at the deadline, with the signal, and when writing fails', async () => {
    const slow = expect(codex.request('thread/loaded/list', {}, { deadline_ms: 500 })).rejects.toMatchObject({
      code: 'timeout',
    });
    await vi.advanceTimersByTimeAsync(500);
    await slow;
    const ending = new AbortController();
    const aborted = expect(codex.request('thread/loaded/list', {}, { signal: ending.signal })).rejects.toThrow(
      'stop it',
    );
    ending.abort(new Error('stop it'));
    await aborted;
    sheet.failure = new FilareError({ code: 'limit_exceeded', message: 'the agent does not read' });
    await expect(codex.request('thread/loaded/list', {})).rejects.toMatchObject({ code: 'limit_exceeded' });
  });

  it('says what Codex refused, and what it cannot read', async () => {
    const refused = codex.request('thread/read', { threadId: 't' });
    codex.take({ type: 'response', id: '3-x-1', error: { code: -32600, message: 'thread not found' } });
    await expect(refused).rejects.toMatchObject({
      code: 'bad_state',
      message: 'Codex refused thread/read: thread not found',
    });
    const odd = codex.request('thread/read', { threadId: 't' });
    codex.take({ type: 'response', id: '3-x-2', result: { thread: 7 } });
    await expect(odd).rejects.toMatchObject({ code: 'version_mismatch' });
  });

  it('rejects all that waits with the first cause of closing, and all that comes later', async () => {
    const first = new Error('the container is gone');
    const waiting = [codex.request('thread/loaded/list', {}), codex.request('thread/read', { threadId: 't' })];
    const rejected = waiting.map((wait) => expect(wait).rejects.toBe(first));
    codex.close(first);
    codex.close(new Error('again'));
    await Promise.all(rejected);
    await expect(codex.request('thread/loaded/list', {})).rejects.toBe(first);
    await expect(codex.respond(0, {})).rejects.toBe(first);
  });

  it('writes ASCII only, on one line', async () => {
    await codex.respond(4, { text: 'é\n\u2028😀\u007f' });
    expect(sheet.lines).toEqual(['{"id":4,"result":{"text":"\\u00e9\\n\\u2028\\ud83d\\ude00\\u007f"}}']);
    expect(JSON.parse(sheet.lines[0] ?? '')).toEqual({ id: 4, result: { text: 'é\n\u2028😀\u007f' } });
  });

  it('refuses a message that Codex would refuse, before anything is written', async () => {
    await expect(codex.startTurn('t', { message_id: 'm', text: 'a'.repeat(1_048_577) })).rejects.toMatchObject({
      code: 'limit_exceeded',
    });
    expect(sheet.lines).toEqual([]);
  });
});
