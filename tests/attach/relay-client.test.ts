import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ALIVE_PATH, Relay } from '../../src/attach/relay.js';
import { BY_ATTACH, MAX_PASSED, PASS_MS, RelayClient, type AttachedSession } from '../../src/attach/relay-client.js';
import { FilareError } from '../../src/contract/errors.js';
import { apply, firstState } from '../../src/session/apply.js';
import type { SessionFact } from '../../src/session/record.js';
import { observe } from '../../src/codex/observe.js';
import type { Session } from '../../src/session/session.js';
import { onlyOnce } from '../../src/session/only-once.js';
import type { SessionState } from '../../src/session/state.js';
import { agentSpec } from '../support/agent-spec.js';
import { policy } from '../support/policy.js';

const of = { threadId: 'T', turnId: 'u' };
const APPROVAL = {
  id: 0,
  method: 'item/commandExecution/requestApproval',
  params: {
    ...of,
    itemId: 'i',
    command: "/bin/bash -lc 'git push'",
    cwd: '/w',
    proposedExecpolicyAmendment: ['git', 'push'],
    availableDecisions: ['accept', { acceptWithExecpolicyAmendment: {} }, 'cancel'],
  },
};

class Place implements AttachedSession {
  state: SessionState;
  readonly passed: { id: string; method: string; params: unknown }[] = [];
  readonly decided: unknown[] = [];
  readonly sent: unknown[] = [];
  readonly interrupted: string[] = [];
  readonly refused: string[] = [];
  failure: FilareError | null = null;
  said: Record<string, unknown>[] = [];
  readonly client = new RelayClient({
    session: this,
    thread_id: 'T',
    id_prefix: 'attached-x-1',
    say: (message) => this.said.push(message as Record<string, unknown>),
    refused: (message) => this.refused.push(message),
    signal: new AbortController().signal,
  });

  constructor() {
    const agent = agentSpec({ id: 'docs' });
    this.state = firstState('s', { type: 'created', agent, rehearsal: null, by: 'x' }, 0);
    this.fact({ type: 'attempt_begun', thread_id: null });
    this.fact({ type: 'container_created', container_id: 'c', container_name: 'n', image_id: 'i' });
    this.fact({ type: 'running', thread_id: 'T', resumed: false });
    this.journal({ method: 'turn/started', params: { threadId: 'T', turn: { id: 'u', status: 'inProgress' } } });
  }

  fact(fact: SessionFact): void {
    this.state = apply(this.state, { from: 'ledger', fact, time_ms: 1 }, policy);
  }

  /** A line that Codex wrote: the session takes it in, then the client. */
  journal(message: unknown): void {
    const text = JSON.stringify(message);
    const line = { offset: 0, end: text.length + 1, text, damage: 'none' } as const;
    for (const event of observe(line, 'T'))
      this.state = apply(this.state, { from: 'agent', event: onlyOnce(this.state, event), time_ms: 1 }, policy);
    this.client.takeLine(line);
  }

  /** A line of the client; answers with what it was told since. */
  async tell(message: unknown): Promise<readonly Record<string, unknown>[]> {
    this.said = [];
    this.client.takeText(typeof message === 'string' ? message : JSON.stringify(message));
    await new Promise((go) => setImmediate(go));
    return this.said;
  }

  pass(id: string, method: string, params: unknown): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure);
    this.passed.push({ id, method, params });
    return Promise.resolve();
  }
  decide(...given: unknown[]): ReturnType<AttachedSession['decide']> {
    if (this.failure !== null) return Promise.reject(this.failure);
    this.decided.push(given);
    return Promise.resolve({ rule: null }) as unknown as ReturnType<AttachedSession['decide']>;
  }
  send(request: unknown): ReturnType<AttachedSession['send']> {
    this.sent.push(request);
    if (this.failure !== null) return Promise.reject(this.failure);
    return Promise.resolve({ message_id: 'm', session_id: 's', delivery: 'accepted', turn_id: 'u2' });
  }
  interrupt(by: string): Promise<void> {
    this.interrupted.push(by);
    return Promise.resolve();
  }
}

let at: Place;
beforeEach(() => {
  at = new Place();
  at.said = [];
});
const methods = (): unknown[] => at.said.map((message) => message['method']);

