import { transcriptEntrySchema } from '../contract/transcript.js';
import { exportEntry, type ExportEntry } from './export-entry.js';
import { showHidden } from './sanitize.js';
import { transcriptLines } from './transcript-lines.js';

const PREVIEW_CHARS = 1_000;

/** Every entry of the transcript at `path`, to be shown; a line that is none is shown as what it is. Changes nothing. */
export async function* transcriptEntries(path: string): AsyncGenerator<ExportEntry, void, undefined> {
  let last = 0;
  for await (const { bytes, line } of transcriptLines(path)) {
    const text = bytes.toString('utf8');
    const entry = transcriptEntrySchema.safeParse(parsed(text));
    if (entry.success) {
      last = entry.data.seq;
      yield exportEntry(entry.data);
      continue;
    }
    const parts = [{ label: 'raw', text: showHidden(text.slice(0, PREVIEW_CHARS)) }];
    yield { seq: last, kind: 'raw', direction: 'system', title: `line ${line} of its file is no entry`, parts };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
