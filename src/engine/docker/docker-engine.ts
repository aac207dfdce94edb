/**
 * The engine contract (../engine.ts) over the Docker Engine API, 20.10 and newer. Only this folder knows Docker.
 *
 * - connect.ts finds the engine, call.ts talks to it: a connection a call, with a deadline and a signal, closed when the call ends.
 * - create-request.ts is all that a container is told, and its hardening.
 * - Nothing is remembered between calls: what exists is what the engine says exists.
 * - Builds, imports and pulls have a deadline of 30 minutes, `stop` its grace and the ordinary deadline, `wait` and `events` none.
 */
import type {
  CallOptions,
  ContainerRequest,
  ContainerView,
  Engine,
  EngineEvent,
  EngineInfo,
  ExecPipes,
  ExecResult,
  ExecTerminal,
  ImageView,
} from '../engine.js';
import { Caller } from './call.js';
import { resolveEndpoint } from './connect.js';
import type { Endpoint, Environment } from './connect.js';
import {
  containerLogs,
  containerProcesses,
  createContainer,
  inspectContainer,
  killContainer,
  listContainers,
  removeContainer,
  startContainer,
  stopContainer,
  waitForContainer,
} from './containers.js';
import { describeCreate } from './create-request.js';
import { containerEvents } from './events.js';
import { execInContainer } from './exec.js';
import { buildImage, importImage, pullImage } from './image-making.js';
import { findImage, listImages, removeImage } from './images.js';
import { limitOf, withLimit } from './limit.js';
import { createNetwork, listNetworks, removeNetwork } from './networks.js';
import { survey } from './survey.js';
import { pipesInContainer, terminalInContainer } from './terminal.js';
import { InfoAnswer, VersionAnswer, engineInfo } from './views.js';

type Labels = Readonly<Record<string, string>>;

/** The Docker Engine. Holds no connection, so there is nothing to close. */
export class DockerEngine implements Engine {
  readonly #caller: Caller;
  /** Where it answers, and which setting named it. */
  readonly endpoint: Endpoint;

  private constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
    this.#caller = new Caller(endpoint);
  }

  /** The engine that the environment names; see `resolveEndpoint` for errors. Does not ask whether it answers: `info` does. */
  static async connect(environment: Environment): Promise<DockerEngine> {
    return new DockerEngine(await resolveEndpoint(environment));
  }

  info(options?: CallOptions): Promise<EngineInfo> {
    const what = 'ask for the engine';
    return withLimit(this.#caller.site(what), limitOf(options), async (signal) => {
      const limit = { deadline_ms: undefined, signal, what, method: 'GET' } as const;
      const [version, info] = await Promise.all([
        this.#caller.json({ ...limit, path: '/version' }, VersionAnswer),
        this.#caller.json({ ...limit, path: '/info' }, InfoAnswer),
      ]);
      return engineInfo(this.#caller.endpoint, version, info);
    });
  }

  describe(request: ContainerRequest): unknown {
    return describeCreate(request);
  }

  create(request: ContainerRequest, options?: CallOptions): ReturnType<Engine['create']> {
    return createContainer(this.#caller, request, options);
  }

  start(id: string, options?: CallOptions): Promise<void> {
    return startContainer(this.#caller, id, options);
  }

  stop(id: string, grace_ms: number, options?: CallOptions): Promise<'stopped' | 'gone'> {
    return stopContainer(this.#caller, id, grace_ms, options);
  }

  kill(id: string, signal: string, options?: CallOptions): Promise<'sent' | 'gone'> {
    return killContainer(this.#caller, id, signal, options);
  }

  remove(id: string, options?: CallOptions): Promise<'removed' | 'gone'> {
    return removeContainer(this.#caller, id, options);
  }

  inspect(id: string, options?: CallOptions): Promise<ContainerView | undefined> {
    return inspectContainer(this.#caller, id, options);
  }

  list(labels: Labels, options?: CallOptions): Promise<readonly ContainerView[]> {
    return listContainers(this.#caller, labels, options);
  }

  survey(look: Parameters<Engine['survey']>[0], options?: CallOptions): ReturnType<Engine['survey']> {
    return survey(this.#caller, look, options);
  }

  wait(id: string, options?: CallOptions): Promise<{ readonly exit_code: number }> {
    return waitForContainer(this.#caller, id, options);
  }

  logs(id: string, max_bytes: number, options?: CallOptions): Promise<string> {
    return containerLogs(this.#caller, id, max_bytes, options);
  }

  exec(id: string, request: Parameters<Engine['exec']>[1], options?: CallOptions): Promise<ExecResult> {
    return execInContainer(this.#caller, id, request, options);
  }

  terminal(id: string, request: Parameters<Engine['terminal']>[1], options?: CallOptions): Promise<ExecTerminal> {
    return terminalInContainer(this.#caller, id, request, options);
  }

  pipes(id: string, request: Parameters<Engine['pipes']>[1], options?: CallOptions): Promise<ExecPipes> {
    return pipesInContainer(this.#caller, id, request, options);
  }

  processes(id: string, options?: CallOptions): ReturnType<Engine['processes']> {
    return containerProcesses(this.#caller, id, options);
  }

  events(labels: Labels, options: { readonly signal: AbortSignal }): AsyncIterable<EngineEvent> {
    return containerEvents(this.#caller, labels, options.signal);
  }

  createNetwork(
    request: Parameters<Engine['createNetwork']>[0],
    options?: CallOptions,
  ): Promise<{ readonly id: string }> {
    return createNetwork(this.#caller, request, options);
  }

  listNetworks(labels: Labels, options?: CallOptions): ReturnType<Engine['listNetworks']> {
    return listNetworks(this.#caller, labels, options);
  }

  removeNetwork(id: string, options?: CallOptions): Promise<'removed' | 'gone'> {
    return removeNetwork(this.#caller, id, options);
  }

  image(reference: string, options?: CallOptions): Promise<ImageView | undefined> {
    return findImage(this.#caller, reference, options);
  }

  listImages(labels: Labels, options?: CallOptions): Promise<readonly ImageView[]> {
    return listImages(this.#caller, labels, options);
  }

  removeImage(reference: string, options?: CallOptions): Promise<'removed' | 'gone'> {
    return removeImage(this.#caller, reference, options);
  }

  pull(reference: string, onLine: (line: string) => void, options?: CallOptions): Promise<void> {
    return pullImage(this.#caller, reference, onLine, options);
  }

  importImage(tar: NodeJS.ReadableStream, reference: string, options?: CallOptions): Promise<void> {
    return importImage(this.#caller, tar, reference, options);
  }

  build(
    context: NodeJS.ReadableStream,
    request: Parameters<Engine['build']>[1],
    onLine: (line: string) => void,
    options?: CallOptions,
  ): Promise<{ readonly id: string }> {
    return buildImage(this.#caller, { context, request, onLine }, options);
  }
}
