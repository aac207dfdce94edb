import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { FakeDaemon } from '../cli/fake-daemon.js';
import { newProject, removeProject, until } from '../cli/rig.js';
import { BIN, Connection } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;

beforeEach(async () => {
  project = newProject('docs');
  daemon = await FakeDaemon.start(project);
});
afterEach(async () => {
  await daemon.close();
  removeProject(project);
});

/** The server, spoken to line by line. */
class Raw {
  readonly child: ChildProcessWithoutNullStreams;
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | string>;

  constructor(cwd: string, ...args: readonly string[]) {
    this.child = spawn(process.execPath, [BIN, 'mcp', ...args], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: project.root },
    });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((settle) => this.child.on('close', (code, signal) => settle(code ?? signal ?? 'unknown')));
  }

  say(...messages: readonly unknown[]): void {
    for (const message of messages) {
      this.child.stdin.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
    }
  }

  begin(client_name: string): void {
    const params = {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: client_name, version: '1' },
    };
    this.say(
      { jsonrpc: '2.0', id: 0, method: 'initialize', params },
      { jsonrpc: '2.0', method: 'notifications/initialized' },
    );
  }

  call(id: number, name: string, given: unknown = {}): void {
    this.say({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: given } });
  }

  /** What it wrote, line by line; fails on what is no JSON-RPC. */
  messages(): { id?: number }[] {
    return this.stdout
      .trimEnd()
      .split('\n')
      .map((line) => {
        const message = JSON.parse(line) as { jsonrpc?: string; id?: number };
        expect(message.jsonrpc).toBe('2.0');
        return message;
      });
  }
}

describe('the process', () => {
  it('ends with 0 when standard input is closed, and lets go of a call that is running', async () => {
    let gone = false;
    daemon.on.callTool = ({ signal }) =>
      new Promise((_, fail) => {
        signal.addEventListener('abort', () => {
          gone = true;
          fail(new Error('gone'));
        });
      });
    const server = new Raw(project.root);
    server.begin('test');
    server.call(1, 'wait_for_agent', { agent: 'docs', until: 'idle', timeout_seconds: 600 });
    await until(() => daemon.calls.some(({ route }) => route === 'callTool'));
    server.child.stdin.end();
    expect(await server.ended).toBe(0);
    await until(() => gone);
    expect(server.messages().map(({ id }) => id)).toEqual([0]);
  });

  it('ends with 0 when standard input is closed before a word', async () => {
    const server = new Raw(project.root);
    server.child.stdin.end();
    expect(await server.ended).toBe(0);
    expect(server.stdout + server.stderr).toBe('');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s', async (signal) => {
    const server = new Raw(project.root);
    server.begin('test');
    await until(() => server.stdout.includes('\n'));
    server.child.kill(signal);
    expect(await server.ended).toBe(0);
  });

  it('ends when nobody reads what it says', async () => {
    const server = new Raw(project.root);
    server.begin('test');
    await until(() => server.stdout.includes('\n'));
    server.child.stdout.destroy();
    server.say({ jsonrpc: '2.0', id: 1, method: 'ping' }, { jsonrpc: '2.0', id: 2, method: 'ping' });
    expect(await server.ended).toBe(0);
  });

  it('writes nothing but JSON-RPC, whatever it is sent and whatever the daemon answers', async () => {
    daemon.on.callTool = () => ({
      success: true,
      text: 'line\nline \u001b[31mred\u001b[0m \u2028 {"jsonrpc":"2.0"}\r\n',
    });
    const server = new Raw(project.root);
    server.begin('test');
    server.say('no json', '', '{"jsonrpc":"2.0","id":', '[]', '{"jsonrpc":"1.0","id":5}', '{"jsonrpc":"2.0","id":6}');
    server.call(1, 'list_agents');
    server.call(2, 'nothing_like_it');
    server.call(3, 'send_message', { agent: ['docs'], text: 7 });
    server.say({ jsonrpc: '2.0', id: 4, method: 'no/such', params: {} });
    await until(() => [1, 2, 3, 4].every((id) => server.stdout.includes(`"id":${id}`)));
    server.child.stdin.end();
    expect(await server.ended).toBe(0);
    const answered = server.messages().map(({ id }) => id);
    expect(answered).toEqual(expect.arrayContaining([0, 1, 2, 3, 4]));
    expect(server.stdout).not.toContain('\u001b');
  });

  it('will not serve a folder that is no project: a client starts it anywhere', async () => {
    const server = new Raw('/');
    expect(await server.ended).toBe(2);
    expect(server.stdout).toBe('');
    expect(server.stderr).toContain('--project DIR');
  });
});

it.each([
  [
    'as an attacker would',
    'Claude Code (beta)\u001b[2J\r\n../../etc/passwd',
    'mcp:Claude-Code-beta-2J-..-..-etc-passwd',
  ],
  ['as a person', 'operator', 'mcp:operator'],
  ['in marks alone', '\u202e\u0000', 'mcp:unnamed'],
  ['nothing', '', 'mcp:unnamed'],
  ['at great length', 'x'.repeat(5_000), `mcp:${'x'.repeat(60)}`],
])(
  'a client that calls itself %s is written down harmlessly, and never as a person',
  async (_, client_name, caller) => {
    daemon.on.callTool = () => ({ success: true, text: 'done' });
    await using server = await Connection.open(project, { client_name });
    expect(await server.call('list_agents')).toEqual({ text: 'done', is_error: false });
    expect(daemon.calls.at(-1)?.body['caller']).toBe(caller);
  },
);
