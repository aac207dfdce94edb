import { chown, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CLIENT_ID_PREFIX } from '../codex/client-view.js';
import { asFilareError, FilareError } from '../contract/errors.js';
import type { ExecTerminal } from '../engine/engine.js';
import { booked, closeContainer, removeBooked } from '../session/booking.js';
import { removeContainer } from '../session/remove-container.js';
import type { Session } from '../session/session.js';
import type { SessionSurroundings } from '../session/surroundings.js';
import { openThread, SOCKET_NAME, terminalRequest } from './helper-container.js';
import { Relay } from './relay.js';

/** A unix socket's path may have so many bytes. */
const MAX_PATH_BYTES = 107;
/** Codex's interface ends with it when a person leaves by Ctrl-C. */
const LEFT_BY_CTRL_C = 130;

/** What attaching works with. */
export type AttachSurroundings = Pick<
  SessionSurroundings,
  'engine' | 'paths' | 'resources' | 'instance' | 'user' | 'caller_uid' | 'log' | 'random'
>;

/** How a folder of a relay stands in the book, so that the next daemon knows it. */
export const ATTACH_DETAIL = { what: 'attach' } as const;

/** Where, and to what. */
interface Target {
  readonly session: Session;
  readonly thread_id: string;
  readonly agent_container: string;
  readonly attempt: number;
}

/**
 * One attached terminal: the relay, and the container that Codex's terminal interface runs in. Everything is booked before it is made and goes when the
 * terminal ends, the client leaves, the attempt ends or the daemon does. The session does not notice.
 */
export class Attachment {
  readonly #around: AttachSurroundings;
  readonly #target: Target;
  readonly #word: string;
  readonly #name: string;
  readonly #folder: string;
  #relay: Relay | null = null;
  #container: string | null = null;
  #exit: Promise<number> | null = null;
  #refusal: string | null = null;
  #why: FilareError | null = null;
  #ended: Promise<void> | null = null;
  #making: Promise<unknown> = Promise.resolve();
  readonly #gone: () => void;
  #unwatch: () => void = () => undefined;

  /** Makes nothing yet. `gone` is called when nothing of it is left. Throws `bad_state` when the session does not run. */
  constructor(around: AttachSurroundings, session: Session, gone: () => void) {
    const word = around.random(6);
    this.#word = word;
    const { paths } = around;
    const place = dirname(paths.socket);
    this.#around = around;
    this.#target = targetOf(session);
    this.#name = `filare-${paths.key}-attach-${word}`;
    this.#folder = join(place, place === paths.state ? `a-${word}` : `filare-${paths.key}-${word}`);
    this.#gone = gone;
  }

  /** Opens Codex's terminal interface on the session's thread; once. Leaves nothing when it fails. */
  async open(size: { readonly columns: number; readonly rows: number }): Promise<ExecTerminal> {
    const making = this.#make(size);
    this.#making = making;
    try {
      return await making;
    } catch (failure) {
      await this.end(null);
      throw this.#why ?? failure;
    }
  }

