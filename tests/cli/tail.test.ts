import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { block, FakeDaemon } from './fake-daemon.js';
import { CliProcess, newProject, removeProject, run, until } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;
let session_id: string;

beforeEach(async () => {
  project = newProject();
  daemon = await FakeDaemon.start(project);
  ({ session_id } = daemon.addSession('docs'));
});
afterEach(async () => {
  expect(daemon.complaints).toEqual([]);
  await daemon.close();
  removeProject(project);
});

/** Lines without the clock in front. */
function untimed(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\d\d:\d\d:\d\d /, ''));
}

async function following(argv: readonly string[], play: () => void | Promise<void>): Promise<string> {
  const ran = run(project, ['tail', 'docs', '--follow', ...argv]);
  await daemon.untilFollowed(session_id);
  await play();
  daemon.end(session_id, 'stopped', 'stopped by operator');
  const { code, stdout, stderr } = await ran;
  expect(code).toBe(0);
  expect(stderr).toContain('stopped by operator');
  return stdout;
}

describe('the story', () => {
  it('says who said what, by kind', async () => {
    daemon.say(session_id, { direction: 'in', from: 'operator', kind: 'message', text: 'write it' });
    daemon.say(session_id, { kind: 'reasoning', text: 'hm' });
    daemon.say(session_id, {
      kind: 'command',
      text: 'ls',
      data: { item_id: 'i', exit_code: 2, output: 'a\nb\n', duration_ms: 1500 },
    });
    daemon.say(session_id, { kind: 'file_change', text: 'README.md' });
    daemon.say(session_id, { kind: 'prompt', text: 'may I', data: { prompt_id: 'p-1' }, requires_operator: true });
    daemon.say(session_id, { kind: 'reply', text: 'done\nsecond line' });
    daemon.say(session_id, { direction: 'system', from: 'filare-agents', kind: 'state', text: 'turn completed' });
    const { stdout } = await run(project, ['tail', 'docs']);
    expect(untimed(stdout)).toEqual([
      '→ operator: write it',
      '← docs: thinks: hm',
      '← docs: $ ls  [exit 2, 1s]',
      '  a',
      '  b',
      '← docs: changed README.md',
      '← docs: asks: may I',
      '  filare-agents feedback show p-1',
      '← docs: done',
      '  second line',
      '· filare-agents: turn completed',
    ]);
  });

  it('with --json is the entries, a line each', async () => {
    const entries = [daemon.say(session_id, { text: 'one' }), daemon.say(session_id, { text: 'two' })];
    const { stdout } = await run(project, ['tail', 'docs', '--json']);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(entries);
    expect((await run(project, ['tail', 'docs', '--json', '--lines', '1'])).stdout).toContain('two');
    expect((await run(project, ['tail', 'docs', '--lines', '0'])).stdout).toBe('');
  });

  it('since a moment is what came after it', async () => {
    daemon.say(session_id, { text: 'old', timestamp: new Date(Date.now() - 3_600_000).toISOString() });
    daemon.say(session_id, { text: 'new' });
    for (const since of ['10m', new Date(Date.now() - 60_000).toISOString()]) {
      expect(untimed((await run(project, ['tail', 'docs', '--since', since])).stdout)).toEqual(['← docs: new']);
    }
  });

  it('of nobody is exit code 3', async () => {
    expect((await run(project, ['tail', 'nobody'])).code).toBe(3);
  });

  it('raw is the bytes of the journal', async () => {
    daemon.journal = '{"id":1}\n\u001b[31m{"id":2}\n';
    expect((await run(project, ['tail', 'docs', '--raw', '-n', '2'])).stdout).toBe(daemon.journal);
    expect(daemon.requests.at(-1)).toContain('/journal?last=2');
  });
});

