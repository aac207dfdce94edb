/**
 * The composition root: one background process per project that supervises its sessions and serves the control API on a unix socket.
 *
 * Invariants: one daemon per project, by a lock the kernel takes back; the socket is 0600 in a private folder and there only while it answers;
 * ending it (SIGTERM, SIGINT, `daemon stop`) lets go of agents and leaves them running; being killed does the same. Tests: tests/daemon.
 */
import { randomInt } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { pino, type Logger } from 'pino';
import { Attachments } from '../attach/attachments.js';
import { API_VERSION } from '../contract/api.js';
import type { DaemonStatus } from '../contract/api-shapes.js';
import { FilareError } from '../contract/errors.js';
import { lockName } from '../contract/project-lock-name.js';
import type { ProjectPaths } from '../contract/project.js';
import { DockerEngine } from '../engine/docker/docker-engine.js';
import { adoptMoved } from '../fleet/adopt-moved.js';
import { CallLog } from '../fleet/call-log.js';
import { Daily } from '../fleet/daily.js';
import { Fleet } from '../fleet/fleet.js';
import { UsageBook } from '../fleet/usage-book.js';
import { StandingRules } from '../fleet/standing-rules.js';
import { loadPolicy } from '../inbox/load-policy.js';
import { ProjectLedger } from '../ledger/project-ledger.js';
import { loadProjectSettings } from '../manifest/project-settings.js';
import { loadManifests, type LoadOptions } from '../manifest/load-manifests.js';
import { containerUser } from '../workspace/container-user.js';
import { jsonApp } from './app.js';
import { DaemonBook } from './daemon-book.js';
import { handlers } from './handlers.js';
import { machineId } from './machine-id.js';
import { lockProject } from './project-lock.js';
import { openState } from './state-format.js';
import { steadyClock } from './steady-clock.js';
import { serveStream, serveTerminal, type StreamContext } from './streams.js';
import { Terminals } from './terminals.js';

const CLOSE_MS = 5_000;

/**
 * Runs the daemon of a project until it is told to stop. Rejects with `conflict` when another one serves it, `engine_unavailable` when the engine
 * is not reachable, `bad_state` or `version_mismatch` when the state folder is not one that it may use (state-format.ts).
 */
