import { describe, expect, it } from 'vitest';
import { CodexRig } from './codex-rig.js';

/** Failures, silence and interruptions of the model, and what the real Codex makes of them. */
describe('the real Codex meets trouble by script', { timeout: 90_000 }, () => {
  const quick = { request_max_retries: 1, stream_max_retries: 2 };

  it.each([
    { status: 500, failure: '{status: 500, times: 2}' },
    { status: 429, failure: '{status: 429, times: 2, retry_after: 1s}' },
  ])('retries a status $status that passes', async ({ status, failure }) => {
    await using rig = await CodexRig.start({
      provider: quick,
      script: `parts: [{do: [{fail: ${failure}}, {say: recovered}]}]`,
    });
    expect(await rig.turn('go')).toMatchObject({ status: 'completed', said: ['recovered'] });
    expect(rig.log.map((record) => record.status)).toEqual([status, status, 200]);
  });

  it('takes a 429 without a time to come back as final', async () => {
    await using rig = await CodexRig.start({ provider: quick, script: 'parts: [{do: [{fail: {status: 429}}]}]' });
    expect(await rig.turn('go')).toMatchObject({ status: 'failed' });
    expect(rig.log).toHaveLength(1);
  });

  it('gives up on a status that stays, and takes the next message', async () => {
    await using rig = await CodexRig.start({
      provider: quick,
      script: 'parts: [{text: broken, do: [{fail: {status: 503, message: out of order}}]}]',
    });
    expect(await rig.turn('broken')).toMatchObject({ status: 'failed', said: [] });
    expect(rig.log.length).toBeGreaterThan(2);
    expect(await rig.turn('and now?')).toMatchObject({ status: 'completed', said: ['and now?'] });
    expect(rig.log.at(-1)).toMatchObject({ turn: 2, step: 0 });
  });

  it('fails after it has spoken, and does not say it again', async () => {
    await using rig = await CodexRig.start({
      provider: quick,
      script: 'parts: [{do: [{say: once}, {fail: {status: 500, times: 1}}, {say: more}]}]',
    });
    expect(await rig.turn('go')).toMatchObject({ status: 'completed', said: ['once', 'more'] });
  });

  it('breaks off in the middle of a sentence, and finishes it', async () => {
    await using rig = await CodexRig.start({
      provider: quick,
      script: 'parts: [{do: [{say: whole}, {stream_cut: {say: "half a sen", times: 1}}, {say: half a sentence}]}]',
    });
    expect(await rig.turn('go')).toMatchObject({ status: 'completed', said: ['whole', 'half a sentence'] });
    expect(rig.of('error')[0]?.params).toMatchObject({ willRetry: true });
  });

  it('ends well when the connection broke after the last word', async () => {
    await using rig = await CodexRig.start({
      provider: quick,
      script: 'parts: [{do: [{say: all said}, {stream_cut: {times: 1}}]}]',
    });
    expect(await rig.turn('go')).toMatchObject({ status: 'completed', said: ['all said'] });
  });

  it('fails when every stream breaks', async () => {
    await using rig = await CodexRig.start({ provider: quick, script: 'parts: [{do: [{stream_cut: true}]}]' });
    expect(await rig.turn('go')).toMatchObject({ status: 'failed', said: [] });
  });

  it('is interrupted while the model is silent, and answers the next message', async () => {
    await using rig = await CodexRig.start({ script: 'parts: [{text: hang, do: [{say: hm}, {hang: true}]}]' });
    const turn = await rig.begin('hang');
    await rig.until((message) => message.method === 'item/agentMessage/delta');
    await rig.interrupt(turn);
    expect(await rig.end(turn)).toMatchObject({ status: 'interrupted' });
    expect((await rig.turn('awake?')).said).toEqual(['awake?']);
    expect(rig.log.map(({ turn: number, status }) => [number, status])).toEqual([
      [1, 499],
      [2, 200],
    ]);
  });

  it('goes on after a silence or a wait that ends', async () => {
    await using rig = await CodexRig.start({ script: 'parts: [{do: [{hang: 300ms}, {wait: 0.3s}, {say: here}]}]' });
    expect((await rig.turn('go')).said).toEqual(['here']);
  });

  it('lets a message that steers a running turn take over', async () => {
    await using rig = await CodexRig.start({
      script: `
parts:
  - text: work
    do: [{say: working}, {run: sleep 2}, {say: worked}]
  - text: stop
    do: [{say: "I stop (message {{turn}})."}]
`,
    });
    const turn = await rig.begin('work');
    await rig.until(
      (message) => message.method === 'item/started' && JSON.stringify(message.params).includes('sleep 2'),
    );
    await rig.steer(turn, 'stop, please');
    expect(await rig.end(turn)).toMatchObject({ status: 'completed' });
    expect(rig.said(turn)).toEqual(['working', 'I stop (message 2).']);
  });

  it('goes on where it was after a restart of the server in the middle of a turn', async () => {
    await using rig = await CodexRig.start({
      provider: { request_max_retries: 10 },
      script: 'parts: [{do: [{say: before}, {run: sleep 2}, {say: after}, {run: echo end}]}]',
    });
    const turn = await rig.begin('go');
    await rig.until(
      (message) => message.method === 'item/started' && JSON.stringify(message.params).includes('sleep 2'),
    );
    await rig.restartServer();
    expect(await rig.end(turn)).toMatchObject({ status: 'completed' });
    expect(rig.said(turn)).toEqual(['before', 'after', 'Done.']);
  });

  it('counts messages across a resumed thread and a compaction', async () => {
    await using rig = await CodexRig.start({ script: 'parts: [{do: [{say: "message {{turn}}"}]}]' });
    expect((await rig.turn('a')).said).toEqual(['message 1']);
    await rig.restartCodex();
    expect((await rig.turn('b')).said).toEqual(['message 2']);
    await rig.compact();
    expect(rig.log.at(-1)?.steps).toEqual(['summary']);
    expect((await rig.turn('c')).said).toEqual(['message 3']);
    expect((await rig.turn('d')).said).toEqual(['message 4']);
  });
});
