/**
 * Where containers run. One interface, implemented by docker/ and later by others.
 *
 * Contract, for every implementation:
 * - every call has a deadline of its own (ENGINE_CALL_MS unless said otherwise) and takes a signal; ending the signal ends the wait;
 * - `remove`, `stop`, `kill` are safe on something that is gone (they answer `gone`), `create` with the name of a container that exists
 *   fails with `conflict` and never touches it;
 * - `list*` finds by label, never by memory;
 * - errors are FilareErrors: engine not there or no permission `engine_unavailable` with the fix in `hint`; no such image
 *   `image_unavailable`; a full disk `no_space`; a call that outlives its deadline `timeout`; anything else the engine said `unexpected` with its words.
 */

/** Deadline of one ordinary engine call, in milliseconds. */
export const ENGINE_CALL_MS = 30_000;

/** A bind mount: absolute host path, absolute container path. */
export interface BindMount {
  readonly source: string;
  readonly target: string;
  readonly read_only: boolean;
}

/** A memory file system in the container: `options` are mount options such as `rw,nosuid,nodev,noexec,size=64m,mode=0700,uid=1000`. */
export interface TmpfsMount {
  readonly target: string;
  readonly options: string;
}

/** All that the engine is told of one container. Plain data: it is what `start --dry-run` prints; it holds no secret. */
export interface ContainerRequest {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `uid:gid`, numeric; never 0. */
  readonly user: string;
  readonly env: Readonly<Record<string, string>>;
  /** Arguments after the image's entrypoint; empty for none. */
  readonly command: readonly string[];
  /** Replaces the image's entrypoint when given. */
  readonly entrypoint?: readonly string[];
  readonly working_dir: string;
  readonly binds: readonly BindMount[];
  readonly tmpfs: readonly TmpfsMount[];
  /** CPUs as a decimal (2 = two cores). */
  readonly cpus: number;
  /** Bytes; swap is not given beyond it. */
  readonly memory_bytes: number;
  readonly pids: number;
  /** `none`, or the name of a network; `aliases` are its names there. */
  readonly network: { readonly name: string; readonly aliases?: readonly string[] };
  /** `host:address` pairs, e.g. `host.docker.internal:host-gateway`. */
  readonly extra_hosts: readonly string[];
  readonly read_only_root: boolean;
  readonly open_files: number;
  /** Keep standard input open and allocate nothing else; false for agents. */
  readonly hostname: string;
  /** The engine removes it once it has ended (default no: its end is looked at first). */
  readonly auto_remove?: boolean;
}