  /** Takes it all down; `why` is what its exit code is asked for with, where it was not its own end. Resolves when nothing of it is left. */
  end(why: FilareError | null): Promise<void> {
    this.#why ??= this.#ended === null ? why : null;
    // What is being made is taken down once it is made: nobody would find it later.
    this.#ended ??= this.#making
      .then(
        () => this.#takeDown(),
        () => this.#takeDown(),
      )
      .catch((failure: unknown) => {
        this.#around.log.warn(
          { err: failure, container: this.#name },
          'an attached terminal was not taken down wholly',
        );
      })
      .finally(this.#gone);
    return this.#ended;
  }

  async #make(size: { readonly columns: number; readonly rows: number }): Promise<ExecTerminal> {
    const { engine, resources, user, caller_uid } = this.#around;
    const { session, thread_id, attempt } = this.#target;
    this.#unwatch = session.memory.watch(() => {
      const { stage, attempt: now } = session.state;
      if (now !== attempt || stage.phase !== 'running') void this.end(attemptOver(session));
    });
    const socket = join(this.#folder, SOCKET_NAME);
    refuseLongPath(socket);
    await booked(resources, { kind: 'folder', name: this.#folder, detail: ATTACH_DETAIL }, async () => {
      await mkdir(this.#folder, { mode: 0o700 });
      if (caller_uid === 0) await chown(this.#folder, user.uid, user.gid);
    });
    this.#relay = await booked(resources, { kind: 'socket', name: socket, detail: ATTACH_DETAIL }, () =>
      Relay.open({
        session,
        thread_id,
        socket,
        owner: user,
        id_prefix: `${CLIENT_ID_PREFIX}${this.#word}`,
        broken: (failure) => void this.end(asFilareError(failure)),
      }),
    );
    const agent = await engine.inspect(this.#target.agent_container);
    if (agent === undefined) throw attemptOver(session);
    const request = terminalRequest(this.#around, {
      name: this.#name,
      image: agent.image_id,
      relay_folder: this.#folder,
      session_id: session.state.session_id,
      agent_id: session.state.agent.id,
    });
    const entry = await resources.intend({ kind: 'container', name: request.name, detail: ATTACH_DETAIL });
    const { id } = await engine.create(request);
    this.#container = id;
    await resources.opened(entry, { engine_id: id });
    await engine.start(id);
    const command = openThread(thread_id);
    const terminal = await engine.terminal(id, { command, working_dir: request.working_dir, ...size });
    if (this.#ended !== null) {
      terminal.stream.destroy();
      throw this.#why ?? attemptOver(session);
    }
    terminal.stream.on('end', () => {
      // While its container is there: afterwards nobody knows.
      this.#refusal = this.#relay?.lastRefusal ?? null;
      this.#exit = terminal.exitCode();
      this.#exit
        .catch(() => undefined)
        .finally(() => void this.end(null))
        .catch(() => undefined);
    });
    terminal.stream.on('close', () => {
      if (this.#exit === null) void this.end(null);
    });
    return { ...terminal, exitCode: () => this.#exitCode() };
  }

  async #exitCode(): Promise<number> {
    if (this.#why !== null) throw this.#why;
    if (this.#exit === null) throw attemptOver(this.#target.session);
    const code = await this.#exit;
    // Left by Ctrl-C twice, whatever was refused a moment before.
    if (code === LEFT_BY_CTRL_C) return 0;
    if (code === 0 || this.#refusal === null) return code;
    throw new FilareError({
      code: 'bad_state',
      message: this.#refusal,
      hint: `the session goes on: filare-agents attach ${this.#target.session.state.agent.id}`,
    });
  }

  async #takeDown(): Promise<void> {
    const { resources } = this.#around;
    this.#unwatch();
    await this.#relay?.close(this.#why?.message ?? 'detached');
    if (this.#container !== null) await removeContainer(this.#around, { id: this.#container, name: this.#name });
    else await closeContainer(resources, this.#name, 'not made');
    await resources.closeNamed('socket', join(this.#folder, SOCKET_NAME), 'removed');
    await removeBooked(resources, 'folder', this.#folder);
  }
}

function targetOf(session: Session): Target {
  const { stage, thread_id, attempt, agent, turns } = session.state;
  if (stage.phase === 'running' && turns === 0)
    throw new FilareError({
      code: 'bad_state',
      message: `${agent.id} has not been told anything yet, and Codex keeps a thread from its first message on`,
      hint: `filare-agents send ${agent.id} TEXT; then attach`,
    });
  if (stage.phase === 'running' && thread_id !== null)
    return { session, thread_id, attempt, agent_container: stage.container.id };
  const reason = 'reason' in stage && stage.reason !== null ? `: ${stage.reason}` : '';
  throw new FilareError({
    code: 'bad_state',
    message: `${agent.id} is ${stage.phase.replace('_', ' ')}${reason}; there is nothing to attach to`,
    hint: `filare-agents describe ${agent.id}`,
  });
}

function attemptOver(session: Session): FilareError {
  const { id } = session.state.agent;
  return new FilareError({
    code: 'ended',
    message: `the attempt of ${id} that this terminal was attached to is over`,
    hint: `filare-agents describe ${id}; once it runs again: filare-agents attach ${id}`,
  });
}

function refuseLongPath(socket: string): void {
  if (Buffer.byteLength(socket) <= MAX_PATH_BYTES) return;
  throw new FilareError({
    code: 'unsupported',
    message: `${socket} is too long for a socket`,
    hint: 'put the project, or $XDG_RUNTIME_DIR, at a shorter path',
  });
}