export async function runDaemon(options: {
  readonly paths: ProjectPaths;
  readonly environment: NodeJS.ProcessEnv;
  readonly log_level?: string;
  /** Make a state folder of another path or machine this project's own. */
  readonly adopt?: boolean;
}): Promise<void> {
  const { paths } = options;
  const log = pino({ level: options.log_level ?? 'info' });
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  await chmod(paths.state, 0o700);
  const uid = process.getuid?.() ?? 0;
  const lock = await lockProject(paths.key, uid);
  const ending = new AbortController();
  // A stream each reader listens to it: their number is not a leak.
  setMaxListeners(0, ending.signal);
  try {
    const state = await openState(paths, {
      machine: await machineId(),
      adopt: options.adopt === true || options.environment['FILARE_ADOPT'] === '1',
      now: () => new Date(),
    });
    await ignoreState(paths);
    if (state.backup !== null)
      log.warn({ backup: state.backup }, 'the state folder was made ready for this version and place');
    const engine = await DockerEngine.connect(options.environment);
    const resources = await ProjectLedger.load(paths.ledger);
    const book = await DaemonBook.open(resources, { pid: process.pid, lock: `@${lockName(paths.key, uid)}` });
    const standing = await StandingRules.load(paths.rules);
    const now_ms = steadyClock((by_ms) =>
      log.warn({ by_ms }, 'the clock of this machine was set; deadlines go on as they were'),
    );
    const calls = await CallLog.open(paths.calls, now_ms);
    const usage = await UsageBook.load(paths.usage);
    const fleet = new Fleet({
      engine,
      paths,
      resources,
      instance: state.instance,
      user: containerUser(),
      caller_uid: uid,
      policy: await loadPolicy(),
      standing,
      calls,
      usage,
      boot_id: await readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
        (text) => text.trim(),
        () => null,
      ),
      // With the variables of whoever started the daemon: what a manifest means by $HOME is asked here by an agent, not by a person's shell.
      declared: async () => (await loadManifests(undefined, manifestPlace(paths.root, options.environment))).agents,
      retention: async () => (await loadProjectSettings(paths.root)).retention,
      max_parallel: async () => (await loadProjectSettings(paths.root)).max_parallel,
      log,
      now_ms,
      random: randomWord,
    });
    const terminals = new Terminals();
    const attachments = new Attachments(fleet.surroundings);
    const started_at = new Date().toISOString();
    const version = await packageVersion();
    const status = (): DaemonStatus => ({
      running: true,
      pid: process.pid,
      version,
      api_version: API_VERSION,
      socket: paths.socket,
      project: paths.root,
      sessions: fleet.liveSessions.length,
      started_at,
      memory_bytes: process.memoryUsage.rss(),
    });
    const stop = (): void => {
      ending.abort();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.on('SIGHUP', () => undefined);
    let daily: Daily | undefined;
    try {
      if (state.adopted_from !== null) await adoptMoved(fleet.surroundings, state.adopted_from);
      await fleet.adopt();
      await attachments.removeLeft();
      daily = new Daily(fleet);
      const server = serve(
        { fleet, terminals, attachments, ending: ending.signal },
        getRequestListener(jsonApp(handlers({ fleet, status, stop: () => setImmediate(stop), terminals }), log).fetch),
        log,
      );
      await book.add({ kind: 'socket', name: paths.socket });
      await listen(server, paths);
      log.info({ project: paths.root, socket: paths.socket, pid: process.pid }, 'the daemon serves');
      await aborted(ending.signal);
      log.info('the daemon stops; agents go on');
      await rm(paths.socket, { force: true });
      await close(server);
    } finally {
      // However it ends: nothing of it goes on once the lock is another daemon's.
      terminals.end();
      await attachments.end();
      await daily?.end();
      await fleet.letGo();
      await book.close().catch((failure: unknown) => {
        log.warn({ err: failure }, 'the end of this daemon is not in the book; the next one closes it');
      });
      await resources.close();
      await standing.close();
      await calls.close();
      await usage.close();
    }
  } finally {
    await lock.release();
  }
}

function serve(context: StreamContext, json: ReturnType<typeof getRequestListener>, log: Logger): Server {
  const server = createServer((request, response) => {
    if (serveStream(context, request, response)) return;
    Promise.resolve(json(request, response)).catch((failure: unknown) => {
      log.error({ err: failure }, 'a request was dropped');
      response.destroy();
    });
  });
  server.requestTimeout = 0;
  server.on('upgrade', (request, socket) => void serveTerminal(context, request, socket));
  return server;
}

/** Opens the socket with mode 0600 from its first moment on. The lock is ours, so whatever lies at its path is of a dead daemon. */
async function listen(server: Server, paths: ProjectPaths): Promise<void> {
  await rm(paths.socket, { force: true });
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(paths.socket, resolve);
    });
  } catch (cause) {
    throw new FilareError({
      code: 'unexpected',
      message: `the socket ${paths.socket} cannot be opened`,
      hint: 'filare-agents doctor',
      cause,
    });
  } finally {
    process.umask(before);
  }
}

/** Lets requests under way end, for a while. */
async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => {
      server.closeAllConnections();
      // A connection that was upgraded is none that the server closes: it must not keep the daemon.
      resolve();
    }, CLOSE_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}

function manifestPlace(root: string, env: NodeJS.ProcessEnv): LoadOptions {
  return { project_root: root, cwd: root, env, home: env['HOME'] ?? homedir() };
}

/** The state folder ignores itself, so that no one commits it. */
async function ignoreState(paths: ProjectPaths): Promise<void> {
  await writeFile(join(paths.state, '.gitignore'), '*\n');
}

function randomWord(characters: number): string {
  const letters = 'abcdefghijkmnpqrstuvwxyz23456789';
  return Array.from({ length: characters }, () => letters[randomInt(letters.length)]).join('');
}

async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown';
}
