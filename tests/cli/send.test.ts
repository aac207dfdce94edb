import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FilareError } from '../../src/contract/errors.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
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

async function eventStream(): Promise<void> {
  await until(() => daemon.liveStreams > 0);
}

function sent(): unknown {
  return daemon.calls.findLast(({ route }) => route === 'sendMessage')?.body;
}

describe('the text', () => {
  it('is the words of the line', async () => {
    await run(project, ['send', 'docs', 'write', 'the changelog']);
    expect(sent()).toEqual({ text: 'write the changelog', mode: 'default', from: 'operator' });
  });

  it('is standard input for -', async () => {
    await run(project, ['send', 'docs', '-', '--from', 'judge'], { stdin: 'first\nsecond ü\n' });
    expect(sent()).toEqual({ text: 'first\nsecond ü', mode: 'default', from: 'judge' });
  });

  it('takes files in by name, images as images, whatever their order', async () => {
    writeFileSync(join(project.root, 'notes.md'), '# Notes\n');
    writeFileSync(join(project.root, 'a.PNG'), Buffer.from([0x89, 0x50, 0xff]));
    await run(project, ['send', 'docs', 'look', '--file', 'a.PNG', '-f', 'notes.md']);
    expect(sent()).toMatchObject({ text: 'look\n\nnotes.md:\n\n# Notes\n', images: [join(project.root, 'a.PNG')] });
    await run(project, ['send', 'docs', '--file', 'notes.md']);
    expect(sent()).toMatchObject({ text: '# Notes\n' });
    await run(project, ['send', 'docs', '--file', 'a.PNG']);
    expect(sent()).toMatchObject({ text: '', images: [join(project.root, 'a.PNG')] });
  });

  it('that cannot be had is said before anything is sent', async () => {
    writeFileSync(join(project.root, 'blob.bin'), Buffer.from([0xff, 0xfe, 0x00]));
    for (const argv of [['--file', 'nowhere.txt'], ['--file', 'blob.bin'], ['-']]) {
      expect((await run(project, ['send', 'docs', ...argv])).code).toBe(2);
    }
    expect((await run(project, ['send', 'docs', '-'], { stdin: 'x'.repeat(1_000_001) })).stderr).toContain(
      '1000000 characters',
    );
    expect(sent()).toBeUndefined();
  });
});

describe('the way it goes', () => {
  it.each(['queue', 'steer', 'interrupt'])('is --%s', async (mode) => {
    await run(project, ['send', 'docs', 'x', `--${mode}`]);
    expect(sent()).toMatchObject({ mode });
  });

  it('with --wait prints the reply and nothing else', async () => {
    daemon.on.sendMessage = () => ({
      message_id: 'm',
      session_id,
      delivery: 'accepted',
      turn_id: 't',
      reply: 'done\nand well',
    });
    expect(await run(project, ['send', 'docs', 'x', '--wait', '--timeout', '90s'])).toEqual({
      code: 0,
      stdout: 'done\nand well\n',
      stderr: '',
    });
    expect(sent()).toMatchObject({ wait_ms: 90_000 });
  });

  it('with --wait says once on standard error that the agent waits for a decision, and not with -q', async () => {
    daemon.on.sendMessage = async () => {
      const prompt = { prompt_id: 'p-11', session_id, id: 'docs' };
      daemon.inbox.put({ prompt_id: 'p-10', session_id: 'other', id: 'other' });
      daemon.inbox.put(prompt);
      await eventStream();
      daemon.inbox.put(prompt);
      daemon.inbox.put({ ...prompt, prompt_id: 'p-12' });
      await new Promise((go) => setTimeout(go, 200));
      return { message_id: 'm', session_id, delivery: 'accepted', turn_id: 't', reply: 'done' };
    };
    const line = (id: string): string => `docs waits for a decision: filare-agents feedback show ${id}\n`;
    expect(await run(project, ['send', 'docs', 'x', '--wait'])).toEqual({
      code: 0,
      stdout: 'done\n',
      stderr: line('p-11') + line('p-12'),
    });
    daemon.inbox.records.clear();
    expect(await run(project, ['send', 'docs', 'x', '--wait', '-q'])).toEqual({
      code: 0,
      stdout: 'done\n',
      stderr: '',
    });
  });

  it('with --wait, after Ctrl-C, says that the message stays sent', async () => {
    daemon.on.sendMessage = () => new Promise(() => undefined);
    const cli = new CliProcess(project, ['send', 'docs', 'x', '--wait']);
    await until(() => sent() !== undefined);
    cli.child.kill('SIGINT');
    expect(await cli.ended).toEqual({
      code: 130,
      stdout: '',
      stderr: 'no longer waiting: the message stays sent, and the turn of docs goes on: filare-agents tail docs\n',
    });
  });

  it('to an agent that waits for a person is exit code 7, in both of the ways that a daemon says it', async () => {
    const refused = new FilareError({
      code: 'blocked_by_prompt',
      message: 'docs waits',
      hint: 'feedback list',
      details: { session_id, delivery: 'blocked' },
    });
    const answers = [
      (): unknown => ({ message_id: 'm', session_id, delivery: 'blocked' }),
      (): unknown => {
        throw refused;
      },
    ];
    for (const answer of answers) {
      daemon.on.sendMessage = answer;
      const plain = await run(project, ['send', 'docs', 'x']);
      expect(plain).toMatchObject({ code: 7, stdout: '' });
      expect(plain.stderr).toContain('feedback list');
      const json = await run(project, ['send', 'docs', 'x', '--json']);
      expect(json.code).toBe(7);
      expect(JSON.parse(json.stdout)).toMatchObject({ session_id, delivery: 'blocked' });
      expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'blocked_by_prompt' } });
    }
  });

  it('whose turn fails is exit code 1, whose time is up 5, to a session that ended 4', async () => {
    for (const [code, exit] of [
      ['turn_failed', 1],
      ['timeout', 5],
      ['ended', 4],
    ] as const) {
      daemon.on.sendMessage = () => {
        throw new FilareError({ code, message: 'no' });
      };
      expect((await run(project, ['send', 'docs', 'x', '--wait'])).code).toBe(exit);
    }
  });
});

describe('wait', () => {
  it('says on standard error what its sessions wait for, whether it opened before or meanwhile', async () => {
    daemon.inbox.put({ prompt_id: 'p-21', session_id, id: 'docs' });
    daemon.update(session_id, { activity: 'waiting', pending_prompts: 1 });
    const ran = run(project, ['wait', 'docs', '--until', 'stopped']);
    await daemon.untilFollowed(session_id);
    await eventStream();
    daemon.inbox.put({ prompt_id: 'p-22', session_id, id: 'docs' });
    await new Promise((go) => setTimeout(go, 200));
    daemon.end(session_id, 'stopped', 'stopped by operator');
    const { code, stderr } = await ran;
    expect(code).toBe(0);
    expect(stderr.match(/docs waits for a decision: filare-agents feedback show p-2\d/g)).toHaveLength(2);
  });
});
