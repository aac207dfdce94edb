import type { Piece, TranscriptEntry } from '../contract/transcript.js';
import type { Narrator } from '../transcript/narrate.js';
import type { StorySource } from '../transcript/story-fact.js';

/** What sources add to the story, in order: `pieces_before` says for each entry how many of the pieces came before it. */
export interface Narrated {
  readonly entries: readonly TranscriptEntry[];
  readonly pieces: readonly Piece[];
  readonly pieces_before: readonly number[];
}

/**
 * Tells the sources; entries up to `known` are in the transcript already and left out. Pieces of one item that follow each other become one: what
 * is read together is shown together.
 */
export function narrate(narrator: Narrator, sources: readonly StorySource[], known: number): Narrated {
  const entries: TranscriptEntry[] = [];
  const pieces: Piece[] = [];
  const pieces_before: number[] = [];
  let joins = false;
  for (const source of sources) {
    const told = narrator.tell(source);
    for (const piece of told.pieces) {
      const last = joins ? pieces.at(-1) : undefined;
      if (last?.item_id === piece.item_id && last.kind === piece.kind)
        pieces[pieces.length - 1] = { ...last, text: last.text + piece.text };
      else pieces.push(piece);
      joins = true;
    }
    for (const entry of told.entries) {
      if (entry.seq <= known) continue;
      entries.push(entry);
      pieces_before.push(pieces.length);
      joins = false;
    }
  }
  return { entries, pieces, pieces_before };
}
