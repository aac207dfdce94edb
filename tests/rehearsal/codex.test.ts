import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CodexRig } from './codex-rig.js';

/** Every kind of step, played to the real Codex. Nothing here is scripted twice: what Codex shows is what an operator would see. */
describe('the real Codex plays a script', { timeout: 90_000 }, () => {
  it('streams what is said and thought, knows who speaks, and warns of nothing', async () => {
    await using rig = await CodexRig.start({
      role: 'DOCUMENTATION',
      agent: 'docs',
      script: `
parts:
  - role: documentation
    matches: /write about (\\w+)/i
    do:
      - reason: Where does {{1}} belong?
      - say: "{{agent}} ({{role}}) writes about {{1}}, message {{turn}}."
        pace: {chunk: 4, delay: 5ms}
`,
    });
    const turn = await rig.turn('Please WRITE ABOUT greetings');
    expect(turn.status).toBe('completed');
    expect(turn.said).toEqual(['docs (DOCUMENTATION) writes about greetings, message 1.']);
    const deltas = rig.of('item/agentMessage/delta').map(({ params }) => String(params['delta']));
    expect(deltas.join('')).toBe(turn.said[0]);
    expect(deltas.length).toBeGreaterThan(10);
    expect(turn.items.find(({ type }) => type === 'reasoning')).toMatchObject({
      summary: ['Where does greetings belong?'],
    });
    expect(rig.of('warning')).toEqual([]);
    expect(rig.of('error')).toEqual([]);
    const count = z.number().positive();
    const usage = z.object({
      total: z.object({ inputTokens: count, outputTokens: count, reasoningOutputTokens: count }),
    });
    const { tokenUsage } = rig.of('thread/tokenUsage/updated').at(-1)?.params ?? {};
    expect(usage.safeParse(tokenUsage).error).toBeUndefined();
  });

  it('says a message back when no part fits, and fails it when the script is strict', async () => {
    await using echo = await CodexRig.start({ script: 'parts: []' });
    expect((await echo.turn('hello\nthere')).said).toEqual(['hello\nthere']);
    expect((await echo.turn('<b>bold</b>')).said).toEqual(['<b>bold</b>']);
    await using strict = await CodexRig.start({ script: 'strict: true\nparts: []' });
    expect(await strict.turn('hello')).toMatchObject({ status: 'failed', said: [] });
  });

  it('runs commands and edits files between what it says', async () => {
    await using rig = await CodexRig.start({
      script: `
parts:
  - turn: 1
    do:
      - say: I begin.
      - edit:
          path: notes/today.md
          content: |
            # Today
            It's {{text}}.
      - edit:
          path: notes/today.md
          patch: |
            @@
             # Today
            -It's fine.
            +It's done.
      - run: cat today.md; echo {{text}} > said.txt
        workdir: notes
      - say: "I read: {{last_output}}"
  - do:
      - run: "true"
`,
    });
    const turn = await rig.turn('fine');
    const phases = turn.items.filter(({ type }) => type === 'agentMessage').map((item) => item['phase']);
    expect(phases).toEqual(['commentary', 'final_answer']);
    expect(turn.said).toEqual(['I begin.', "I read: # Today\nIt's done."]);
    expect(turn.items.map(({ type }) => type)).toEqual([
      'userMessage',
      'agentMessage',
      'fileChange',
      'fileChange',
      'commandExecution',
      'agentMessage',
    ]);
    expect(await readFile(join(rig.workspace, 'notes/today.md'), 'utf8')).toBe("# Today\nIt's done.\n");
    const hostile = "'; touch hacked; echo $(id) '";
    expect((await rig.turn(hostile)).said).toEqual(['Done.']);
  });

  it('puts a message into a command as one word, whatever it says', async () => {
    await using rig = await CodexRig.start({
      script: 'parts: [{do: [{run: "printf %s {{text}}"}, {say: "{{last_output}}"}]}]',
    });
    const hostile = `it's "$(touch hacked)" \`id\`; ls`;
    expect((await rig.turn(hostile)).said).toEqual([hostile]);
  });

  it('edits through a command where Codex offers no tool for it', async () => {
    await using rig = await CodexRig.start({
      config: { model: 'unknown-to-codex' },
      script: 'parts: [{do: [{edit: {path: a b.txt, content: "it\'s\\nEND_OF_PATCH\\n"}}, {say: written}]}]',
    });
    const turn = await rig.turn('go');
    expect(turn.items.map(({ type }) => type)).toEqual(['userMessage', 'fileChange', 'agentMessage']);
    expect(await readFile(join(rig.workspace, 'a b.txt'), 'utf8')).toBe("it's\nEND_OF_PATCH\n");
  });

  it('waits for a command that takes longer than Codex waits', async () => {
    await using rig = await CodexRig.start({
      script: 'parts: [{do: [{run: "echo one; sleep 12; echo two"}, {say: "{{last_output}}"}]}]',
    });
    expect((await rig.turn('go')).said).toEqual(['one\ntwo']);
    expect(rig.log.flatMap(({ steps }) => steps)).toEqual(['run', 'poll', 'say']);
  });

  it('leaves a command in the background alone', async () => {
    await using rig = await CodexRig.start({
      script: 'parts: [{do: [{run: "echo one; sleep 5; echo two", background: true}, {say: "{{last_output}}"}]}]',
    });
    expect((await rig.turn('go')).said).toEqual(['one']);
    expect(rig.log.flatMap(({ steps }) => steps)).toEqual(['run', 'say']);
  });

  it.each([
    { decision: 'accept', status: 'completed', said: 'yes' },
    { decision: 'decline', status: 'declined', said: 'rejected' },
  ])('asks for approval, and goes on after $decision', async ({ decision, status, said }) => {
    await using rig = await CodexRig.start({
      approvalPolicy: 'untrusted',
      answers: { 'item/commandExecution/requestApproval': { decision } },
      script: `
parts:
  - do:
      - ask_approval: touch approved && echo yes
      - say: "{{last_output}}"
`,
    });
    const turn = await rig.turn('go');
    expect(rig.of('item/commandExecution/requestApproval')).toHaveLength(1);
    expect(turn.items.find(({ type }) => type === 'commandExecution')).toMatchObject({ status });
    expect(turn.said.join()).toContain(said);
  });

  it('gives a reason with which Codex asks even for a harmless command', async () => {
    await using rig = await CodexRig.start({
      approvalPolicy: 'untrusted',
      answers: { 'item/commandExecution/requestApproval': { decision: 'accept' } },
      script: 'parts: [{do: [{ask_approval: ls, reason: "May I look, {{agent}}?"}, {say: looked}]}]',
    });
    expect((await rig.turn('go')).said).toEqual(['looked']);
    expect(rig.of('item/commandExecution/requestApproval')[0]?.params).toMatchObject({
      reason: 'May I look, feature?',
    });
  });

  it('asks the operator, and reads the answer', async () => {
    const inputSchema = { type: 'object', properties: { question: { type: 'string' } } };
    await using rig = await CodexRig.start({
      dynamicTools: [{ type: 'function', name: 'ask_operator', description: 'Asks.', inputSchema }],
      answers: { 'item/tool/call': { contentItems: [{ type: 'inputText', text: 'the blue one' }], success: true } },
      script: `
parts:
  - do:
      - ask_operator: {question: "Which one, for {{text}}?", choices: [blue, red], suggested_reply: blue, severity: warning}
      - say: "I take {{last_output}}."
`,
    });
    expect((await rig.turn('the wall')).said).toEqual(['I take the blue one.']);
    expect(rig.of('item/tool/call')[0]?.params).toMatchObject({
      tool: 'ask_operator',
      arguments: {
        question: 'Which one, for the wall?',
        choices: ['blue', 'red'],
        suggested_reply: 'blue',
        severity: 'warning',
      },
    });
  });

  it('calls any tool, and goes on when Codex has no such tool', async () => {
    await using rig = await CodexRig.start({
      script: 'parts: [{do: [{call: {tool: juggle, arguments: {balls: 3}}}, {say: "{{last_output}}"}]}]',
    });
    expect((await rig.turn('go')).said).toEqual(['unsupported call: juggle']);
  });
});
