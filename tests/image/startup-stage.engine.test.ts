import { afterEach, beforeAll, expect, it } from 'vitest';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import type { Engine } from '../../src/engine/engine.js';
import { buildImage } from '../../src/image/image.js';
import { AgentContainer, key, newKey, variable } from './agent-container.js';
import type { Wish } from './agent-container.js';

const PROJECT = `image-startup-${String(process.pid)}`;
let engine: Engine;
const started: AgentContainer[] = [];

async function runScript(
  script: string,
  lines: readonly string[] = [],
  wish: Wish = {},
): Promise<{ exit_code: number; logs: string }> {
  const container = await AgentContainer.start(engine, PROJECT, { stage: 'startup', script, ...wish });
  started.push(container);
  container.send(...lines, '.');
  return container.end();
}

beforeAll(async () => {
  engine = await DockerEngine.connect(process.env);
  await buildImage(engine, { onProgress: () => undefined });
}, 900_000);

afterEach(async () => {
  for (const container of started.splice(0)) await container.remove();
});

it('runs the script in the workspace, with bash when it names no interpreter', async () => {
  expect(await runScript('[[ -n $BASH_VERSION ]] && pwd')).toEqual({ exit_code: 0, logs: '/home/agent/workspace\n' });
});

it('runs it with the interpreter it names', async () => {
  expect(await runScript('#!/usr/bin/env python3\nprint(6 * 7)\n')).toEqual({ exit_code: 0, logs: '42\n' });
});

it('ends with the exit code of the script', async () => {
  expect((await runScript('exit 37')).exit_code).toBe(37);
});

it('gives it the variables of the bootstrap and the key in the agent', async () => {
  const { text, fingerprint } = await newKey();
  const { logs } = await runScript('printf "%s|" "$GREETING"; ssh-add -l', [
    variable('GREETING', 'hello\nthere'),
    key(text),
  ]);
  expect(logs).toContain('hello\nthere|');
  expect(logs).toContain(fingerprint);
});

it('leaves it nothing of the channel: no name, no descriptor, no input', async () => {
  const { logs } = await runScript(
    'ls -A /io; for fd in /proc/$$/fd/*; do readlink "$fd"; done | grep -c /io/; read -r line; echo "read: $?"',
  );
  expect(logs).toBe('0\nread: 1\n');
});

it('ends whatever the script left behind', async () => {
  const { exit_code } = await runScript('setsid sleep 1000 & disown; exit 0');
  expect(exit_code).toBe(0);
  const [container] = started;
  expect((await engine.inspect(container?.id ?? ''))?.state).toBe('exited');
});

it('fails as the codex stage does: 70 without the pipe, 72 on garbage, 73 without a workspace', async () => {
  expect((await runScript('true', [], { without: ['in'] })).exit_code).toBe(70);
  expect((await runScript('true', ['garbage'])).exit_code).toBe(72);
  expect((await runScript('true', [], { workspace: 'missing' })).exit_code).toBe(73);
});
