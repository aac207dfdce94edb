import { join } from 'node:path';
import { parse } from 'smol-toml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectPaths } from '../../src/contract/project.js';
import { clientConfig, neededEnvironment } from '../../src/mcp/client-config.js';
import { newProject, removeProject, run } from '../cli/rig.js';
import { BIN } from './rig.js';

let project: ProjectPaths;
beforeEach(() => {
  project = newProject('docs');
});
afterEach(() => removeProject(project));

describe('--print-config', () => {
  const args = (...more: string[]): string[] => [BIN, 'mcp', '--project', project.root, ...more];

  it('codex: TOML with absolute paths, and longer patience than the longest wait of a tool', async () => {
    const { code, stdout, stderr } = await run(project, ['mcp', '--print-config', 'codex']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(parse(stdout)).toEqual({
      mcp_servers: { filare: { command: process.execPath, args: args(), tool_timeout_sec: 3660 } },
    });
  });

  it('claude and json: JSON, and what was asked for is in the arguments', async () => {
    const only = ['--read-only', '--agents', 'docs,tag:web'];
    const claude = await run(project, ['mcp', ...only, '--print-config', 'claude']);
    const entry = { command: process.execPath, args: args(...only) };
    expect(JSON.parse(claude.stdout)).toEqual({ mcpServers: { filare: { type: 'stdio', ...entry } } });
    const json = await run(project, ['mcp', ...only, '--print-config', 'json']);
    expect(JSON.parse(json.stdout)).toEqual(entry);
  });

  it('hands on where the engine is, for clients clear the environment', async () => {
    const env = { DOCKER_HOST: 'unix:///run/mine.sock', XDG_RUNTIME_DIR: '/run/user/1', OPENAI_API_KEY: 'sk-secret' };
    const { stdout } = await run(project, ['mcp', '--print-config', 'codex'], { env });
    expect(parse(stdout)).toMatchObject({ mcp_servers: { filare: { env: { DOCKER_HOST: 'unix:///run/mine.sock' } } } });
    expect(stdout).not.toContain('sk-secret');
  });

  it('of a client that is not known names those that are', async () => {
    const { code, stderr } = await run(project, ['mcp', '--print-config', 'emacs']);
    expect(code).toBe(2);
    expect(stderr).toContain('codex, claude, json');
  });
});

it('the folder of sockets is handed on only where the socket is in it', () => {
  const env = { XDG_RUNTIME_DIR: '/run/user/1', DOCKER_HOST: '' };
  expect(neededEnvironment(env, '/p/.filare/daemon.sock')).toEqual({});
  expect(neededEnvironment(env, join('/run/user/1', 'filare-0.sock'))).toEqual({ XDG_RUNTIME_DIR: '/run/user/1' });
});

it('TOML means the path, whatever is in it', () => {
  const path = '/home/a "b"\\c\u007f\u0001\n[mcp_servers.evil]/ü';
  const toml = clientConfig('codex', { command: path, args: [path], env: { DOCKER_HOST: path } });
  expect(parse(toml)).toEqual({
    mcp_servers: { filare: { command: path, args: [path], tool_timeout_sec: 3660, env: { DOCKER_HOST: path } } },
  });
});