describe('a question of an attached terminal', () => {
  it('goes to Codex under an id of ours, and its answer comes back under its own', async () => {
    expect(await at.tell({ id: 7, method: 'model/list', params: { limit: 1 } })).toEqual([]);
    expect(at.passed).toEqual([{ id: 'attached-x-1-1', method: 'model/list', params: { limit: 1 } }]);
    at.journal({ id: 'attached-x-2-1', result: 'for another terminal' });
    at.journal({ id: '1-abc-1', result: 'for the daemon' });
    at.journal({ id: 'attached-x-1-1', result: { data: [] } });
    at.journal({ id: 'attached-x-1-1', result: 'twice' });
    expect(at.said).toEqual([{ id: 7, result: { data: [] } }]);
  });

  it('is answered with an error when Codex does not, cannot be reached, or when there are too many', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await at.tell({ id: 1, method: 'model/list' });
    vi.advanceTimersByTime(PASS_MS);
    expect(at.said).toMatchObject([
      { id: 1, error: { message: expect.stringContaining('did not answer') as unknown } },
    ]);
    vi.useRealTimers();
    at.failure = new FilareError({ code: 'bad_state', message: 'away' });
    expect(await at.tell({ id: 2, method: 'model/list' })).toMatchObject([{ id: 2, error: { message: 'away' } }]);
    at.failure = null;
    for (let n = 0; n < MAX_PASSED; n += 1) await at.tell({ id: `q${n}`, method: 'model/list' });
    expect(await at.tell({ id: 'more', method: 'model/list' })).toMatchObject([{ id: 'more', error: {} }]);
    at.client.close();
  });

  it('changes nothing when it is garbage, or of a kind that is not done here', async () => {
    for (const line of [
      '',
      '{',
      '[]',
      '{"id":0}',
      '{"method":"initialized"}',
      '{"id":99,"result":{"decision":"accept"}}',
    ])
      expect(await at.tell(line)).toEqual([]);
    expect(await at.tell({ id: 1, method: 'thread/archive', params: { threadId: 'T' } })).toMatchObject([
      { error: {} },
    ]);
    expect(at.refused).toHaveLength(1);
    expect([at.passed, at.decided, at.sent]).toEqual([[], [], []]);
  });
});

describe('a request of Codex', () => {
  it('is shown with the answers that we carry, once, and its answer is a decision of ours', async () => {
    at.journal(APPROVAL);
    at.journal(APPROVAL);
    expect(at.said).toMatchObject([
      { id: 0, params: { availableDecisions: ['accept', 'decline', 'cancel'], proposedExecpolicyAmendment: null } },
    ]);
    expect(at.state.requests).toHaveLength(1);
    await at.tell({ id: 0, result: { decision: 'accept' } });
    const [open] = at.state.requests;
    const decision = { choice: 'accept', reason: null, by: BY_ATTACH, revision: open?.revision, remember: null };
    expect(at.decided).toEqual([[open?.prompt_id, decision]]);
    expect(at.passed).toEqual([]);
  });

  it('is shown again to a terminal that joins anew, and to none once it is decided or closed', async () => {
    at.journal(APPROVAL);
    await at.tell({ id: 1, method: 'thread/resume', params: { threadId: 'T' } });
    at.journal(APPROVAL);
    expect(at.said).toHaveLength(1);
    const prompt_id = at.state.requests[0]?.prompt_id ?? '';
    at.fact({
      type: 'decision',
      prompt_id,
      request_id: 0,
      choice: 'accept',
      by: 'x',
      reason: null,
      rule: null,
      outcome: 'approved',
    });
    await at.tell({ id: 2, method: 'thread/resume', params: { threadId: 'T' } });
    at.journal(APPROVAL);
    expect(at.said).toEqual([]);
    at.journal({ method: 'serverRequest/resolved', params: { threadId: 'T', requestId: 0 } });
    expect(methods()).toEqual(['serverRequest/resolved']);
    await at.tell({ id: 0, result: { decision: 'accept' } });
    expect(at.decided).toEqual([]);
  });

  it('is asked again when the answer would have Codex decide by itself, or was not taken', async () => {
    at.journal(APPROVAL);
    await at.tell({
      id: 0,
      result: { decision: { acceptWithExecpolicyAmendment: { execpolicy_amendment: ['git'] } } },
    });
    expect(methods()).toEqual(['warning', APPROVAL.method]);
    expect(at.decided).toEqual([]);
    at.failure = new FilareError({ code: 'conflict', message: 'decided already' });
    await at.tell({ id: 0, result: { decision: 'accept' } });
    expect(methods()).toEqual(['warning', APPROVAL.method]);
    at.failure = null;
    await at.tell({ id: 0, result: { decision: 'acceptForSession' } });
    expect(at.decided).toMatchObject([[expect.any(String), { choice: 'accept', remember: null }]]);
    expect(methods()).toEqual(['warning']);
  });

  it('is asked again when the answer is nested deeper than can be written, and nothing else happens', async () => {
    const form = { mode: 'form', serverName: 's', message: 'which?', requestedSchema: { properties: { a: {} } } };
    at.journal({ id: 4, method: 'mcpServer/elicitation/request', params: { ...of, ...form } });
    expect(methods()).toEqual(['mcpServer/elicitation/request']);
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    await at.tell(`{"id":4,"result":{"action":"accept","content":{"a":${deep}}}}`);
    expect(methods()).toEqual(['warning', 'mcpServer/elicitation/request']);
    expect(at.decided).toEqual([]);
  });

  it('that is a tool of ours is not shown', () => {
    at.journal({
      id: 3,
      method: 'item/tool/call',
      params: { ...of, callId: 'c', tool: 'ask_operator', arguments: { question: 'q' } },
    });
    expect(at.said).toEqual([]);
  });
});

