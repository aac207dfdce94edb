/** The real Codex with a scripted model: what a session lives on. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callTool, run, say } from './rig.js';
import { Talk } from './talk.js';

const accept = () => ({ choice: 'accept', reason: null });

describe('a turn', () => {
  it('shows our message by its id, what was done with times, what was said in pieces, and its tokens', async () => {
    await using talk = await Talk.begin({
      answers: [{ items: [run('echo hi > a.txt; cat a.txt')] }, { items: [say('all done')], pieces: ['all ', 'done'] }],
      decide: accept,
    });
    const before_ms = Date.now();
    expect(await talk.turn('do it')).toMatchObject({ status: 'completed', error: null });
    expect(talk.all('message_shown')).toMatchObject([
      { text: 'do it', message_id: expect.stringMatching(/^m-/) as string },
    ]);
    expect(talk.requests).toMatchObject([
      {
        kind: 'approval',
        summary: `Run in ${talk.place.workspace}: echo hi > a.txt; cat a.txt`,
        choices: ['accept', 'decline', 'cancel'],
      },
    ]);
    expect(talk.all('request_closed')).toHaveLength(1);
    const done = talk.all('item_done');
    expect(done.map(({ item }) => [item.kind, item.text])).toEqual([
      ['command', 'echo hi > a.txt; cat a.txt'],
      ['reply', 'all done'],
    ]);
    expect(done[0]?.item.data).toMatchObject({
      exit_code: 0,
      output: 'hi\n',
      status: 'completed',
      cwd: talk.place.workspace,
    });
    expect(
      talk
        .all('item_piece')
        .filter((event) => event.kind === 'reply')
        .map((event) => event.text),
    ).toEqual(['all ', 'done']);
    expect(talk.all('tokens').at(-1)).toMatchObject({
      total: 220,
      input: 200,
      cached_input: 80,
      output: 20,
      reasoning: 6,
    });
    for (const event of [...talk.all('turn_started'), ...talk.all('turn_ended'), ...done]) {
      expect(Math.abs((event.time_ms ?? 0) - before_ms)).toBeLessThan(60_000);
    }
    expect(talk.events.filter((event) => event.type === 'unknown' || event.type === 'unparsed')).toEqual([]);
  });

  it('does nothing that was declined, and goes on', async () => {
    await using talk = await Talk.begin({ answers: [{ items: [run('touch a.txt')] }, { items: [say('then not')] }] });
    expect(await talk.turn('do it')).toMatchObject({ status: 'completed' });
    expect(talk.all('item_done')[0]?.item.data).toMatchObject({ status: 'declined' });
    expect(existsSync(join(talk.place.workspace, 'a.txt'))).toBe(false);
  });

  it('asks before files are changed, after it has said which', async () => {
    const patch = '*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch';
    await using talk = await Talk.begin({
      answers: [{ items: [run(`apply_patch <<'EOF'\n${patch}\nEOF`)] }],
      decide: accept,
    });
    await talk.turn('do it');
    expect(talk.requests).toMatchObject([{ kind: 'approval', action: { type: 'file_change' } }]);
    const started = talk.events.findIndex(
      (event) => event.type === 'item_started' && event.item.kind === 'file_change',
    );
    expect(started).toBeGreaterThan(-1);
    expect(started).toBeLessThan(talk.events.findIndex((event) => event.type === 'request'));
    expect(talk.all('item_done')[0]?.item).toMatchObject({
      kind: 'file_change',
      data: { changes: [{ kind: 'add' }], status: 'completed' },
    });
    expect(readFileSync(join(talk.place.workspace, 'new.txt'), 'utf8')).toBe('hello\n');
  });

  it('reaches the operator through ask_operator, also after the thread was resumed by a new process', async () => {
    const ask = callTool('ask_operator', {
      question: 'Which colour?',
      choices: ['red', 'blue'],
      suggested_reply: 'red',
    });
    const again = callTool('ask_operator', { question: 'And now?' });
    await using talk = await Talk.begin({
      answers: [{ items: [ask] }, { items: [say('ok')] }, { items: [again] }, { items: [say('ok')] }],
      decide: () => ({ choice: 'blue, please', reason: null }),
    });
    await talk.turn('one');
    expect(talk.requests[0]).toMatchObject({
      kind: 'question',
      summary: 'Which colour?',
      choices: ['red', 'blue'],
      action: { suggested_reply: 'red' },
    });
    expect(JSON.stringify(talk.model.requests[1]?.body.input?.at(-1))).toContain('blue, please');
    await talk.restart();
    await talk.turn('two');
    expect(talk.requests.map((request) => request.request_id)).toEqual([0, 0]);
    expect(talk.requests[1]).toMatchObject({ kind: 'question', summary: 'And now?' });
  });

  it('that is interrupted ends as interrupted; one that is steered takes the text in', async () => {
    await using talk = await Talk.begin({
      answers: [{ items: [run('sleep 3')] }, { items: [say('ok')] }, { items: [run('sleep 30')] }],
      decide: accept,
    });
    const first = talk.turn('one');
    const started = await talk.until((event) => event.type === 'turn_started');
    await talk.until((event) => event.type === 'request_closed');
    await talk.codex.steerTurn(talk.thread_id ?? '', started.turn_id, { message_id: 'm-steer', text: 'and this' });
    expect(await first).toMatchObject({ status: 'completed' });
    expect(talk.all('message_shown').map((event) => event.message_id)).toContain('m-steer');
    await expect(
      talk.codex.steerTurn(talk.thread_id ?? '', started.turn_id, { message_id: 'm-late', text: 'x' }),
    ).rejects.toMatchObject({ code: 'bad_state' });

    const from = talk.events.length;
    const second = talk.turn('two');
    const { turn_id } = await talk.until((event) => event.type === 'turn_started', from);
    await talk.until((event) => event.type === 'request_closed', from);
    await talk.codex.request('turn/interrupt', { threadId: talk.thread_id ?? '', turnId: turn_id });
    expect(await second).toMatchObject({ status: 'interrupted', turn_id });
  });

  it('that the model refuses fails with the reason, after retries that are said', async () => {
    await using talk = await Talk.begin({
      answers: [{ status: 500 }, { status: 500 }, { status: 500 }, { status: 500 }, { status: 500 }, { status: 500 }],
    });
    const ended = await talk.turn('do it');
    expect(ended).toMatchObject({ status: 'failed', error: expect.stringMatching(/./) as string });
    expect(talk.all('error').some((event) => event.will_retry)).toBe(true);
    expect(talk.all('error').at(-1)).toMatchObject({ will_retry: false });
  });

  it('is found by a round trip, and an unknown thread is refused', async () => {
    await using talk = await Talk.begin();
    expect(
      (await talk.codex.request('thread/read', { threadId: talk.thread_id ?? '', includeTurns: false })).thread.id,
    ).toBe(talk.thread_id);
    expect((await talk.codex.request('thread/loaded/list', {})).data).toEqual([talk.thread_id]);
    await expect(
      talk.codex.request('thread/read', { threadId: '00000000-0000-7000-8000-000000000000' }),
    ).rejects.toMatchObject({ code: 'bad_state' });
  });
});

describe('a model key', () => {
  it('told in the protocol is used, is never written down, and stays from commands that see the rest', async () => {
    const key = 'sk-canary-4711';
    await using talk = await Talk.begin({
      answers: [{ items: [run('env')] }, { items: [say('ok')] }],
      decide: accept,
      env: { DEPLOY_TOKEN: 'tok-canary', MY_SECRET_KEY: 'also' },
      config: { model_key_names: ['OPENAI_API_KEY'] },
      adapt: (toml, base_url) => toml.replace('https://api.openai.com/v1', base_url),
    });
    await talk.codex.request('account/login/start', { type: 'apiKey', apiKey: key });
    await talk.turn('go');
    expect(talk.model.requests.at(-1)?.headers.authorization).toBe(`Bearer ${key}`);
    expect(existsSync(join(talk.place.codex, 'auth.json'))).toBe(false);
    const output = String(talk.all('item_done')[0]?.item.data['output']);
    expect(output).toContain('DEPLOY_TOKEN=tok-canary');
    expect(output).toContain('MY_SECRET_KEY=also');
    expect(output).not.toContain(key);
  });
});