describe('what is just being said', () => {
  it('is printed as it comes, and once', async () => {
    const stdout = await following([], () => {
      daemon.piece(session_id, 'i1', 'Hel');
      daemon.piece(session_id, 'i1', 'lo\nwor');
      daemon.say(session_id, { kind: 'reply', text: 'Hello\nworld', data: { item_id: 'i1' } });
    });
    expect(untimed(stdout)).toEqual(['← docs: Hello', '  world']);
  });

  it('is there before its item is finished', async () => {
    const cli = new CliProcess(project, ['tail', 'docs', '-f']);
    await daemon.untilFollowed(session_id);
    daemon.piece(session_id, 'i1', 'half a sent');
    await cli.until('half a sent');
    daemon.end(session_id, 'stopped', 'over');
    expect((await cli.ended).code).toBe(0);
  });

  it('is not printed again after the connection broke', async () => {
    const stdout = await following([], async () => {
      daemon.piece(session_id, 'i1', 'one two ');
      await new Promise((go) => setTimeout(go, 100));
      daemon.dropStreams();
      await until(() => daemon.liveStreams === 0);
      await daemon.untilFollowed(session_id);
      daemon.piece(session_id, 'i1', 'three');
      daemon.say(session_id, { kind: 'reply', text: 'one two three.', data: { item_id: 'i1' } });
    });
    expect(untimed(stdout)).toEqual(['← docs: one two three.']);
  });

  it('of a command is its output, then how it ended', async () => {
    const stdout = await following([], () => {
      daemon.piece(session_id, 'c', 'building\n', 'command');
      daemon.piece(session_id, 'c', 'built\n', 'command');
      daemon.say(session_id, {
        kind: 'command',
        text: 'make',
        data: { item_id: 'c', exit_code: 0, output: 'building\nbuilt\n' },
      });
    });
    expect(untimed(stdout)).toEqual(['← docs: output:', '  building', '  built', '← docs: $ make  [exit 0]']);
  });

  it('of two items at a time stays apart', async () => {
    const stdout = await following([], () => {
      daemon.piece(session_id, 'a', 'AAA');
      daemon.tell(session_id, block('piece', { session_id, item_id: 'b', kind: 'reasoning', offset: 0, text: 'BBB' }));
      daemon.say(session_id, { kind: 'reply', text: 'AAAaaa', data: { item_id: 'a' } });
      daemon.say(session_id, { kind: 'reasoning', text: 'BBB', data: { item_id: 'b' } });
    });
    expect(untimed(stdout)).toEqual(['← docs: AAA', '← docs: thinks: BBB', '← docs:  (goes on)aaa']);
  });

  it('with pieces missing is the whole item at its end', async () => {
    const stdout = await following([], () => {
      daemon.piece(session_id, 'a', 'one ');
      daemon.tell(session_id, block('piece', { session_id, item_id: 'a', kind: 'reply', offset: 8, text: 'three' }));
      daemon.say(session_id, { kind: 'reply', text: 'one two three', data: { item_id: 'a' } });
    });
    expect(untimed(stdout)).toEqual(['← docs: one two three']);
  });

  it('is left out of --json', async () => {
    const stdout = await following(['--json'], () => {
      daemon.piece(session_id, 'a', 'AAA');
      daemon.say(session_id, { kind: 'reply', text: 'AAA', data: { item_id: 'a' } });
    });
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('a reader that goes away', () => {
  it('ends it without a word', async () => {
    for (let i = 0; i < 5000; i += 1) daemon.say(session_id, { text: `line ${i}` }, { silently: true });
    const reader = new CliProcess(project, ['tail', 'docs']);
    reader.child.stdout?.once('data', () => reader.child.stdout?.destroy());
    expect(await reader.ended).toMatchObject({ code: 0, stderr: '' });

    const follower = new CliProcess(project, ['tail', 'docs', '--follow', '--lines', '1']);
    await follower.until('line 4999');
    follower.child.stdout?.destroy();
    await daemon.untilFollowed(session_id);
    daemon.say(session_id, { text: 'more' });
    expect(await follower.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
