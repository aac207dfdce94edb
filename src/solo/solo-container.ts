/**
 * One container for one person, without the daemon. Contract of the room:
 * - it is made by the same request as every agent's: user, limits, read-only root, covered files, labels; there is no second list;
 * - secrets go through the same pipe; they are in no file, argument, label or engine record, and Codex keeps its model key from commands;
 * - it lives no longer than the process that made it: removed when the program in it ends, with `signal`, and by the engine when this process is killed;
 * - its home and Codex home are a private temporary folder, gone with it; the workspace is used as it is, and stays.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chown, open, readFile, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { attemptPaths, MKFIFO_MS, openBootstrapPipe } from '../channel/attempt-files.js';
import { FifoWriter } from '../channel/fifo-writer.js';
import { configToml } from '../codex/config-toml.js';
import { FilareError } from '../contract/errors.js';
import type { ProjectPaths } from '../contract/project.js';
import { DockerEngine } from '../engine/docker/docker-engine.js';
import type { ContainerRequest, Engine, ExecPipes, ExecTerminal } from '../engine/engine.js';
import { requireImage } from '../image/image.js';
import { attemptFolder, ownedFolder, writeAttemptFolder } from '../session/attempt-folder.js';
import { containerRequest, IN_CONTAINER } from '../session/container-request.js';
import { LABEL, SOLO } from '../session/labels.js';
import { makeMountPoints } from '../session/launch.js';
import { bootstrapLines } from '../session/secrets.js';
import { containerUser } from '../workspace/container-user.js';
import { soloAgent, type SoloAgent, type SoloOptions } from './solo-agent.js';
import { removeRunFolder, runFolder } from './run-folder.js';
import { LIFE_PIPE, TAKE_ENVIRONMENT } from './solo-scripts.js';

/** The engine's own network: one of ours would have to be removed as well. */
const NETWORK = 'bridge';
const CODEX = '/usr/local/bin/codex';
const LOG_BYTES = 4096;

/** What to run, and for whom. */
export interface SoloQuery {
  readonly paths: ProjectPaths;
  readonly env: NodeJS.ProcessEnv;
  readonly options: SoloOptions;
  /** The program and its arguments; `codex` is Codex itself, which alone gets the model key. */
  readonly command: readonly [string, ...string[]];
  /** Absent: no terminal, bytes go through as they are. */
  readonly size: { readonly columns: number; readonly rows: number } | undefined;
  readonly signal: AbortSignal;
}

/** A container with a program at work in it, seen through a terminal or pipes; disposing removes all of it. */
export interface SoloContainer extends AsyncDisposable {
  readonly name: string;
  readonly program: ExecTerminal | ExecPipes;
}

/** Makes the container and starts the program. Whatever fails on the way, nothing is left. Errors: those of the engine, the image and `soloAgent`. */
export async function startSolo(query: SoloQuery): Promise<SoloContainer> {
  const undo: (() => Promise<unknown>)[] = [];
  const end = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    const { name, program } = await make(query, undo);
    return { name, program, [Symbol.asyncDispose]: end };
  } catch (failure) {
    await end();
    throw failure;
  }
}

