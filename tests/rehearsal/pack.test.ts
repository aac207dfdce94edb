import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { packRehearsal, SERVER_FILES } from '../../src/rehearsal/pack.js';
import { DEFAULT_PACE, type Plan } from '../../src/rehearsal/plan.js';

const ROOM = 'src/rehearsal';
const PLAN: Plan = {
  version: 1,
  strict: false,
  pace: DEFAULT_PACE,
  parts: [{ source: 's:1', cue: { text: ['hang'][0] }, steps: [{ kind: 'hang', ms: null }] }],
};

let folder = '';
let packed = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-pack-'));
  packed = join(folder, 'rehearsal');
  const compiled = join(folder, 'compiled');
  await mkdir(compiled);
  for (const file of await readdir(ROOM)) {
    const options = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
    const { outputText } = ts.transpileModule(await readFile(join(ROOM, file), 'utf8'), { compilerOptions: options });
    await writeFile(join(compiled, `${basename(file, '.ts')}.js`), outputText);
  }
  await packRehearsal(packed, PLAN, compiled);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function start(...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [join(packed, 'main.js'), ...args], { cwd: '/', env: {} });
}

describe('the packed server, as a container gets it', () => {
  it('holds its own files only, and imports nothing but Node', async () => {
    expect((await readdir(packed)).sort()).toEqual([...SERVER_FILES, 'package.json', 'script.json'].sort());
    for (const file of SERVER_FILES) {
      const imports = [...(await readFile(join(packed, file), 'utf8')).matchAll(/from '([^']+)'/g)].map(
        (match) => match[1] ?? '',
      );
      expect(
        imports.filter((name) => !name.startsWith('node:') && !SERVER_FILES.some((own) => name === `./${own}`)),
      ).toEqual([]);
    }
  });

  it('runs with plain Node, logs requests, and ends on SIGTERM in the middle of an answer', async () => {
    const server = start('--script', join(packed, 'script.json'), '--port', '0', '--log');
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const line = async (): Promise<unknown> =>
      JSON.parse(z.object({ value: z.string() }).parse(await lines.next()).value);
    const { port } = z.object({ port: z.number() }).parse(await line());
    const post = (text: string): Promise<Response> => {
      const input = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text }] }];
      return fetch(`http://127.0.0.1:${port}/v1/responses`, { method: 'POST', body: JSON.stringify({ input }) });
    };
    expect(await (await post('hi')).text()).toContain('response.completed');
    expect(await line()).toMatchObject({ turn: 1, steps: ['say'], part: 'echo' });
    const hanging = post('hang').catch(() => 'gone');
    await fetch(`http://127.0.0.1:${port}/healthz`);
    const exited = once(server, 'exit', { signal: AbortSignal.timeout(1000) });
    server.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(await hanging).toBe('gone');
  });

  it.each([
    [['--port', '0'], '--script FILE is missing'],
    [['--script', 'SCRIPT'], '--port N or --socket PATH is missing'],
    [['--script', 'SCRIPT', '--port', 'x'], '--port takes a number'],
    [['--script', '/nowhere.json', '--port', '0'], 'ENOENT'],
    [['--script', 'PACKAGE', '--port', '0'], 'is not a script compiled for this server'],
    [['--nonsense'], 'nonsense'],
  ])('refuses %j', async (args, message) => {
    const files: Record<string, string> = { SCRIPT: 'script.json', PACKAGE: 'package.json' };
    const server = start(...args.map((arg) => (files[arg] ? join(packed, files[arg]) : arg)));
    let stderr = '';
    server.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    expect(await once(server, 'close')).toEqual([2, null]);
    expect(stderr).toContain(message);
  });
});
