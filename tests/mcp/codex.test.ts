import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { TOOLS } from '../../src/contract/tools.js';
import { FakeDaemon } from '../cli/fake-daemon.js';
import { newProject, removeProject, run } from '../cli/rig.js';
import { codexBinary } from '../codex/rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;
let codex: Codex;

beforeEach(async () => {
  project = newProject('docs');
  daemon = await FakeDaemon.start(project);
  const { stdout } = await run(project, ['mcp', '--print-config', 'codex']);
  codex = new Codex(stdout);
  await codex.ask('initialize', {
    clientInfo: { name: 'test', title: 'test', version: '1' },
    capabilities: { experimentalApi: true },
  });
  codex.say({ method: 'initialized' });
});
afterEach(async () => {
  await codex.close();
  await daemon.close();
  removeProject(project);
});

it('the real Codex, given the printed configuration, sees the tools and calls them in its own name', async () => {
  daemon.on.callTool = () => ({ success: true, text: '{"agents":[]}', data: { agents: [] } });
  const status = await codex.ask('mcpServerStatus/list', {});
  const { data } = status as { data: { name: string; tools: object }[] };
  expect(data.map(({ name }) => name)).toEqual(['filare']);
  expect(Object.keys(data[0]?.tools ?? {}).sort()).toEqual(Object.keys(TOOLS).sort());
  const { thread } = (await codex.ask('thread/start', { cwd: project.root })) as { thread: { id: string } };
  const answer = await codex.ask('mcpServer/tool/call', {
    threadId: thread.id,
    server: 'filare',
    tool: 'list_agents',
    arguments: {},
  });
  expect(answer).toMatchObject({ structuredContent: { agents: [] } });
  expect(daemon.calls.filter(({ route }) => route === 'callTool').map(({ body }) => body)).toEqual([
    { caller: 'mcp:codex-mcp-client', arguments: {} },
  ]);
  expect(daemon.complaints).toEqual([]);
});

/** Codex's app-server with a home of its own. */
class Codex {
  readonly #home = mkdtempSync(join(tmpdir(), 'filare-mcp-codex-'));
  readonly #child;
  readonly #answers = new Map<number, { settle: (result: unknown) => void; fail: (error: Error) => void }>();
  #asked = 0;

  constructor(config: string) {
    writeFileSync(join(this.#home, 'config.toml'), config);
    this.#child = spawn(codexBinary(), ['app-server'], {
      cwd: this.#home,
      env: { PATH: process.env['PATH'], HOME: this.#home, CODEX_HOME: this.#home },
    });
    this.#child.stderr.resume();
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const { id, result, error } = JSON.parse(line) as { id?: number; result?: unknown; error?: { message: string } };
      const waiting = id === undefined ? undefined : this.#answers.get(id);
      if (error === undefined) waiting?.settle(result);
      else waiting?.fail(new Error(error.message));
    });
  }

  say(message: unknown): void {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  ask(method: string, params: unknown): Promise<unknown> {
    this.#asked += 1;
    const id = this.#asked;
    this.say({ id, method, params });
    return new Promise((settle, fail) => this.#answers.set(id, { settle, fail }));
  }

  async close(): Promise<void> {
    const closed = new Promise((settle) => this.#child.once('close', settle));
    this.#child.stdin.end();
    await closed;
    rmSync(this.#home, { recursive: true, force: true });
  }
}
