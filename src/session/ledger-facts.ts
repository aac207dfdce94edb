import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { sessionRecordSchema, type SessionFact } from './record.js';

/** The facts of a session's ledger, in order, read only as far as somebody asks. Throws at a line that is no record, and as reading does. */
export async function* ledgerFacts(ledger: string): AsyncGenerator<SessionFact, void, undefined> {
  const file = createReadStream(ledger, 'utf8');
  const lines = createInterface({ input: file, crlfDelay: Infinity });
  try {
    for await (const line of lines) yield sessionRecordSchema.parse(JSON.parse(line)).fact;
  } finally {
    lines.close();
    file.destroy();
  }
}
