import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventFeed, eventBlock, MAX_FEED_BYTES } from '../../src/daemon/event-feed.js';
import { eventually } from '../support/fleet-rig.js';

describe('a reader of events', () => {
  let feed: EventFeed;
  let reader: IncomingMessage;
  let end: () => Promise<void>;

  beforeEach(async () => {
    let opened: EventFeed | undefined;
    const server = createServer((_request, response) => {
      opened = new EventFeed(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    reader = await new Promise<IncomingMessage>((resolve) => get({ port, host: '127.0.0.1' }, resolve));
    if (opened === undefined) throw new Error('no feed was opened');
    feed = opened;
    end = () =>
      new Promise((resolve) => {
        reader.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      });
  });

  afterEach(async () => {
    feed.end();
    await end();
  });

  it('who is too slow holds up nobody, is told what it missed, and then gets what is new', async () => {
    reader.pause();
    const big = 'x'.repeat(64 * 1024);
    let sent = 0;
    let seq = 0;
    // Far past the bound: the kernel's buffers hold some, then the feed drops instead of growing.
    while (sent < 4 * MAX_FEED_BYTES) {
      seq += 1;
      feed.send(eventBlock('entry', { seq, big }, seq), 1, seq - 1);
      sent += big.length;
    }
    expect(feed.behind).toBe(true);
    let text = '';
    reader.on('data', (data: Buffer) => (text += data.toString()));
    reader.resume();
    await eventually('it is told what it missed', () => text.includes('event: resync'));
    const told = JSON.parse(/event: resync\ndata: (.*)\n/.exec(text)?.[1] ?? '{}') as { after: number; missed: number };
    const seen = [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(seen).toEqual(Array.from({ length: told.after }, (_, at) => at + 1));
    expect(told.after + told.missed).toBe(seq);
    expect(feed.send(eventBlock('entry', { seq: seq + 1 }, seq + 1), 1, seq)).toBe(true);
    await eventually('what is new arrives', () => text.includes(`id: ${String(seq + 1)}\n`));
  });

  it('who goes away is forgotten', async () => {
    reader.destroy();
    await eventually('the feed is closed', () => feed.closed);
    expect(feed.send('x', 1, 0)).toBe(false);
    await feed.room();
  });
});
