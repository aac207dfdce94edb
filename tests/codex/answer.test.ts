import { describe, expect, it } from 'vitest';
import { answerTo } from '../../src/codex/answer.js';
import { readRequest } from '../../src/codex/request.js';

const NOW_MS = 1_700_000_000_500;
function answer(
  method: string,
  params: Record<string, unknown>,
  choice: string,
  reason: string | null = null,
): unknown {
  return answerTo(readRequest(0, method, params), { choice, reason }, NOW_MS);
}

describe('the answer to a request of Codex', () => {
  it('grants a command or file change once, and only on accept', () => {
    for (const method of ['item/commandExecution/requestApproval', 'item/fileChange/requestApproval']) {
      expect(answer(method, {}, 'accept')).toEqual({ result: { decision: 'accept' } });
      expect(answer(method, {}, 'cancel')).toEqual({ result: { decision: 'cancel' } });
      for (const choice of ['decline', 'unsupported', 'acceptForSession', 'yes', '']) {
        expect(answer(method, {}, choice)).toEqual({ result: { decision: 'decline' } });
      }
    }
  });

  it('grants exactly the permissions asked for, for this turn, and none otherwise', () => {
    const permissions = { network: { enabled: true }, fileSystem: null, other: {} };
    const ask = (choice: string) => answer('item/permissions/requestApproval', { permissions }, choice);
    expect(ask('accept')).toEqual({ result: { permissions: { network: { enabled: true } }, scope: 'turn' } });
    expect(ask('decline')).toEqual({ result: { permissions: {}, scope: 'turn' } });
  });

  it('gives the old approvals their own words', () => {
    expect(answer('execCommandApproval', { command: ['ls'] }, 'accept')).toEqual({ result: { decision: 'approved' } });
    expect(answer('execCommandApproval', { command: ['ls'] }, 'cancel')).toEqual({ result: { decision: 'abort' } });
    expect(answer('applyPatchApproval', { fileChanges: {} }, 'decline', 'not now')).toEqual({
      result: { decision: { denied: { rejection: 'not now' } } },
    });
  });

  it('carries what the operator said to the question', () => {
    const tool = { tool: 'ask_operator', namespace: null, arguments: { question: 'Which?' } };
    expect(answer('item/tool/call', tool, 'the blue one')).toEqual({
      result: { contentItems: [{ type: 'inputText', text: 'the blue one' }], success: true },
    });
    expect(answer('item/tool/call', tool, 'decline', 'ask later')).toMatchObject({
      result: { success: false, contentItems: [{ text: 'The operator declined to answer: ask later' }] },
    });
    const one = { questions: [{ id: 'a', question: 'A?' }] };
    expect(answer('item/tool/requestUserInput', one, '{"x":1}')).toEqual({
      result: { answers: { a: { answers: ['{"x":1}'] } } },
    });
    const two = {
      questions: [
        { id: 'a', question: 'A?' },
        { id: 'b', question: 'B?' },
      ],
    };
    expect(answer('item/tool/requestUserInput', two, '{"a":"1","b":"2"}')).toEqual({
      result: { answers: { a: { answers: ['1'] }, b: { answers: ['2'] } } },
    });
    expect(answer('item/tool/requestUserInput', two, 'both')).toEqual({
      result: { answers: { a: { answers: ['both'] } } },
    });
    expect(answer('item/tool/requestUserInput', two, 'decline')).toEqual({ result: { answers: {} } });
  });

  it('fills forms of MCP servers by their types, and refuses what cannot be shown', () => {
    const form = (properties: unknown) => ({
      mode: 'form',
      serverName: 's',
      message: 'm',
      requestedSchema: { type: 'object', properties },
    });
    expect(answer('mcpServer/elicitation/request', form({ n: { type: 'integer' } }), '42')).toEqual({
      result: { action: 'accept', content: { n: 42 }, _meta: null },
    });
    expect(
      answer(
        'mcpServer/elicitation/request',
        form({ a: { type: 'string' }, b: { type: 'boolean' } }),
        '{"a":"x","b":true}',
      ),
    ).toMatchObject({ result: { content: { a: 'x', b: true } } });
    expect(answer('mcpServer/elicitation/request', form({}), 'accept')).toMatchObject({
      result: { action: 'accept', content: {} },
    });
    expect(answer('mcpServer/elicitation/request', form({}), 'perhaps')).toMatchObject({
      result: { action: 'decline' },
    });
    expect(
      answer('mcpServer/elicitation/request', { mode: 'openai/userVerification', serverName: 's' }, 'accept'),
    ).toMatchObject({ result: { action: 'decline' } });
  });

  it('tells the time, and is honest about what it does not serve', () => {
    expect(answer('currentTime/read', {}, 'unsupported')).toEqual({ result: { currentTimeAt: 1_700_000_000 } });
    for (const method of ['attestation/generate', 'account/chatgptAuthTokens/refresh', 'brand/new', 'constructor']) {
      expect(answer(method, {}, 'accept')).toMatchObject({ error: { code: -32_601 } });
    }
    expect(answer('item/tool/call', { tool: 'other', arguments: {} }, 'unsupported')).toMatchObject({
      result: { success: false },
    });
  });
});