describe('what is said in an attached terminal', () => {
  const start = { id: 5, method: 'turn/start', params: { threadId: 'T', input: [{ type: 'text', text: 'hello' }] } };

  it('is a message of ours', async () => {
    const clientUserMessageId = 'd4728c66-68fa-4272-bf9c-042714e2d442';
    const said = await at.tell({ ...start, params: { ...start.params, clientUserMessageId } });
    expect(said).toMatchObject([{ id: 5, result: { turn: { id: 'u2', status: 'inProgress' } } }]);
    const key = clientUserMessageId.replaceAll('-', '');
    expect(at.sent).toMatchObject([{ text: 'hello', from: BY_ATTACH, mode: 'default', key }]);
    at.said = [];
    const item = { id: 'i', type: 'userMessage', clientId: `m-${key}` };
    at.journal({ method: 'item/started', params: { ...of, item } });
    expect(at.said).toMatchObject([{ params: { item: { clientId: clientUserMessageId } } }]);
    expect(at.passed).toEqual([]);
  });

  it('steers the turn that runs, and no other', async () => {
    const steer = (expectedTurnId: string): unknown => ({
      ...start,
      method: 'turn/steer',
      params: { ...start.params, expectedTurnId },
    });
    expect(await at.tell(steer('u'))).toMatchObject([{ id: 5, result: { turnId: 'u' } }]);
    expect(at.sent).toMatchObject([{ mode: 'steer' }]);
    expect(await at.tell(steer('old'))).toMatchObject([{ id: 5, error: {} }, { method: 'warning' }]);
    expect(at.sent).toHaveLength(1);
  });

  it('is refused with the reason while the session is held, or when it is not taken', async () => {
    at.failure = new FilareError({ code: 'blocked_by_prompt', message: 'waits for a decision' });
    expect(await at.tell(start)).toMatchObject([
      { id: 5, error: { message: 'waits for a decision' } },
      { method: 'warning' },
    ]);
    at.fact({ type: 'paused', by: 'ann', interrupt: false });
    const [answer] = await at.tell(start);
    expect(answer).toMatchObject({ error: { message: expect.stringContaining('held by ann') as unknown } });
    expect(at.sent).toHaveLength(1);
  });

  it('an interrupt is ours too', async () => {
    expect(await at.tell({ id: 6, method: 'turn/interrupt', params: { threadId: 'T', turnId: 'u' } })).toEqual([
      { id: 6, result: {} },
    ]);
    expect(at.interrupted).toEqual([BY_ATTACH]);
    expect(at.passed).toEqual([]);
  });
});

it('hears nothing of other threads', () => {
  at.journal({ method: 'turn/started', params: { threadId: 'other', turn: { id: 'x', status: 'inProgress' } } });
  at.journal({ method: 'thread/started', params: { thread: { id: 'other' } } });
  expect(at.said).toEqual([]);
});

it('comes through a socket that takes a few connections, whoever opens many', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'filare-relay-'));
  await writeFile(join(folder, 'journal'), '');
  const session = {
    ...{ state: at.state, journalPath: join(folder, 'journal'), memory: { offset: 0 } },
    until: () => Promise.resolve(),
  } as unknown as Session;
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const context = {
    session,
    thread_id: 'T',
    socket: join(folder, 's'),
    owner,
    id_prefix: 'x',
    broken: () => undefined,
  };
  const relay = await Relay.open(context);
  const sockets = Array.from({ length: 64 }, () => connect(context.socket));
  let [answered, ended] = [0, 0];
  for (const socket of sockets) {
    socket.on('error', () => undefined).on('data', () => (answered += 1));
    socket.on('close', () => (ended += 1)).write(`GET ${ALIVE_PATH} HTTP/1.1\r\nhost: relay\r\n\r\n`);
  }
  try {
    await vi.waitFor(() => expect(answered + ended).toBe(64), 5000);
    expect(answered).toBe(16);
  } finally {
    for (const socket of sockets) socket.destroy();
    await relay.close('over');
    await rm(folder, { recursive: true });
  }
});