async function make(
  query: SoloQuery,
  undo: (() => Promise<unknown>)[],
): Promise<{ name: string; program: ExecTerminal | ExecPipes }> {
  const { signal } = query;
  const engine = await DockerEngine.connect(query.env);
  const user = containerUser();
  const caller_uid = process.getuid?.() ?? user.uid;
  const folder = await runFolder(engine);
  undo.push(() => removeRunFolder(folder));
  const solo = await soloAgent(query.options, { folder, user, env: query.env });
  await requireImage(engine, solo.agent.image, signal);
  const request = await prepare(query, solo, { folder, user, caller_uid });
  const io = attemptPaths(attemptFolder(folder, 1).startup);
  const life = await holdOpen(join(io.io_folder, LIFE_PIPE), { user, caller_uid });
  undo.push(() => life.close());
  const pipe = await FifoWriter.open(io.in);
  undo.push(() => pipe.close());
  // Always awaited: what the engine makes after nobody listens any more would be found by nobody.
  const { id } = await engine.create(request);
  undo.push(() => engine.remove(id));
  signal.throwIfAborted();
  await engine.start(id, { signal });
  const [program, ...args] = query.command;
  const is_codex = program === 'codex';
  for (const line of bootstrapLines(solo.agent, solo.secrets, is_codex ? 'codex' : 'startup')) await pipe.write(line);
  const running = await runIn(engine, id, { ...query, command: [is_codex ? CODEX : program, ...args] });
  undo.push(() => Promise.resolve(running.stream.destroy()));
  return { name: request.name, program: running };
}

interface Place {
  readonly folder: string;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly caller_uid: number;
}

/** The folders and files that the container sees, and the request for it. */
async function prepare(
  query: SoloQuery,
  { agent, secrets, branch }: SoloAgent,
  place: Place,
): Promise<ContainerRequest> {
  const { folder, user, caller_uid } = place;
  const home = join(folder, 'home');
  const codex_home = join(folder, 'codex');
  const images = join(folder, 'images');
  for (const path of [home, join(home, '.codex'), join(home, 'workspace'), codex_home, images])
    await ownedFolder(path, user, caller_uid);
  await makeMountPoints(agent, codex_home, { user, caller_uid });
  const paths = attemptFolder(folder, 1);
  await writeAttemptFolder(paths, {
    agent,
    user,
    config_toml: configToml(agent, { model_key_names: secrets.model_key_names }),
    known_hosts: agent.known_hosts === undefined ? '' : await readFile(agent.known_hosts, 'utf8'),
  });
  const { io_folder } = await openBootstrapPipe(paths.startup, user);
  const session_id = `solo-${randomBytes(6).toString('hex')}`;
  const request = containerRequest({
    project_key: query.paths.key,
    session_id,
    agent,
    attempt: 1,
    branch,
    user,
    owner_uid: caller_uid,
    paths,
    home,
    codex_home,
    io_folder,
    network: NETWORK,
    images,
    extra_binds: [],
    stage: 'startup',
  });
  const labels = { ...request.labels, [LABEL.purpose]: SOLO };
  return { ...request, name: basename(folder), labels, auto_remove: true };
}

/** Makes the pipe and opens it for as long as this process lives. */
async function holdOpen(path: string, { user, caller_uid }: Pick<Place, 'user' | 'caller_uid'>): Promise<FileHandle> {
  await promisify(execFile)('mkfifo', ['-m', '0600', '--', path], { timeout: MKFIFO_MS });
  if (caller_uid === 0) await chown(path, user.uid, user.gid);
  return open(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
}

async function runIn(
  engine: Engine,
  id: string,
  { command, size, signal }: Pick<SoloQuery, 'command' | 'size' | 'signal'>,
): Promise<ExecTerminal | ExecPipes> {
  const program = ['/bin/bash', '-p', '-c', TAKE_ENVIRONMENT, 'solo', ...command];
  const request = { command: program, working_dir: IN_CONTAINER.workspace };
  try {
    // Without the signal, which would break the stream later on: whoever reads it ends it.
    const running = await (size === undefined
      ? engine.pipes(id, request)
      : engine.terminal(id, { ...request, ...size }));
    if (signal.aborted) running.stream.destroy();
    signal.throwIfAborted();
    return running;
  } catch (cause) {
    signal.throwIfAborted();
    // It ended at once: its entry says why (a key with a passphrase, for one).
    const said = (await engine.logs(id, LOG_BYTES).catch(() => '')).trim();
    if (said === '') throw cause;
    throw new FilareError({ code: 'bad_state', message: `the container ended at once: ${said}`, cause });
  }
}
