import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readClientLine } from '../../src/codex/client-line.js';
import { readClientRequest, type ClientAction } from '../../src/codex/client-request.js';

const SETTINGS = {
  cwd: '/home/agent/workspace',
  approvalPolicy: 'untrusted',
  sandbox: { type: 'dangerFullAccess' },
  model: 'm',
  reasoningEffort: null,
  collaborationMode: { mode: 'default', settings: { model: 'm' } },
};
const asked = (method: string, params: Record<string, unknown> = {}): ClientAction =>
  readClientRequest(method, params, { thread_id: 'T', agent_id: 'docs', settings: SETTINGS });
const said = (words: string): object => ({ type: 'text', text: words, text_elements: [] });

/** What the client of this version sends with a message when nobody changed anything. */
const USUAL = {
  threadId: 'T',
  clientUserMessageId: 'd4728c66-68fa-4272-bf9c-042714e2d442',
  input: [said('hello')],
  cwd: '/home/agent/workspace',
  approvalPolicy: 'untrusted',
  sandboxPolicy: null,
  model: 'm',
  serviceTier: 'default',
  effort: 'high',
  collaborationMode: { mode: 'default', settings: { model: 'm', developer_instructions: null } },
};

describe('what an attached terminal asks for', () => {
  it('is done for what the table names, and for nothing else that this Codex has', () => {
    const declared = /export type ClientRequest = (.*);/.exec(readFileSync('src/codex/generated/protocol.ts', 'utf8'));
    const methods = [...(declared?.[1] ?? '').matchAll(/"method": "([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(methods.length).toBeGreaterThan(100);
    const done = (deed: ClientAction['do']): string[] =>
      methods.filter((method) => asked(method, { turnId: 'u', input: [said('x')] }).do === deed);
    expect(done('answer')).toEqual([
      'initialize',
      'thread/unsubscribe',
      'thread/list',
      'thread/loaded/list',
      'thread/readState/update',
    ]);
    expect(done('message')).toEqual(['turn/start', 'turn/steer']);
    expect(done('interrupt')).toEqual(['turn/interrupt']);
    // A write among these would reach Codex without a record of ours.
    expect(done('pass')).toEqual([
      'thread/resume',
      'thread/goal/get',
      'thread/queue/list',
      'thread/backgroundTerminals/list',
      'thread/searchOccurrences',
      'thread/read',
      'thread/turns/list',
      'thread/items/list',
      'thread/items/read',
      'skills/list',
      'hooks/list',
      'plugin/installed',
      'thread/timeline/list',
      'model/list',
      'modelProvider/list',
      'modelProvider/capabilities/read',
      'experimentalFeature/list',
      'permissionProfile/list',
      'collaborationMode/list',
      'mcpServerStatus/list',
      'account/bedrock/checkGovCloudRequirements',
      'account/rateLimits/read',
      'config/read',
      'configRequirements/read',
      'account/read',
      'fuzzyFileSearch',
      'fuzzyFileSearch/sessionStart',
      'fuzzyFileSearch/sessionUpdate',
      'fuzzyFileSearch/sessionStop',
    ]);
  });

  it.each([
    ['thread/start', 'filare-agents start'],
    ['thread/archive', 'filare-agents stop docs'],
    ['account/login/start', 'filare-agents login docs'],
    ['account/logout', 'filare-agents login docs'],
    ['getAuthStatus', 'filare-agents login docs'],
    ['config/batchWrite', 'the manifest of docs'],
    ['command/exec', 'filare-agents shell docs'],
    ['thread/revert', 'past its record'],
    ['__proto__', 'past its record'],
    ['toString', 'past its record'],
  ])('%s is refused with the command that does it', (method, words) => {
    const action = asked(method);
    expect(action).toMatchObject({ do: 'refuse' });
    expect(action.do === 'refuse' && action.message).toContain(words);
  });

  it('is refused on any other thread', () => {
    for (const method of ['thread/read', 'turn/start', 'turn/interrupt', 'thread/resume'])
      expect(asked(method, { threadId: 'other', input: [said('x')] }).do).toBe('refuse');
  });

  it('joins the thread without what would set it up anew', () => {
    const params = { threadId: 'T', approvalPolicy: 'never', sandbox: 'x', config: {}, path: '/x', excludeTurns: true };
    expect(asked('thread/resume', params)).toEqual({
      do: 'pass',
      params: { threadId: 'T', excludeTurns: true, initialTurnsPage: null },
    });
  });

  it('takes a message as it usually comes', () => {
    const key = 'd4728c6668fa4272bf9c042714e2d442';
    expect(asked('turn/start', USUAL)).toEqual({ do: 'message', text: 'hello', key, steers: null });
    expect(asked('turn/steer', { ...USUAL, expectedTurnId: 'u' })).toMatchObject({ do: 'message', steers: 'u' });
    expect(asked('turn/start', { ...USUAL, clientUserMessageId: '../../x' })).toMatchObject({ key: null });
  });

  it.each([
    [{ approvalPolicy: 'never' }, 'approvalPolicy'],
    [{ sandboxPolicy: { type: 'readOnly' } }, 'sandboxPolicy'],
    [{ cwd: '/' }, 'cwd'],
    [{ model: 'other' }, 'model'],
    [{ collaborationMode: { mode: 'plan' } }, 'collaborationMode'],
    [{ additionalContext: { a: {} } }, 'additionalContext'],
    [{ toolOutput: {} }, 'toolOutput'],
    [{ input: [said('x'), { type: 'localImage', path: '/etc/passwd' }] }, 'only text'],
    [{ input: [] }, 'empty'],
    [{ input: 'x' }, 'empty'],
  ])('refuses a message with %j', (change, words) => {
    const action = asked('turn/start', { ...USUAL, ...change });
    expect(action.do === 'refuse' && action.message).toContain(words);
  });
});

it('what is no message of the protocol is garbage, never a failure', () => {
  for (const text of ['', 'x', 'null', '[]', '7', '{}', '{"id":{}}', '{"method":7}', '{"id":null,"result":1}'])
    expect(readClientLine(text), text).toEqual({ kind: 'garbage' });
  expect(readClientLine('{"method":"x"}')).toEqual({ kind: 'notification', method: 'x' });
  expect(readClientLine('{"id":1,"method":"x","params":[1]}')).toMatchObject({ kind: 'request', params: {} });
  expect(readClientLine('{"id":"1","error":{}}')).toEqual({ kind: 'answer', id: '1', result: undefined });
});
