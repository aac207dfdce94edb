import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalLine } from '../../src/channel/channel.js';
import type { AgentEvent } from '../../src/contract/agent-event.js';
import { NOTIFICATION_READERS } from '../../src/codex/notifications.js';
import { observe } from '../../src/codex/observe.js';
import { withItem } from '../../src/codex/request.js';

function line(message: unknown): JournalLine {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  return { offset: 100, end: 101 + Buffer.byteLength(text), text, damage: 'none' };
}
const see = (message: unknown, ours: string | null = 'T'): readonly AgentEvent[] => observe(line(message), ours);
const item = (type: string, fields: Record<string, unknown>): AgentEvent | undefined =>
  see({
    method: 'item/completed',
    params: { threadId: 'T', turnId: 'u', completedAtMs: 7, item: { id: 'i', type, ...fields } },
  })[0];

describe('what a journal line says', () => {
  it('tells pieces of a reply, of a plan, of reasoning and of output', () => {
    const delta = (method: string) =>
      see({ method, params: { threadId: 'T', turnId: 'u', itemId: 'i', delta: 'x' } })[0];
    expect(delta('item/agentMessage/delta')).toEqual({
      type: 'item_piece',
      turn_id: 'u',
      item_id: 'i',
      kind: 'reply',
      text: 'x',
    });
    expect(delta('item/plan/delta')).toMatchObject({ kind: 'plan' });
    expect(delta('item/reasoning/summaryTextDelta')).toMatchObject({ kind: 'reasoning' });
    expect(delta('item/commandExecution/outputDelta')).toMatchObject({ kind: 'command' });
  });

  it('shows a message of ours by its id, once', () => {
    const message = {
      id: 'i',
      type: 'userMessage',
      clientId: 'm-1',
      content: [
        { type: 'text', text: 'do it' },
        { type: 'localImage', path: '/w/a.png' },
      ],
    };
    const params = { threadId: 'T', turnId: 'u', startedAtMs: 5, completedAtMs: 5, item: message };
    expect(see({ method: 'item/started', params })).toEqual([
      { type: 'message_shown', turn_id: 'u', message_id: 'm-1', text: 'do it\n[localImage: /w/a.png]', time_ms: 5 },
    ]);
    expect(see({ method: 'item/completed', params })).toEqual([{ type: 'quiet', method: 'item/completed' }]);
  });

  it('reads commands as people wrote them, and keeps what ran', () => {
    const command = "/bin/bash -c 'echo '\\''a b'\\'' | wc'";
    expect(
      item('commandExecution', {
        command,
        cwd: '/w',
        status: 'completed',
        exitCode: 3,
        aggregatedOutput: 'out',
        durationMs: 9,
      }),
    ).toEqual({
      type: 'item_done',
      turn_id: 'u',
      time_ms: 7,
      item: {
        item_id: 'i',
        kind: 'command',
        text: "echo 'a b' | wc",
        data: { command, cwd: '/w', exit_code: 3, output: 'out', duration_ms: 9, status: 'completed' },
      },
    });
    expect(item('commandExecution', { command: "bash -c 'a' b" })).toMatchObject({ item: { text: "bash -c 'a' b" } });
  });

  it('reads file changes, tools and plans', () => {
    expect(
      item('fileChange', { status: 'completed', changes: [{ path: '/w/a', kind: { type: 'add' }, diff: '+x' }] }),
    ).toMatchObject({
      item: { kind: 'file_change', text: 'add /w/a', data: { changes: [{ path: '/w/a', kind: 'add', diff: '+x' }] } },
    });
    expect(
      item('mcpToolCall', { server: 's', tool: 't', arguments: { a: 1 }, status: 'failed', error: { message: 'no' } }),
    ).toMatchObject({
      item: { kind: 'tool', text: 's.t {"a":1}', data: { server: 's', tool: 't', error: 'no', status: 'failed' } },
    });
    expect(
      see({
        method: 'turn/plan/updated',
        params: {
          threadId: 'T',
          turnId: 'u',
          explanation: 'why',
          plan: [
            { step: 'one', status: 'completed' },
            { step: 'two', status: 'inProgress' },
          ],
        },
      })[0],
    ).toMatchObject({
      type: 'plan',
      text: 'why\n[x] one\n[>] two',
      data: {
        steps: [
          { step: 'one', status: 'completed' },
          { step: 'two', status: 'running' },
        ],
      },
    });
  });

  it('takes the time from when Codex said it', () => {
    const turn = { id: 'u', status: 'failed', error: { message: 'no model' }, startedAt: 10, completedAt: 12 };
    expect(see({ method: 'turn/completed', params: { threadId: 'T', turn }, emittedAtMs: 12_345 })).toEqual([
      { type: 'turn_ended', turn_id: 'u', status: 'failed', error: 'no model', time_ms: 12_345 },
    ]);
    expect(see({ method: 'turn/started', params: { threadId: 'T', turn } })).toEqual([
      { type: 'turn_started', turn_id: 'u', time_ms: 10_000 },
    ]);
  });

  it('keeps the notifications of other threads out of the story, but never their requests', () => {
    const params = { threadId: 'side', turnId: 'u', itemId: 'i', delta: 'x' };
    expect(see({ method: 'item/agentMessage/delta', params })).toEqual([
      { type: 'quiet', method: 'item/agentMessage/delta' },
    ]);
    expect(see({ method: 'thread/started', params: { thread: { id: 'side' } } })).toEqual([
      { type: 'quiet', method: 'thread/started' },
    ]);
    expect(see({ method: 'thread/started', params: { thread: { id: 'first' } } }, null)).toEqual([
      { type: 'thread_started', thread_id: 'first' },
    ]);
    expect(see({ method: 'item/fileChange/requestApproval', id: 4, params })[0]).toMatchObject({
      type: 'request',
      request: { request_id: 4, kind: 'approval' },
    });
  });

  it('turns errors and warnings into what a reader needs', () => {
    expect(
      see({
        method: 'error',
        params: {
          threadId: 'T',
          turnId: 'u',
          willRetry: true,
          error: { message: 'Reconnecting', additionalDetails: 'reset' },
        },
      })[0],
    ).toMatchObject({
      type: 'error',
      text: 'Reconnecting: reset',
      will_retry: true,
      turn_id: 'u',
    });
    expect(see({ method: 'warning', params: { threadId: null, message: 'w' } })[0]).toMatchObject({
      type: 'warning',
      text: 'w',
    });
    expect(see({ method: 'hook/started', params: { threadId: 'T', run: { sourcePath: '/x' } } })[0]).toMatchObject({
      type: 'warning',
    });
  });

  it('hands on answers to our requests, and greets', () => {
    expect(see({ id: 'p-1', result: { turn: { id: 'u' } } })).toEqual([
      { type: 'message_accepted', turn_id: 'u' },
      { type: 'response', id: 'p-1', result: { turn: { id: 'u' } } },
    ]);
    expect(see({ id: 'p-1', result: { turnId: 'u' } })[0]).toEqual({ type: 'message_accepted', turn_id: 'u' });
    expect(see({ id: 'p-1', error: { code: -1, message: 'no' } })).toEqual([
      { type: 'response', id: 'p-1', error: { code: -1, message: 'no' } },
    ]);
    expect(see({ id: 'p-1', result: { userAgent: 'codex/1' } })[0]).toEqual({
      type: 'initialized',
      user_agent: 'codex/1',
    });
    expect(see({ method: 'serverRequest/resolved', params: { threadId: 'T', requestId: 0 } })).toEqual([
      { type: 'request_closed', request_id: 0 },
    ]);
  });

  it('shows what it does not know, and never fails', () => {
    expect(see({ method: 'new/thing', params: { a: 1 } })).toEqual([
      { type: 'unknown', method: 'new/thing', params: { a: 1 } },
    ]);
    expect(see({ method: 'constructor', params: {} })).toEqual([
      { type: 'unknown', method: 'constructor', params: {} },
    ]);
    expect(see({ method: 'new/request', id: 9, params: {} })[0]).toMatchObject({
      type: 'request',
      request: { kind: 'other', request_id: 9 },
    });
    expect(item('brandNew', { a: 1 })).toMatchObject({
      type: 'item_done',
      item: { kind: 'note', data: { item: { a: 1 } } },
    });
    expect(item('__proto__', {})).toMatchObject({ item: { kind: 'note' } });
    expect(see('')).toEqual([]);
    expect(see('thread panicked')).toEqual([
      { type: 'unparsed', reason: 'not_json', preview: 'thread panicked', bytes: 16 },
    ]);
    expect(observe({ ...line('xx'), damage: 'not_utf8' }, 'T')).toMatchObject([
      { type: 'unparsed', reason: 'not_utf8' },
    ]);
    fc.assert(
      fc.property(
        fc.constantFrom(...NOTIFICATION_READERS.keys()),
        fc.anything(),
        fc.option(fc.anything()),
        (method, params, id) => {
          let text: string;
          try {
            text = JSON.stringify({ method, params, ...(id === null ? {} : { id }) });
          } catch {
            return;
          }
          for (const event of see(text)) expect(event.type).toBeTypeOf('string');
        },
      ),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.string(), (text) => void see(text)),
      { numRuns: 2000 },
    );
  });
});

