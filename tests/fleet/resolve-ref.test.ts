import { describe, expect, it } from 'vitest';
import type { SessionRow } from '../../src/contract/session.js';
import { resolveRef } from '../../src/fleet/resolve-ref.js';
import { firstState } from '../../src/session/apply.js';
import { toRow } from '../../src/session/row.js';
import { agentSpec } from '../support/agent-spec.js';

function row(id: string, session_id: string, started_ms: number): SessionRow {
  const state = firstState(
    session_id,
    { type: 'created', agent: agentSpec({ id }), rehearsal: null, by: 'x' },
    started_ms,
  );
  return toRow(state, { codex_home: '/x', transcript: '/x', health: 'ok', manifest_changed: false, trouble: null });
}

const ROWS = [
  row('docs', 'docs-1', 1),
  row('docs', 'docs-2', 2),
  row('docs-1', 'docs-1-9', 3),
  row('api', 'api-20261122-aa', 4),
  row('api2', 'api-20261122-ab', 5),
];

describe('what a user types for a session', () => {
  it('an agent’s id is its latest session, before anything else', () => {
    expect(resolveRef('docs', ROWS)).toBe('docs-2');
    expect(resolveRef('docs-1', ROWS)).toBe('docs-1-9');
  });

  it('an exact session id, then a unique beginning', () => {
    expect(resolveRef('docs-2', ROWS)).toBe('docs-2');
    expect(resolveRef('api-20261122-ab', ROWS)).toBe('api-20261122-ab');
    expect(resolveRef('docs-1-', ROWS)).toBe('docs-1-9');
  });

  it('what fits several is a usage error with the candidates, what fits none is not found', () => {
    expect(() => resolveRef('api-', ROWS)).toThrow(
      expect.objectContaining({ code: 'usage', details: { candidates: ['api-20261122-aa', 'api-20261122-ab'] } }),
    );
    expect(() => resolveRef('nobody', ROWS)).toThrow(expect.objectContaining({ code: 'not_found' }));
  });
});
