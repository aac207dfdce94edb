import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AgentEvent, AgentItem, AgentRequest } from '../../src/contract/agent-event.js';
import { transcriptEntrySchema, type TranscriptEntry } from '../../src/contract/transcript.js';
import { MAX_ENTRY_TEXT } from '../../src/transcript/clean-data.js';
import { createMasker } from '../../src/transcript/mask.js';
import { Narrator, type Told } from '../../src/transcript/narrate.js';
import type { StoryFact, StorySource } from '../../src/transcript/story-fact.js';

const SECRET = 'sk-canary-4711';

function narrator(): Narrator {
  const subject = {
    session_id: 's-1',
    agent_id: 'alpha',
    role: 'FEATURE',
    tags: ['x'],
  };
  return new Narrator(subject, createMasker({ KEY: SECRET }));
}
const agent = (event: AgentEvent, time_ms = 1000, attempt = 1): StorySource => ({
  from: 'agent',
  attempt,
  time_ms,
  event,
});
const fact = (said: StoryFact, time_ms = 1000, attempt = 1): StorySource => ({
  from: 'fact',
  attempt,
  time_ms,
  fact: said,
});
const item = (kind: AgentItem['kind'], text: string, data: AgentItem['data'] = {}, item_id = 'i'): AgentItem => ({
  item_id,
  kind,
  text,
  data,
});
const done = (value: AgentItem): AgentEvent => ({ type: 'item_done', turn_id: 'u', item: value, time_ms: null });
const begun = (value: AgentItem): AgentEvent => ({ type: 'item_started', turn_id: 'u', item: value, time_ms: null });
const piece = (text: string, kind: 'reply' | 'command' = 'reply', item_id = 'i'): AgentEvent => ({
  type: 'item_piece',
  turn_id: 'u',
  item_id,
  kind,
  text,
});
const turnEnds: AgentEvent = { type: 'turn_ended', turn_id: 'u', status: 'completed', error: null, time_ms: null };
const turnBegins: AgentEvent = { type: 'turn_started', turn_id: 'u2', time_ms: null };

function tellAll(
  sources: readonly StorySource[],
  who = narrator(),
): { entries: TranscriptEntry[]; pieces: Told['pieces'] } {
  const told = sources.map((source) => who.tell(source));
  return { entries: told.flatMap((one) => one.entries), pieces: told.flatMap((one) => one.pieces) };
}
const brief = (entries: readonly TranscriptEntry[]) =>
  entries.map((entry) => `${entry.direction} ${entry.from} ${entry.kind}: ${entry.text ?? ''}`);

