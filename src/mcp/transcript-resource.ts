import { ResourceNotFoundError, ResourceTemplate, type McpServer } from '@modelcontextprotocol/server';
import { asFilareError, type ErrorCode } from '../contract/errors.js';
import type { SessionRow } from '../contract/session.js';
import { allowsAgent } from './agent-limit.js';
import type { Offer } from './mcp-server.js';

/** Most sessions that are listed, the newest first. */
const MAX_LISTED = 200;
/** Entries that reading a transcript gives: its last ones. */
const ENTRIES_READ = 200;

const MIME_TYPE = 'application/x-ndjson';

/**
 * Adds the transcripts as resources, one a session: `filare://sessions/{session_id}/transcript`, of the agents within the limit. Clients list resources
 * unasked, as soon as they start: that brings no daemon up, and without one nothing is listed.
 */
export function addTranscripts(server: McpServer, offer: Offer, remember: <T>(call: Promise<T>) => Promise<T>): void {
  const list = async (signal: AbortSignal): Promise<SessionRow[]> => {
    await using fleet = await offer.openFleet({ signal, start_daemon: false }).catch(undefinedIf('bad_state'));
    if (fleet === undefined) return [];
    const rows = (await fleet.sessions({ all: true })).filter((row) => isOffered(offer, row));
    return rows.toSorted((a, b) => b.started_at.localeCompare(a.started_at)).slice(0, MAX_LISTED);
  };
  const read = async (session_id: string, signal: AbortSignal): Promise<string | undefined> => {
    await using fleet = await offer.openFleet({ signal });
    const { row } = await fleet.describe(session_id);
    if (row.session_id !== session_id || !isOffered(offer, row)) return undefined;
    let text = '';
    for await (const event of fleet.tail(session_id, { last: ENTRIES_READ })) {
      if (event.type === 'entry') text += `${JSON.stringify(event.entry)}\n`;
    }
    return text;
  };
  server.registerResource(
    'transcript',
    new ResourceTemplate('filare://sessions/{session_id}/transcript', {
      list: async (context) => ({
        resources: (await remember(list(context.mcpReq.signal))).map((row) => ({
          uri: `filare://sessions/${row.session_id}/transcript`,
          name: row.session_id,
          description: `Transcript of ${row.id} (${row.role}, ${row.phase})`,
        })),
      }),
    }),
    {
      title: 'Transcript',
      description: `What an agent was told, said and did: the last ${ENTRIES_READ} entries, one JSON document a line.`,
      mimeType: MIME_TYPE,
    },
    async (uri, { session_id }, context) => {
      const found = typeof session_id === 'string' ? read(session_id, context.mcpReq.signal) : undefined;
      const text = found === undefined ? undefined : await remember(found).catch(undefinedIf('not_found', 'usage'));
      if (text === undefined) throw new ResourceNotFoundError(uri.href);
      return { contents: [{ uri: uri.href, mimeType: MIME_TYPE, text }] };
    },
  );
}

function isOffered(offer: Offer, row: SessionRow): boolean {
  return offer.limit === undefined || allowsAgent(offer.limit, row);
}

/** For `catch`: these failures mean that there is nothing. */
function undefinedIf(...codes: readonly ErrorCode[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(asFilareError(error).code)) throw error;
  };
}
