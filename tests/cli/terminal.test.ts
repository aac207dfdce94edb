import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from './fake-daemon.js';
import { newProject, removeProject, run } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;

beforeEach(async () => {
  project = newProject();
  daemon = await FakeDaemon.start(project);
  daemon.addSession('docs');
});
afterEach(async () => {
  expect(daemon.complaints).toEqual([]);
  await daemon.close();
  removeProject(project);
});

describe('shell and login', () => {
  it.each(['shell', 'login'])(
    '%s without a terminal: bytes go in and out as they are, standard error apart, and the exit code is that of the program inside',
    async (kind) => {
      daemon.terminalExit = 3;
      let typed = '';
      daemon.shell = (stream) => {
        stream.on('data', (bytes: Buffer) => (typed += bytes.toString('latin1')));
        stream.on('end', () => {
          stream.write(frame(1, 'one\n\u0004'));
          stream.end(Buffer.concat([frame(2, 'trouble\n'), frame(1, 'two\r\n')]));
        });
      };
      const { code, stdout, stderr } = await run(project, [kind, 'docs'], { stdin: 'exit 3\n' });
      expect(code).toBe(3);
      expect(typed).toBe('exit 3\n');
      expect(stdout).toBe('one\n\u0004two\r\n');
      expect(stderr).toBe('trouble\n');
      expect(daemon.requests).toContain(`UPGRADE /v1/sessions/docs/terminal?kind=${kind}&tty=no`);
    },
  );

  it('shell in a terminal carries what is typed, shows what comes, and exits as the program inside did', async () => {
    daemon.terminalExit = 3;
    daemon.shell = (stream, query) => {
      stream.on('data', (typed: Buffer) => {
        const [keys = '', end] = typed.toString().split('\u0004');
        stream.write(keys);
        if (end !== undefined) stream.end(`${query.get('kind') ?? ''} ended at ${query.get('columns') ?? ''}\r\n`);
      });
    };
    const there = { stdin: 'exit 3\n', can_ask: true, columns: 90 };
    const { code, stdout } = await run(project, ['shell', 'docs'], there);
    expect(code).toBe(3);
    expect(stdout).toBe('exit 3\nshell ended at 90\r\n');
  });

  it('shell ID -- CMD hands the words over as they are, in a pipe and in a terminal', async () => {
    const argv = ['shell', 'docs', '--', 'sh', '-c', 'echo "$1" --json; exit 3', '--', "it's *"];
    const command = new URLSearchParams({ command: JSON.stringify(argv.slice(3)) }).toString();
    daemon.terminalExit = 3;
    daemon.shell = (stream) => stream.resume().end(frame(1, 'out\n'));
    expect(await run(project, argv)).toEqual({ code: 3, stdout: 'out\n', stderr: '' });
    daemon.shell = (stream) => stream.resume().end('out\r\n');
    expect(await run(project, argv, { can_ask: true, columns: 90 })).toMatchObject({ code: 3, stdout: 'out\r\n' });
    const asked = daemon.requests.filter((request) => request.startsWith('UPGRADE'));
    expect(asked).toEqual([expect.stringContaining(`&${command}`), expect.stringContaining(`&${command}`)]);
    const long = await run(project, ['shell', 'docs', '--', 'echo', 'x'.repeat(12_000)]);
    expect(long).toMatchObject({ code: 2, stderr: expect.stringContaining('too long') as unknown });
  });

  it.each([{}, { can_ask: true, columns: 90 }])('whose daemon ends says so, exit code 4: %j', async (where) => {
    daemon.shell = (stream) => {
      void daemon.close();
      stream.destroy();
    };
    const { code, stderr } = await run(project, ['shell', 'docs'], where);
    expect(stderr).toMatch(/the daemon ended, and this (terminal|connection) with it; docs goes on/);
    expect(code).toBe(4);
    await daemon.listen();
  });

  it('of nobody is exit code 3', async () => {
    expect((await run(project, ['shell', 'nobody'])).code).toBe(3);
  });
});

/** Output as a daemon sends it where there is no terminal. */
function frame(kind: number, text: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = kind;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}
