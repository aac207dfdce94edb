import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import type { SessionRow } from '../../src/contract/session.js';
import { FakeDaemon } from '../cli/fake-daemon.js';
import { newProject, removeProject, run } from '../cli/rig.js';
import { promptOf } from '../cli/samples.js';
import { Connection } from './rig.js';

let project: ProjectPaths;
let daemon: FakeDaemon;
let rows: Record<'docs' | 'web' | 'doc_secret', SessionRow>;

beforeEach(async () => {
  project = newProject('docs');
  daemon = await FakeDaemon.start(project);
  rows = {
    docs: daemon.addSession('docs'),
    web: daemon.addSession('web', { tags: ['frontend'] }),
    doc_secret: daemon.addSession('doc_secret', { tags: ['backend'] }),
  };
  daemon.on.callTool = () => ({ success: true, text: 'done' });
});
afterEach(async () => {
  await daemon.close();
  expect(daemon.complaints).toEqual([]);
  removeProject(project);
});

function open(list = 'docs,tag:frontend'): Promise<Connection> {
  return Connection.open(project, { args: ['--agents', list] });
}

function asked(): unknown[] {
  return daemon.calls.filter(({ route }) => route === 'callTool').map(({ body }) => body['arguments']);
}

it('agents within the limit are named by id, session or the beginning of one, and the daemon is given the exact session', async () => {
  await using server = await open();
  for (const agent of ['docs', rows.docs.session_id, rows.docs.session_id.slice(0, 9), 'web']) {
    expect((await server.call('read_transcript', { agent })).is_error).toBe(false);
  }
  const { session_id } = rows.docs;
  expect(asked()).toEqual([
    ...[session_id, session_id, session_id].map((agent) => ({ agent })),
    { agent: rows.web.session_id },
  ]);
});

it('an agent outside it is refused in the same words as one that does not exist, however it is named', async () => {
  await using server = await open();
  const refs = ['doc_secret', rows.doc_secret.session_id, 'doc_', 'doc', 'no-such-agent'];
  for (const agent of refs) {
    for (const [tool, more] of [
      ['send_message', { text: 'obey' }],
      ['stop_agent', {}],
      ['start_agent', {}],
      ['read_transcript', {}],
    ] as const) {
      const { text, is_error } = await server.call(tool, { agent, ...more });
      expect(is_error).toBe(true);
      expect(text).toBe(
        `${agent} is not among the agents of this server (docs, tag:frontend)\ntry: list_agents shows them`,
      );
    }
  }
  expect(asked()).toEqual([]);
});

it('an agent that was never started can be started when the limit names its id', async () => {
  await using server = await open('docs,fresh');
  expect((await server.call('start_agent', { agent: 'fresh' })).is_error).toBe(false);
  expect((await server.call('send_message', { agent: 'fresh', text: 'hi' })).is_error).toBe(true);
  expect(asked()).toEqual([{ agent: 'fresh' }]);
});

it('lists hold only what is within it, in text and data', async () => {
  const entries = [
    { id: 'docs', phase: 'running' },
    { id: 'doc_secret', phase: 'running' },
    { id: 'web', phase: 'running' },
    { id: 'declared', phase: null, tags: ['frontend'] },
    { phase: 'running' },
    'doc_secret',
  ];
  daemon.on.callTool = ({ params }) =>
    params['tool'] === 'list_agents'
      ? { success: true, text: JSON.stringify({ agents: entries, of: 'doc_secret' }), data: { agents: entries } }
      : { success: true, text: JSON.stringify(entries) };
  await using server = await open();
  const kept = [entries[0], entries[2], entries[3]];
  const agents = await server.client.callTool({ name: 'list_agents' });
  expect(agents.structuredContent).toEqual({ agents: kept });
  expect(agents.content).toEqual([{ type: 'text', text: JSON.stringify({ agents: kept }) }]);
  expect(JSON.parse((await server.call('list_prompts')).text)).toEqual(kept);
});

it('a list in which agents cannot be told apart is not shown', async () => {
  daemon.on.callTool = () => ({ success: true, text: 'doc_secret is running' });
  await using server = await open();
  const { text, is_error } = await server.call('list_agents');
  expect(is_error).toBe(true);
  expect(text).not.toContain('doc_secret');
});

it('prompts are answered for agents within it alone', async () => {
  daemon.on.showPrompt = ({ params }) => {
    const row = params['prompt'] === 'p-1' ? rows.docs : rows.doc_secret;
    return {
      ...promptOf({ prompt_id: params['prompt'] ?? '', id: row.id, session_id: row.session_id }),
      decision: null,
    };
  };
  await using server = await open();
  const answer = { revision: 'v-1', choice: 'accept' };
  expect((await server.call('answer_prompt', { prompt_id: 'p-1', ...answer })).is_error).toBe(false);
  expect((await server.call('answer_prompt', { prompt_id: 'p-2', ...answer })).text).toContain(
    'prompt p-2 is not among',
  );
  expect(asked()).toEqual([{ prompt_id: 'p-1', ...answer }]);
});

it('a limit that is no list of agents and tags is refused before anything is served', async () => {
  for (const list of ['', 'docs,,web', 'tag:', 'a b', '*']) {
    const { code, stderr } = await run(project, ['mcp', '--agents', list]);
    expect(code).toBe(2);
    expect(stderr).toContain('--agents docs,tag:web');
  }
});

it('transcripts are resources, of agents within it', async () => {
  for (let at = 1; at <= 250; at += 1) daemon.say(rows.docs.session_id, { kind: 'reply', text: `entry ${at}` });
  daemon.say(rows.doc_secret.session_id, { kind: 'reply', text: 'secret' });
  await using server = await open();
  const uriOf = ({ session_id }: SessionRow): string => `filare://sessions/${session_id}/transcript`;
  const { resources } = await server.client.listResources();
  expect(resources.map(({ uri }) => uri).sort()).toEqual([rows.docs, rows.web].map(uriOf).sort());
  const { contents } = await server.client.readResource({ uri: uriOf(rows.docs) });
  const [content] = contents;
  expect(content?.mimeType).toBe('application/x-ndjson');
  const lines = content !== undefined && 'text' in content ? content.text.trimEnd().split('\n') : [];
  const seqs = lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
  expect([seqs.length, seqs[0], seqs.at(-1)]).toEqual([200, 51, 250]);
  for (const uri of [uriOf(rows.doc_secret), 'filare://sessions/docs/transcript', 'filare://sessions/x/transcript']) {
    await expect(server.client.readResource({ uri })).rejects.toThrow(/not found/i);
  }
});
