import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FilareError } from '../../src/contract/errors.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { isToolName, TOOLS } from '../../src/contract/tools.js';
import { FakeDaemon } from '../cli/fake-daemon.js';
import { newProject, removeProject, until } from '../cli/rig.js';
import { Connection, textOf } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;

beforeEach(async () => {
  project = newProject('docs');
  daemon = await FakeDaemon.start(project);
  daemon.on.callTool = ({ params }) => ({ success: true, text: `${params['tool'] ?? ''} done` });
});
afterEach(async () => {
  await daemon.close();
  expect(daemon.complaints).toEqual([]);
  removeProject(project);
});

/** What the daemon was asked to do, in order. */
function asked(): unknown[] {
  return daemon.calls
    .filter(({ route }) => route === 'callTool')
    .map(({ params, body }) => ({ tool: params['tool'], ...body }));
}

const EXAMPLES: Readonly<Record<keyof typeof TOOLS, Record<string, unknown>>> = {
  list_agents: {},
  start_agent: { agent: 'docs' },
  stop_agent: { agent: 'docs' },
  send_message: { agent: 'docs', text: 'write', wait_seconds: 60 },
  wait_for_agent: { agent: 'docs', until: 'idle', timeout_seconds: 60 },
  read_transcript: { agent: 'docs', last: 10 },
  list_prompts: {},
  answer_prompt: { prompt_id: 'p-1', revision: 'v-1', choice: 'accept', reason: 'fine' },
};

describe.each([[false], [true]])('tools, newest protocol: %s', (modern) => {
  it('are those of the contract, with what they take and whether they change anything', async () => {
    await using server = await Connection.open(project, { modern });
    expect(server.client.getNegotiatedProtocolVersion()).toBe(modern ? '2026-07-28' : '2025-11-25');
    const { tools } = await server.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(Object.keys(TOOLS));
    for (const { name, description, annotations, inputSchema } of tools) {
      if (!isToolName(name)) throw new Error(name);
      expect(description).toBe(TOOLS[name].description);
      expect(annotations?.readOnlyHint).toBe(!TOOLS[name].changes);
      expect(typeof annotations?.destructiveHint).toBe('boolean');
      expect(Object.keys(inputSchema.properties ?? {})).toEqual(Object.keys(TOOLS[name].input.shape));
    }
    expect(tools.filter((tool) => tool.annotations?.destructiveHint === true).map(({ name }) => name)).toEqual([
      'stop_agent',
      'answer_prompt',
    ]);
    expect(daemon.calls).toEqual([]);
  });

  it('reach the daemon as they were called, in the name of the client', async () => {
    await using server = await Connection.open(project, { modern, client_name: 'codex-mcp-client' });
    for (const [tool, given] of Object.entries(EXAMPLES)) {
      expect(await server.call(tool, given)).toEqual({ text: `${tool} done`, is_error: false });
    }
    expect(asked()).toEqual(
      Object.entries(EXAMPLES).map(([tool, given]) => ({ tool, caller: 'mcp:codex-mcp-client', arguments: given })),
    );
    expect(server.errors).toEqual([]);
    expect(server.stderr).toBe('');
  });

  it('give data as structured content beside the text', async () => {
    daemon.on.callTool = () => ({ success: true, text: '{"agents":[]}', data: { agents: [] } });
    await using server = await Connection.open(project, { modern });
    const result = await server.client.callTool({ name: 'list_agents' });
    expect(result.structuredContent).toEqual({ agents: [] });
    expect(textOf(result)).toBe('{"agents":[]}');
  });
});

