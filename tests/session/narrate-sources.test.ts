import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../src/contract/agent-event.js';
import { narrate } from '../../src/session/narrate-sources.js';
import { createMasker } from '../../src/transcript/mask.js';
import { Narrator } from '../../src/transcript/narrate.js';
import type { StorySource } from '../../src/transcript/story-fact.js';

describe('what a batch of the journal adds to the story', () => {
  it('joins pieces of one item that follow each other, and keeps their text and offset', () => {
    const { pieces } = narrate(
      narrator(),
      told(piece('a', 'one '), piece('a', 'two '), piece('b', 'x'), piece('a', 'three')),
      0,
    );
    expect(pieces.map(({ item_id, offset, text }) => [item_id, offset, text])).toEqual([
      ['a', 0, 'one two '],
      ['b', 0, 'x'],
      ['a', 8, 'three'],
    ]);
  });

  it('knows which pieces came before an entry, so that none is shown after the end of its item', () => {
    const { entries, pieces, pieces_before } = narrate(
      narrator(),
      told(piece('a', 'one '), piece('a', 'two'), done('a', 'one two'), piece('b', 'x')),
      0,
    );
    expect(entries.map((entry) => entry.text)).toEqual(['one two']);
    expect(pieces_before).toEqual([1]);
    expect(pieces.map((one) => one.item_id)).toEqual(['a', 'b']);
  });

  it('joins no pieces over an entry', () => {
    const { pieces, pieces_before } = narrate(
      narrator(),
      told(piece('a', 'one '), done('b', 'done'), piece('a', 'two')),
      0,
    );
    expect(pieces.map((one) => one.text)).toEqual(['one ', 'two']);
    expect(pieces_before).toEqual([1]);
  });

  it('leaves out entries that the transcript has', () => {
    const { entries, pieces_before } = narrate(narrator(), told(done('a', 'one'), done('b', 'two')), 1);
    expect(entries.map((entry) => [entry.seq, entry.text])).toEqual([[2, 'two']]);
    expect(pieces_before).toEqual([0]);
  });
});

function narrator(): Narrator {
  const subject = { session_id: 's', agent_id: 'docs', role: 'DOCUMENTATION', tags: [], asks: () => true };
  return new Narrator(subject, createMasker({}));
}

function piece(item_id: string, text: string): AgentEvent {
  return { type: 'item_piece', turn_id: 't', item_id, kind: 'reply', text };
}

function done(item_id: string, text: string): AgentEvent {
  return { type: 'item_done', turn_id: 't', item: { item_id, kind: 'reply', text, data: {} }, time_ms: null };
}

function told(...events: readonly AgentEvent[]): readonly StorySource[] {
  return events.map((event) => ({ from: 'agent', attempt: 0, time_ms: 0, event }));
}