/** What the engine says of a container. */
export interface ContainerView {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly image_id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  /** Only after it ended. */
  readonly exit_code?: number;
  readonly oom_killed: boolean;
  /** Host process id of its first process while it runs. */
  readonly pid?: number;
  /** RFC 3339, when known. */
  readonly started_at?: string;
  readonly finished_at?: string;
  /** Addresses by network name. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Something that the engine has, as far as a list says. */
export interface SurveyedThing {
  readonly kind: 'container' | 'network' | 'volume';
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One thing that happened to a labelled container. */
export interface EngineEvent {
  readonly kind: 'start' | 'die' | 'oom' | 'destroy' | 'pause' | 'unpause' | 'stop' | 'kill' | 'other';
  readonly container_id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly exit_code?: number;
  /** Milliseconds since the epoch. */
  readonly time_ms: number;
}

/** What `info` says of the engine. */
export interface EngineInfo {
  readonly kind: string;
  readonly version: string;
  readonly api_version: string;
  readonly endpoint: string;
  readonly memory_bytes: number;
  readonly cpus: number;
  readonly runtime_versions: Readonly<Record<string, string>>;
  readonly security_options: readonly string[];
  /** Containers go on while the engine's own daemon is away, and are found again (Docker: live-restore). */
  readonly is_outlived: boolean;
  readonly operating_system: string;
  readonly architecture: string;
}

/** An image the engine has. */
export interface ImageView {
  readonly id: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly size_bytes: number;
}

/** A finished command in a container. Standard output and error are each cut at `max_output_bytes` (1 MiB when absent). */
export interface ExecResult {
  readonly exit_code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** True when something was cut off. */
  readonly truncated?: boolean;
}

/** An interactive command in a container with a terminal: bytes both ways. */
export interface ExecTerminal {
  readonly stream: import('node:stream').Duplex;
  resize(size: { readonly columns: number; readonly rows: number }): Promise<void>;
  /** The exit code, once the stream has ended. */
  exitCode(): Promise<number>;
}

/** A command in a container without a terminal: what is written to the stream is its standard input, which ends with the stream's writable half. */
export interface ExecPipes {
  /** Reads standard output and error, framed as contract/output-frames.ts says. */
  readonly stream: import('node:stream').Duplex;
  /** The exit code, once the stream has ended. */
  exitCode(): Promise<number>;
}

/** What to run and as whom; the container's user, environment and folder where left out. */
export interface ExecCommand {
  readonly command: readonly string[];
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly working_dir?: string;
}

/** Options that every call takes. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds; ENGINE_CALL_MS when absent. */
  readonly deadline_ms?: number;
}

/** The engine. See the top of this file for the contract. */
export interface Engine {
  info(options?: CallOptions): Promise<EngineInfo>;
  /** The exact request that `create` would send, for people to read. */
  describe(request: ContainerRequest): unknown;
  create(
    request: ContainerRequest,
    options?: CallOptions,
  ): Promise<{ readonly id: string; readonly warnings: readonly string[] }>;
  start(id: string, options?: CallOptions): Promise<void>;
  /** Sends TERM to its first process, after `grace_ms` KILL. Answers `gone` when there is no such container. */
  stop(id: string, grace_ms: number, options?: CallOptions): Promise<'stopped' | 'gone'>;
  kill(id: string, signal: string, options?: CallOptions): Promise<'sent' | 'gone'>;
  /** Removes it with its anonymous volumes, by force. */
  remove(id: string, options?: CallOptions): Promise<'removed' | 'gone'>;
  /** `undefined` when there is no such container. */
  inspect(id: string, options?: CallOptions): Promise<ContainerView | undefined>;
  /** Containers in any state that carry every label given (empty value: any value). */
  list(labels: Readonly<Record<string, string>>, options?: CallOptions): Promise<readonly ContainerView[]>;
  /** Containers in any state, networks and volumes whose name begins so, or that carry every label given (empty value: any value). */
  survey(
    look: { readonly name_prefix: string } | { readonly labels: Readonly<Record<string, string>> },
    options?: CallOptions,
  ): Promise<readonly SurveyedThing[]>;
  /** Waits until it is not running any more; no deadline unless given. */
  wait(id: string, options?: CallOptions): Promise<{ readonly exit_code: number }>;
  /** What it wrote to standard output and error so far, interleaved as text, the last `max_bytes`. */
  logs(id: string, max_bytes: number, options?: CallOptions): Promise<string>;
  /** Runs a command to its end; `stdin` is written and closed. */
  exec(
    id: string,
    request: ExecCommand & { readonly stdin?: string; readonly max_output_bytes?: number },
    options?: CallOptions,
  ): Promise<ExecResult>;
  /** Runs a command with a terminal. */
  terminal(
    id: string,
    request: ExecCommand & { readonly columns: number; readonly rows: number },
    options?: CallOptions,
  ): Promise<ExecTerminal>;
  /** Runs a command without a terminal, for bytes that go through as they are. */
  pipes(id: string, request: ExecCommand, options?: CallOptions): Promise<ExecPipes>;
  /** Processes of the container as the host sees them: host pid and command line. */
  processes(id: string, options?: CallOptions): Promise<readonly { readonly pid: number; readonly command: string }[]>;
  /** Events of containers that carry every label; ends with the signal, throws `engine_unavailable` when the engine goes away. */
  events(
    labels: Readonly<Record<string, string>>,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<EngineEvent>;
  /** Makes a bridge network; `conflict` when the name is taken. */
  createNetwork(
    request: { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly internal: boolean },
    options?: CallOptions,
  ): Promise<{ readonly id: string }>;
  listNetworks(
    labels: Readonly<Record<string, string>>,
    options?: CallOptions,
  ): Promise<
    readonly { readonly id: string; readonly name: string; readonly labels: Readonly<Record<string, string>> }[]
  >;
  removeNetwork(id: string, options?: CallOptions): Promise<'removed' | 'gone'>;
  /** By tag or id; `undefined` when the engine has no such image. */
  image(reference: string, options?: CallOptions): Promise<ImageView | undefined>;
  listImages(labels: Readonly<Record<string, string>>, options?: CallOptions): Promise<readonly ImageView[]>;
  removeImage(reference: string, options?: CallOptions): Promise<'removed' | 'gone'>;
  /** Pulls; `image_unavailable` when no registry answers. */
  pull(reference: string, onLine: (line: string) => void, options?: CallOptions): Promise<void>;
  /** Imports a root file system as a tar stream. */
  importImage(tar: NodeJS.ReadableStream, reference: string, options?: CallOptions): Promise<void>;
  /** Builds from a tar of the context; every line of output is handed on as it comes. */
  build(
    context: NodeJS.ReadableStream,
    request: {
      readonly tag: string;
      readonly dockerfile: string;
      readonly build_args: Readonly<Record<string, string>>;
      readonly labels: Readonly<Record<string, string>>;
      readonly network: string;
    },
    onLine: (line: string) => void,
    options?: CallOptions,
  ): Promise<{ readonly id: string }>;
}