describe('a call that cannot be carried out', () => {
  it('is an error with the reason when the daemon refuses it', async () => {
    daemon.on.callTool = () => ({ success: false, text: 'docs waits for a person' });
    await using server = await Connection.open(project);
    expect(await server.call('send_message', EXAMPLES.send_message)).toEqual({
      text: 'docs waits for a person',
      is_error: true,
    });
  });

  it('is an error with what happened and what to do when the daemon fails, and the server goes on', async () => {
    daemon.on.callTool = () => {
      throw new FilareError({ code: 'engine_unavailable', message: 'no engine answers', hint: 'start Docker' });
    };
    await using server = await Connection.open(project);
    expect(await server.call('stop_agent', { agent: 'docs' })).toEqual({
      text: 'no engine answers\ntry: start Docker',
      is_error: true,
    });
    expect((await server.client.listTools()).tools).toHaveLength(8);
  });

  it.each([
    ['send_message', { agent: 'docs' }, /text: .*\ntry: send_message takes agent, text, wait_seconds \(optional\)/],
    ['wait_for_agent', { agent: 'docs', until: 'happy', timeout_seconds: 0 }, /until: .*idle.*timeout_seconds: /],
    ['list_agents', { all: true }, /all.*\ntry: list_agents takes no arguments/],
    ['start_agent', { agent: '' }, /agent: /],
  ])('never reaches the daemon when its arguments are wrong: %s %j', async (tool, given, says) => {
    await using server = await Connection.open(project);
    const { text, is_error } = await server.call(tool, given);
    expect(is_error).toBe(true);
    expect(text).toMatch(says);
    expect(asked()).toEqual([]);
  });

  it('is refused by the protocol when there is no such tool, and those there are are named', async () => {
    await using server = await Connection.open(project);
    await expect(server.call('delete_everything')).rejects.toThrow(
      /no tool "delete_everything"; there are list_agents/,
    );
    await expect(server.call('constructor')).rejects.toThrow(/no tool/);
  });
});

describe('read-only', () => {
  it('lists only what looks, and refuses the rest itself, saying why', async () => {
    await using server = await Connection.open(project, { args: ['--read-only'] });
    const { tools } = await server.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['list_agents', 'wait_for_agent', 'read_transcript', 'list_prompts']);
    for (const tool of ['start_agent', 'stop_agent', 'send_message', 'answer_prompt'] as const) {
      const { text, is_error } = await server.call(tool, EXAMPLES[tool]);
      expect(is_error).toBe(true);
      expect(text).toContain('--read-only');
    }
    expect(asked()).toEqual([]);
    expect(await server.call('list_agents')).toEqual({ text: 'list_agents done', is_error: false });
  });
});

describe('a long call', () => {
  it('tells a client that asked for it that it goes on, and outlasts its deadline that way', async () => {
    daemon.on.callTool = async () => {
      await new Promise((go) => setTimeout(go, 6_000));
      return { success: true, text: 'the reply' };
    };
    await using server = await Connection.open(project);
    const heard: unknown[] = [];
    const result = await server.client.callTool(
      { name: 'send_message', arguments: EXAMPLES.send_message },
      { timeout: 5_500, resetTimeoutOnProgress: true, onprogress: (progress) => heard.push(progress) },
    );
    expect(textOf(result)).toBe('the reply');
    expect(heard).toEqual([{ progress: 5, total: 60, message: 'send_message goes on, 5 s so far' }]);
  });

  it.each([[false], [true]])(
    'ends at the daemon when taken back, and the server goes on (newest protocol: %s)',
    async (modern) => {
      let gone = false;
      daemon.on.callTool = ({ signal, params }) => {
        if (params['tool'] === 'list_agents') return { success: true, text: 'here' };
        return new Promise((_, fail) => {
          signal.addEventListener('abort', () => {
            gone = true;
            fail(new Error('gone'));
          });
        });
      };
      await using server = await Connection.open(project, { modern });
      const taken_back = new AbortController();
      const call = server.client.callTool(
        { name: 'wait_for_agent', arguments: EXAMPLES.wait_for_agent },
        { signal: taken_back.signal },
      );
      await until(() => asked().length === 1);
      taken_back.abort('not needed any more');
      await expect(call).rejects.toThrow();
      await until(() => gone);
      expect(await server.call('list_agents')).toEqual({ text: 'here', is_error: false });
      expect(server.stderr).toBe('');
    },
  );
});
