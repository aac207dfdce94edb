import { DockerEngine } from '../engine/docker/docker-engine.js';
import type { Engine } from '../engine/engine.js';
import { imageStatus } from '../image/image.js';
import { CHECK_DEADLINE_MS, checked, ok, warn, type Check } from './check.js';

/** Oldest Docker Engine that is tried, as major and minor. */
const OLDEST_ENGINE = [20, 10] as const;
/** Memory that one agent is given by default, in bytes. */
const ONE_AGENT_BYTES = 4 * 2 ** 30;

/** The engine, when it answers, and the check that says so: reachable, and with permission. */
export async function connectEngine(
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<{ readonly engine: Engine | undefined; readonly check: Check }> {
  let found: Engine | undefined;
  const check = await checked(
    'engine',
    'start Docker, or name it with DOCKER_HOST',
    async (within) => {
      const engine = await DockerEngine.connect(env);
      const info = await engine.info({ signal: within, deadline_ms: CHECK_DEADLINE_MS });
      found = engine;
      return ok('engine', `${info.kind} answers at ${info.endpoint}`);
    },
    signal,
  );
  return { engine: found, check };
}

/** Whether the engine is new enough. */
export async function checkEngine(engine: Engine, signal: AbortSignal): Promise<Check> {
  return checked(
    'engine version',
    'install a newer Docker Engine',
    async (within) => {
      const info = await engine.info({ signal: within });
      const runtimes = Object.entries(info.runtime_versions).map(([name, version]) => `${name} ${version}`);
      const detail = [
        `${info.kind} ${info.version} (API ${info.api_version})`,
        info.operating_system,
        ...runtimes,
      ].join(', ');
      const [major = 0, minor = 0] = info.version.split('.').map(Number);
      const is_old = major < OLDEST_ENGINE[0] || (major === OLDEST_ENGINE[0] && minor < OLDEST_ENGINE[1]);
      return is_old
        ? warn(
            'engine version',
            `${detail}: older than ${OLDEST_ENGINE.join('.')}, which nobody has tried`,
            'install a newer Docker Engine',
          )
        : ok('engine version', detail);
    },
    signal,
  );
}

/** Whether the default image is there, current, and with which Codex. */
export async function checkImage(engine: Engine, signal: AbortSignal): Promise<Check> {
  return checked(
    'image',
    'filare-agents image build',
    async (within) => {
      const image = await imageStatus(engine, { signal: within });
      if (image.current)
        return ok('image', `${image.image} is up to date, Codex ${image.codex_version ?? 'of no known version'}`);
      const what = image.present ? `${image.image} is not up to date` : `${image.image} is not there`;
      return warn(
        'image',
        `${what}: ${image.reasons.join('; ')}`,
        'filare-agents image build (filare-agents up does it too)',
      );
    },
    signal,
  );
}

/** Whether the engine's host has room for an agent. */
export async function checkMemory(engine: Engine, signal: AbortSignal): Promise<Check> {
  return checked(
    'memory',
    'give the engine more memory',
    async (within) => {
      const { memory_bytes, cpus } = await engine.info({ signal: within });
      const detail = `${(memory_bytes / 2 ** 30).toFixed(1)} GiB, ${cpus} processors`;
      const agents = Math.floor(memory_bytes / ONE_AGENT_BYTES);
      return agents >= 1
        ? ok('memory', `${detail}: ${agents} agents of default size at a time`)
        : warn(
            'memory',
            `${detail}: less than the 4 GiB that an agent is given by default`,
            'set resources: {memory: 1g} in the manifest',
          );
    },
    signal,
  );
}

/** The engine's version, or null when it does not answer within a moment. */
export async function engineVersion(
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const engine = await DockerEngine.connect(env);
    const info = await engine.info({ signal, deadline_ms: CHECK_DEADLINE_MS });
    return `${info.kind} ${info.version}`;
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