describe('a request of Codex', () => {
  const command = (fields: Record<string, unknown>) =>
    see({
      method: 'item/commandExecution/requestApproval',
      id: 0,
      params: { kind: 'command', threadId: 'T', turnId: 'u', itemId: 'i', startedAtMs: 3, ...fields },
    })[0];

  it('says in one sentence what would run, where, and how much is not shown', () => {
    expect(
      command({
        command: "/bin/bash -c 'rm -rf /'",
        cwd: '/w',
        reason: 'cleaning',
        availableDecisions: ['accept', { acceptWithExecpolicyAmendment: {} }, 'cancel'],
      }),
    ).toEqual({
      type: 'request',
      time_ms: 3,
      request: {
        request_id: 0,
        method: 'item/commandExecution/requestApproval',
        kind: 'approval',
        reason: 'cleaning',
        summary: 'Run in /w: rm -rf /',
        action: { type: 'command', command: "/bin/bash -c 'rm -rf /'", script: 'rm -rf /', cwd: '/w' },
        choices: ['accept', 'decline', 'cancel'],
        turn_id: 'u',
        item_id: 'i',
      },
    });
    expect(command({ command: `echo ${'a\n'.repeat(1000)}`, cwd: '/w' })).toMatchObject({
      request: { summary: expect.stringMatching(/^Run in \/w: echo a a .*… \(\d+ more characters\)$/) as string },
    });
  });

  it('offers accept only where Codex does, and always a way to say no', () => {
    expect(command({ command: 'x', availableDecisions: ['cancel'] })).toMatchObject({
      request: { choices: ['decline', 'cancel'] },
    });
  });

  it('tells a network approval and typing into a running command apart', () => {
    expect(command({ networkApprovalContext: { host: 'x.org', protocol: 'https' } })).toMatchObject({
      request: { summary: 'Reach x.org over https', action: { type: 'network' } },
    });
    expect(command({ kind: 'writeStdin', command: 'y\n' })).toMatchObject({ request: { action: { stdin: true } } });
  });

  it('of a file change can be told with what it would change', () => {
    const asked = see({
      method: 'item/fileChange/requestApproval',
      id: 1,
      params: { threadId: 'T', turnId: 'u', itemId: 'i', grantRoot: null },
    })[0];
    const change = item('fileChange', {
      changes: [{ path: '/w/a', kind: { type: 'delete' }, diff: '' }],
      status: 'inProgress',
    });
    if (asked?.type !== 'request' || change?.type !== 'item_done') throw new Error('not the events of this test');
    expect(withItem(asked.request, change.item)).toMatchObject({
      summary: 'Change 1 file (+0 −0): delete /w/a',
      action: { changes: [{ path: '/w/a', kind: 'delete' }] },
    });
  });
});