describe('the story', () => {
  it('numbers entries without a gap, never goes back in time, and knows whose it is', () => {
    const { entries } = tellAll([
      { from: 'branch', branch: 'agents/alpha' },
      fact({ type: 'note', text: 'one', data: {} }, 5000),
      agent(done(item('reply', 'two')), 3000),
      fact({ type: 'warning', text: 'three', data: {} }, 6000),
    ]);
    expect(entries.map((entry) => [entry.seq, entry.timestamp])).toEqual([
      [1, '1970-01-01T00:00:05.000Z'],
      [2, '1970-01-01T00:00:05.000Z'],
      [3, '1970-01-01T00:00:06.000Z'],
    ]);
    expect(entries[1]).toEqual({
      seq: 2,
      timestamp: '1970-01-01T00:00:05.000Z',
      session_id: 's-1',
      role: 'FEATURE',
      branch: 'agents/alpha',
      attempt: 1,
      direction: 'out',
      from: 'alpha',
      kind: 'reply',
      text: 'two',
      requires_operator: false,
      tags: ['x'],
      data: { item_id: 'i', turn_id: 'u' },
    });
    for (const entry of entries) expect(transcriptEntrySchema.parse(entry)).toEqual(entry);
  });

  it('tells a message once, when Codex shows it, with who sent it', () => {
    const shown = (message_id: string | null): AgentEvent => ({
      type: 'message_shown',
      turn_id: 'u',
      message_id,
      text: 'do it',
      time_ms: null,
    });
    const { entries } = tellAll([
      fact({ type: 'message', message_id: 'm-1', from: 'goal', text: 'do it', mode: 'queue' }),
      agent(shown('m-1')),
      agent(done(item('message', 'do it'))),
      agent(shown(null)),
    ]);
    expect(brief(entries)).toEqual(['in goal message: do it', 'in operator message: do it']);
  });

  it('tells a turn: its items, its tokens once, its end', () => {
    const tokens = (total: number): AgentEvent => ({
      type: 'tokens',
      turn_id: 'u',
      total,
      input: 1,
      cached_input: 0,
      output: 1,
      reasoning: 0,
    });
    const { entries } = tellAll([
      agent(turnBegins),
      agent(begun(item('command', 'ls', { status: 'running' }))),
      agent(done(item('command', 'ls', { exit_code: 0, output: 'a' }))),
      agent(tokens(10)),
      agent(tokens(20)),
      agent(done(item('reply', 'listed'))),
      agent(turnEnds),
      agent(tokens(20)),
      agent(turnEnds),
      agent({ ...turnEnds, status: 'failed', error: 'no model' }),
    ]);
    expect(brief(entries)).toEqual([
      'system filare-agents state: turn begins',
      'out alpha command: ls',
      'out alpha reply: listed',
      'system filare-agents usage: 20 tokens',
      'system filare-agents state: turn completed',
      'system filare-agents state: turn completed',
      'system filare-agents error: turn failed: no model',
    ]);
    expect(entries[1]?.data).toMatchObject({ exit_code: 0, output: 'a' });
  });

  it('shows an item as it grows, from where it stood, and stores only the finished one', () => {
    const { entries, pieces } = tellAll([
      agent(begun(item('reply', ''))),
      agent(piece('Hel')),
      agent(piece('lo', 'reply')),
      agent(piece('x', 'command', 'j')),
      agent(done(item('reply', 'Hello'))),
    ]);
    expect(pieces).toEqual([
      { session_id: 's-1', item_id: 'i', kind: 'reply', offset: 0, text: 'Hel' },
      { session_id: 's-1', item_id: 'i', kind: 'reply', offset: 3, text: 'lo' },
      { session_id: 's-1', item_id: 'j', kind: 'command', offset: 0, text: 'x' },
    ]);
    expect(brief(entries)).toEqual(['out alpha reply: Hello']);
  });

  it('tells what was running when the attempt ended: no history but ours has it', () => {
    const killed = [
      agent(begun(item('command', 'make', { command: 'make', status: 'running', output: null }, 'c'))),
      agent(piece('compiling', 'command', 'c')),
      agent(piece('I was about', 'reply', 'r')),
    ];
    const byState = tellAll([
      ...killed,
      fact({ type: 'state', phase: 'backing_off', text: 'attempt 1 ended', data: {} }),
    ]);
    expect(brief(byState.entries)).toEqual([
      'out alpha command: make',
      'out alpha reply: I was about',
      'system filare-agents state: attempt 1 ended',
    ]);
    expect(byState.entries[0]?.data).toMatchObject({ output: 'compiling', unfinished: true });
    const byAttempt = tellAll([...killed, fact({ type: 'note', text: 'again', data: {} }, 1000, 2)]);
    expect(byAttempt.entries.map((entry) => [entry.kind, entry.attempt])).toEqual([
      ['command', 1],
      ['reply', 1],
      ['note', 2],
    ]);
    const byTurn = tellAll([...killed, agent(turnEnds), agent(turnBegins)]);
    expect(byTurn.entries.map((entry) => entry.kind)).toEqual(['state', 'command', 'reply', 'state']);
    expect(
      tellAll([...killed, agent(turnEnds), agent(done(item('command', 'make', {}, 'c')))]).entries.map(
        (entry) => entry.kind,
      ),
    ).toEqual(['state', 'command']);
  });

  it('tells prompts and decisions, and a prompt that Codex closed by itself', () => {
    const request: AgentRequest = {
      request_id: 0,
      method: 'item/commandExecution/requestApproval',
      kind: 'approval',
      reason: 'why',
      summary: 'Run ls',
      action: { type: 'command', command: 'ls' },
      choices: ['accept', 'decline'],
      turn_id: 'u',
      item_id: 'i',
    };
    const who = narrator();
    const asked = tellAll([agent({ type: 'request', request, time_ms: null })], who).entries[0];
    expect(asked).toMatchObject({
      kind: 'prompt',
      requires_operator: true,
      text: 'Run ls',
      data: { requested_action: { command: 'ls' }, choices: ['accept', 'decline'] },
    });
    const prompt_id = String(asked?.data?.['prompt_id']);
    const decided = tellAll(
      [
        fact({
          type: 'decision',
          prompt_id,
          outcome: 'approved',
          remember: null,
          choice: 'accept',
          by: 'policy',
          rule: 'approve',
          reason: null,
        }),
        agent({ type: 'request_closed', request_id: 0 }),
        agent({ type: 'request', request: { ...request, request_id: 1 }, time_ms: null }),
        agent({ type: 'request_closed', request_id: 1 }),
      ],
      who,
    );
    expect(brief(decided.entries)).toEqual([
      'system policy decision: accept (approve)',
      'out alpha prompt: Run ls',
      'system filare-agents decision: closed by Codex before it was decided',
    ]);
  });

  it('shows what Codex warns of, retries, fails in, and says that we do not know', () => {
    const { entries } = tellAll([
      agent({ type: 'warning', text: 'w', data: {} }),
      agent({ type: 'error', text: 'reset', will_retry: true, turn_id: 'u', data: {} }),
      agent({ type: 'error', text: 'gone', will_retry: false, turn_id: 'u', data: {} }),
      agent({ type: 'unknown', method: 'new/thing', params: { a: 1 } }),
      agent({ type: 'unparsed', reason: 'not_json', preview: 'panic', bytes: 5 }),
      agent({ type: 'response', id: 1, error: { code: -1, message: 'no' } }),
      agent({ type: 'response', id: 1, result: {} }),
      agent({ type: 'quiet', method: 'x' }),
    ]);
    expect(brief(entries)).toEqual([
      'out codex warning: w',
      'out codex warning: reset (Codex tries again)',
      'out codex error: gone',
      'out codex raw: new/thing',
      'out codex raw: panic',
      'system filare-agents error: Codex refused a request: no',
    ]);
  });

  it('lets no secret through: not in texts, data, names of fields, or across pieces', () => {
    const encoded = Buffer.from(SECRET).toString('base64');
    const { entries, pieces } = tellAll([
      agent(piece('key: sk-can')),
      agent(piece('ary-47')),
      agent(piece('11 end')),
      agent(done(item('command', `echo ${SECRET}`, { output: `${SECRET}\n${encoded}`, [SECRET]: [{ deep: SECRET }] }))),
      agent({ type: 'unknown', method: SECRET, params: { a: SECRET } }),
    ]);
    const all = JSON.stringify([entries, pieces]);
    expect(all).not.toContain(SECRET);
    expect(all).not.toContain(encoded);
    expect(pieces.map((one) => one.text).join('')).toBe('key: [masked:KEY] end');
  });

  it('bounds an entry, and says what is missing', () => {
    const { entries } = tellAll([
      agent(done(item('reply', `${'a'.repeat(MAX_ENTRY_TEXT - 1)}😀!`))),
      agent(done(item('command', 'x', { a: 'b'.repeat(MAX_ENTRY_TEXT), c: 'd'.repeat(10) }))),
    ]);
    expect(entries[0]?.text).toMatch(/a… \(3 more characters are in the journal\)$/);
    expect(JSON.stringify(entries[1]?.data).length).toBeLessThan(MAX_ENTRY_TEXT + 1000);
  });

  it('is the same told twice', () => {
    const event = fc.oneof(
      fc.constantFrom(turnBegins, turnEnds),
      fc.string().map((text) => piece(text)),
      fc.string().map((text) => done(item('reply', text))),
      fc.string().map((text) => begun(item('command', text))),
    );
    const sources = fc.array(
      fc.oneof(
        fc
          .tuple(event, fc.nat(9), fc.integer({ min: 1, max: 3 }))
          .map(([one, time, attempt]) => agent(one, time, attempt)),
        fc.string().map((text) => fact({ type: 'note', text, data: {} })),
      ),
    );
    fc.assert(
      fc.property(sources, (story) => {
        const once = tellAll(story);
        expect(JSON.stringify(tellAll(story))).toBe(JSON.stringify(once));
        expect(once.entries.map((entry) => entry.seq)).toEqual(once.entries.map((_entry, index) => index + 1));
      }),
      { numRuns: 500 },
    );
  });
});
