import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAgain } from '../../src/contract/start-again.js';
import { projectPaths, type ProjectPaths } from '../../src/contract/project.js';
import { startWarnings } from '../../src/fleet/start-warnings.js';
import { rowOf } from '../cli/samples.js';
import { agentSpec } from '../support/agent-spec.js';

let paths: ProjectPaths;

beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'filare-warn-'));
  paths = projectPaths(root, tmpdir());
});
afterEach(() => rmSync(paths.root, { recursive: true, force: true }));

function envFile(text: string): string {
  const file = join(paths.root, 'agents.env');
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

function login(id: string): void {
  const home = join(paths.agents, id, 'codex');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'auth.json'), '{}');
}

const none = /^foxtrot has no model key and no login/;
const agent = agentSpec({ id: 'foxtrot' });

describe('a start that calls the model provider', () => {
  it('says that the session before was rehearsed, and how the script is played again', async () => {
    login('foxtrot');
    const last = rowOf('foxtrot', { rehearsal: 'rehearsal/day.yml' });
    expect(await startWarnings({ paths }, agent, last)).toEqual([
      'foxtrot was rehearsed last time; this session calls the model provider (start --session foxtrot --rehearsal rehearsal/day.yml plays the script again)',
    ]);
    expect(await startWarnings({ paths }, agent, rowOf('foxtrot'))).toEqual([]);
    expect(await startWarnings({ paths }, agent, undefined)).toEqual([]);
  });

  it('says when there is neither key nor login, and an empty key is none', async () => {
    expect(await startWarnings({ paths }, agent, undefined)).toEqual([expect.stringMatching(none)]);
    const env_file = envFile('OPENAI_API_KEY=\nOTHER=1\n');
    expect(await startWarnings({ paths }, { ...agent, env_file }, undefined)).toEqual([expect.stringMatching(none)]);
  });

  it.each(['OPENAI_API_KEY=sk-1', 'CODEX_API_KEY=sk-1', 'OPENAI_BASE_URL=https://proxy.example/v1'])(
    'says nothing of keys where the env file has %s',
    async (line) => {
      expect(await startWarnings({ paths }, { ...agent, env_file: envFile(`${line}\n`) }, undefined)).toEqual([]);
    },
  );

  it.each([
    { model_provider: 'local' },
    { openai_base_url: 'https://proxy.example/v1' },
    { cli_auth_credentials_store: 'keyring' },
  ])('says nothing of keys where it cannot know: %j', async (config) => {
    const elsewhere = agentSpec({ id: 'foxtrot', codex: { ...agent.codex, config } });
    expect(await startWarnings({ paths }, elsewhere, undefined)).toEqual([]);
  });
});

describe('what to type to start an agent again', () => {
  it('names the scripts of a rehearsal, or FILE where they are no files that could be typed', () => {
    expect(startAgain('a', null)).toBe('filare-agents start --session a');
    expect(startAgain('a', 'r/one.yml, two.yaml')).toBe(
      'filare-agents start --session a --rehearsal r/one.yml two.yaml',
    );
    expect(startAgain('a', 'a test')).toBe('filare-agents start --session a --rehearsal FILE');
    expect(startAgain('a', 'x$(id).yml')).toBe('filare-agents start --session a --rehearsal FILE');
  });
});
