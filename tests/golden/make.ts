// `npm run golden`: plays a small fleet through the real command line, daemon, engine and Codex, and keeps what its project looks like on disk as the
// golden folder of this version. tests/golden/golden.test.ts opens it with whatever code there is then. Needs the image; refuses to replace a folder
// that is kept already, unless `--again`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, hostname, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { projectPaths } from '../../src/contract/project.js';
import { promptSchema, sessionRowSchema } from '../../src/contract/session.js';
import { expectationSchema, goldenFiles, GOLDEN_ROOT, packFiles } from './golden-folder.js';

const BIN = fileURLToPath(new URL('../../bin/filare-agents.js', import.meta.url));
const DAEMON = fileURLToPath(new URL('./rotating-daemon.mjs', import.meta.url));
const DEADLINE_MS = 60_000;
const MAX_BYTES = 300 * 1024;

const MANIFEST = `
defaults:
  resources: { cpus: 1, memory: 256m, pids: 256 }
  git: { name: Agent, email: agent@example.com }
sessions:
  - { id: done, role: FEATURE, tags: [golden] }
  - { id: cut, role: FIXER }
  - { id: long, role: TOOLS, escalation: { approvals: approve } }
  - { id: asker, role: DOCS }
`;
const REHEARSAL = `
parts:
  - matches: /^append (\\S+)/
    do:
      - ask_approval: mkdir {{1}}
        reason: there is none yet
      - say: 'appended {{1}}: {{last_output}}'
  - matches: /^talk (\\d+)/
    do:
      - run: seq 1 {{1}}
      - run: seq 1 {{1}}
      - say: 'counted to {{1}}, in words of many languages: één, 二, три'
  - text: question
    do:
      - ask_operator: { question: 'Which colour?', choices: [red, blue], suggested_reply: blue, severity: warning }
      - say: 'it will be {{last_output}}'
`;

const paths = projectPaths(GOLDEN_ROOT, '/tmp');
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')));
const kept = goldenFiles(version);
if (existsSync(kept.folder) && !process.argv.includes('--again'))
  throw new Error(`${kept.folder} is there already; it is what version ${version} wrote. To replace it: --again`);

await mkdir(join(GOLDEN_ROOT, 'configs', 'agents'), { recursive: true });
try {
  await writeFile(join(GOLDEN_ROOT, 'configs', 'agents', 'a.yml'), MANIFEST);
  await writeFile(join(GOLDEN_ROOT, 'rehearsal.yml'), REHEARSAL);
  const daemon = spawn(process.execPath, [DAEMON, GOLDEN_ROOT], { stdio: 'ignore' });
  await until('the daemon serves', () => Promise.resolve(existsSync(paths.socket)));
  await play();
  const rows = z.array(sessionRowSchema).parse(await json(['list', '--all']));
  const prompts = z.array(promptSchema).parse(await json(['feedback', 'list']));
  await cli(['daemon', 'stop']);
  await until('the daemon has ended', () => Promise.resolve(daemon.exitCode !== null));
  const verified = await json(['transcript', 'verify', '--all']);
  const expectation = expectationSchema.parse({ version, rows, prompts, verified });
  await forgetMachine();
  const files = await filesKept();
  await refuseWhatIsOfThisMachine([...files]);
  const bytes = await packFiles(kept.folder, GOLDEN_ROOT, files);
  if (bytes > MAX_BYTES) throw new Error(`${bytes} bytes are too many to be kept`);
  await writeFile(kept.expectation, `${JSON.stringify(expectation, null, 2)}\n`);
  console.log(`${kept.folder}: ${files.length} files, ${bytes} bytes`);
} finally {
  await cli(['stop', '--all', '--grace', '2s']).catch(console.error);
  await cli(['daemon', 'stop']).catch(console.error);
  await rm(GOLDEN_ROOT, { recursive: true, force: true });
}

/** One session that ended, one that was stopped while it asked, one whose transcript was rotated twice, and one that waits for an answer. */
async function play(): Promise<void> {
  await cli(['start', '--all', '--rehearsal', 'rehearsal.yml']);
  await cli(['send', 'done', 'append first']);
  await cli(['feedback', 'approve', await promptOf('done'), '--always', '--yes']);
  await cli(['wait', 'done']);
  await cli(['stop', 'done']);
  await cli(['send', 'cut', 'append second']);
  await promptOf('cut');
  await cli(['stop', 'cut']);
  for (const [at, times] of [9_000, 9_000].entries()) {
    await cli(['send', 'long', `talk ${times}`]);
    await cli(['wait', 'long']);
    await until(`segment ${at + 1}`, async () => (await segments('long')) > at);
  }
  await cli(['restart', 'long']);
  await cli(['send', 'long', 'talk 3']);
  await cli(['wait', 'long']);
  await cli(['send', 'asker', 'append third']);
  await cli(['feedback', 'approve', await promptOf('asker'), '--for-session', '--yes']);
  await cli(['wait', 'asker']);
  await cli(['send', 'asker', 'question']);
  await promptOf('asker');
  // Segments are compressed, and checkpoints are made, when a session is quiet.
  await sleep(4_000);
}

async function promptOf(id: string): Promise<string> {
  let found: string | undefined;
  await until(`${id} asks`, async () => {
    found = z.array(promptSchema).parse(await json(['feedback', 'list', id]))[0]?.prompt_id;
    return found !== undefined;
  });
  return found ?? '';
}

async function segments(id: string): Promise<number> {
  const row = z
    .array(sessionRowSchema)
    .parse(await json(['list']))
    .find((one) => one.id === id);
  const names = await readdir(dirname(row?.transcript ?? ''), { recursive: true });
  return names.filter((name) => name.endsWith('.gz')).length;
}

/** Records alone: what agents wrote, their homes and configuration are not ours to keep, and pipes cannot be. */
async function filesKept(): Promise<readonly string[]> {
  const found: string[] = [join(GOLDEN_ROOT, 'configs', 'agents', 'a.yml')];
  for (const entry of await readdir(paths.state, { withFileTypes: true }))
    if (entry.isFile() && /\.jsonl?$/.test(entry.name)) found.push(join(paths.state, entry.name));
  for (const entry of await readdir(paths.outputs, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const is_attempts = path.includes('/attempts/');
    if (entry.isFile() && (!is_attempts || /\/journal\/(out|err)$/.test(path))) found.push(path);
  }
  return found;
}

async function forgetMachine(): Promise<void> {
  const state: unknown = JSON.parse(await readFile(paths.format, 'utf8'));
  await writeFile(paths.format, `${JSON.stringify({ ...Object(state), machine: null }, null, 2)}\n`);
}

async function refuseWhatIsOfThisMachine(files: readonly string[]): Promise<void> {
  const words = [homedir(), hostname(), userInfo().username, process.cwd()].filter(
    (word) => !['root', '/root', 'localhost'].includes(word),
  );
  for (const path of files)
    for (const word of words)
      if ((await readFile(path)).includes(word)) throw new Error(`${path} holds "${word}", which is of this machine`);
}

async function json(args: readonly string[]): Promise<unknown> {
  return JSON.parse(await cli([...args, '--json']));
}

function cli(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { cwd: GOLDEN_ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`filare-agents ${args.join(' ')}: status ${String(code)}: ${stderr}`));
    });
  });
}

async function until(what: string, test: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + DEADLINE_MS;
  while (!(await test())) {
    if (Date.now() > end) throw new Error(`waited for: ${what}`);
    await sleep(100);
  }
}
