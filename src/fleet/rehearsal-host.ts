import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asFilareError, FilareError } from '../contract/errors.js';
import type { ContainerRequest } from '../engine/engine.js';
import { codexModelCatalog, REHEARSAL_MODEL } from '../rehearsal/codex-setup.js';
import { packRehearsal } from '../rehearsal/pack.js';
import { isPlan, type Plan } from '../rehearsal/plan.js';
import { booked, removeBooked } from '../session/booking.js';
import { LABEL } from '../session/labels.js';
import { removeContainer } from '../session/remove-container.js';
import type { RehearsalEndpoint } from '../session/surroundings.js';
import type { FleetSurroundings } from './surroundings.js';
import type { FleetNetwork } from './fleet-network.js';

/** The model server's image, memory and patience. */
const IMAGE = 'filare-codex';
const MEMORY_BYTES = 256 * 2 ** 20;
const READY_MS = 20_000;
const READY_AGAIN_MS = 100;
const PORT = 8080;
const CATALOG_IN_CONTAINER = '/opt/filare/rehearsal-models.json';

/** A rehearsal script as it comes over the control API. */
export interface RehearsalScript {
  readonly script: unknown;
  readonly origin: string;
}

/** The rehearsal's model server: one labelled container on the fleet's network; it outlives the daemon and goes with the last rehearsed session. */
export class RehearsalHost {
  readonly #around: FleetSurroundings;
  readonly #network: FleetNetwork;
  readonly #folder: string;
  #ready: Promise<RehearsalEndpoint> | null = null;
  /** A script is being put in the place of another: no server is started meanwhile. */
  #replacing: Promise<void> | null = null;

  constructor(around: FleetSurroundings, network: FleetNetwork) {
    this.#around = around;
    this.#network = network;
    this.#folder = join(around.paths.state, 'rehearsal');
  }

  /** Takes a script for all rehearsed sessions; a model server that plays another one is replaced. */
  async use(rehearsal: RehearsalScript, signal: AbortSignal): Promise<void> {
    const plan: Plan = parsePlan(rehearsal);
    const make = (): Promise<unknown> => mkdir(this.#folder, { recursive: true, mode: 0o755 });
    const { resources } = this.#around;
    if (resources.named('folder', this.#folder).some((entry) => entry.state === 'opened')) await make();
    else await booked(resources, { kind: 'folder', name: this.#folder }, make);
    const hash = createHash('sha256')
      .update(JSON.stringify(played(plan)))
      .digest('hex')
      .slice(0, 16);
    let running = await this.#running();
    // One that is just being started for this script is not there yet, and must not be taken away when it is.
    while (this.#ready !== null) {
      await this.#ready.catch(() => undefined);
      running = await this.#running();
    }
    if (running?.labels[LABEL.request] === hash && running.state === 'running') return;
    this.#replacing = this.#replace(plan, hash);
    try {
      await this.#replacing;
    } finally {
      this.#replacing = null;
    }
    // Those who played the old script go on with the new one.
    if (running !== undefined) await this.endpoint(signal);
  }

  /** After a restart of the daemon: the running server is taken up as it is; one that nobody needs goes. */
  async adopt(needed: boolean): Promise<void> {
    if (!needed)
      await this.end().catch((failure: unknown) =>
        this.#around.log.warn({ err: failure }, 'an old rehearsal could not be removed'),
      );
  }

  /** How agents reach the server; makes sure that it runs and answers. The signal ends the caller's wait, not the start that others wait for too. */
  endpoint(signal: AbortSignal): Promise<RehearsalEndpoint> {
    this.#ready ??= Promise.resolve(this.#replacing)
      .then(() => this.#start())
      .catch(async (failure: unknown) => {
        await this.#remove();
        throw failure;
      })
      .finally(() => {
        this.#ready = null;
      });
    return orAborted(this.#ready, signal);
  }

  /** Removes the server and its files. Harmless when there is none. */
  async end(): Promise<void> {
    await this.#ready?.catch(() => undefined);
    await this.#remove();
    await removeBooked(this.#around.resources, 'folder', this.#folder);
  }

  async #replace(plan: Plan, hash: string): Promise<void> {
    await this.#remove();
    await packRehearsal(this.#folder, plan);
    await writeFile(join(this.#folder, 'hash'), hash);
    await writeFile(join(this.#folder, 'models.json'), JSON.stringify(codexModelCatalog()));
    for (const file of ['script.json', 'models.json']) await chmod(join(this.#folder, file), 0o644);
  }

  async #remove(): Promise<void> {
    const left = new Set<string>();
    for (const container of await this.#around.engine.list(this.#labels()))
      if (!(await removeContainer(this.#around, container))) left.add(container.name);
    if (!left.has(this.#name)) await this.#around.resources.closeNamed('container', this.#name, 'not made');
  }

  get #name(): string {
    return `filare-${this.#around.paths.key}-rehearsal`;
  }

  async #running(): Promise<Awaited<ReturnType<FleetSurroundings['engine']['inspect']>>> {
    return (await this.#around.engine.list(this.#labels()))[0];
  }

  async #start(): Promise<RehearsalEndpoint> {
    const endpoint: RehearsalEndpoint = {
      provider: (agent) => ({
        base_url: `http://rehearsal:${String(PORT)}/v1`,
        agent: agent.id,
        role: agent.role,
        model: REHEARSAL_MODEL,
        model_catalog: CATALOG_IN_CONTAINER,
      }),
      binds: [{ source: join(this.#folder, 'models.json'), target: CATALOG_IN_CONTAINER, read_only: true }],
    };
    const running = await this.#running();
    if (running?.state === 'running') return endpoint;
    await this.#remove();
    const network = await this.#network.ensure();
    const request = await this.#request(network);
    const entry = await this.#around.resources.intend({
      kind: 'container',
      name: request.name,
      detail: { request: request.labels[LABEL.request] },
    });
    const { id } = await this.#around.engine.create(request);
    await this.#around.resources.opened(entry, { engine_id: id });
    await this.#around.engine.start(id);
    await this.#answers(id);
    return endpoint;
  }

  async #request(network: string): Promise<ContainerRequest> {
    const hash = await readFile(join(this.#folder, 'hash'), 'utf8').catch(() => {
      throw new FilareError({
        code: 'bad_state',
        message: 'the rehearsal script of this session is gone',
        hint: 'start the agents again with --rehearsal FILE',
      });
    });
    const { uid, gid } = this.#around.user;
    return {
      name: this.#name,
      image: IMAGE,
      labels: {
        ...this.#labels(),
        [LABEL.instance]: this.#around.instance,
        [LABEL.owner]: String(this.#around.caller_uid),
        [LABEL.request]: hash,
      },
      user: `${String(uid)}:${String(gid)}`,
      env: { LANG: 'C.UTF-8' },
      entrypoint: ['/usr/bin/tini', '--', '/usr/local/bin/node'],
      command: [
        '/rehearsal/main.js',
        '--script',
        '/rehearsal/script.json',
        '--port',
        String(PORT),
        '--host',
        '0.0.0.0',
      ],
      working_dir: '/rehearsal',
      binds: [{ source: this.#folder, target: '/rehearsal', read_only: true }],
      tmpfs: [{ target: '/tmp', options: 'rw,noexec,nosuid,nodev,size=16m,mode=1777' }],
      cpus: 1,
      memory_bytes: MEMORY_BYTES,
      pids: 128,
      network: { name: network, aliases: ['rehearsal'] },
      extra_hosts: [],
      read_only_root: true,
      open_files: 4096,
      hostname: 'rehearsal',
    };
  }

  async #answers(id: string): Promise<void> {
    const until_ms = this.#around.now_ms() + READY_MS;
    for (;;) {
      const probe = await this.#around.engine
        .exec(id, { command: ['curl', '-sf', `http://127.0.0.1:${String(PORT)}/healthz`] })
        .catch(() => null);
      if (probe?.exit_code === 0) return;
      if (this.#around.now_ms() > until_ms) {
        const said = await this.#around.engine.logs(id, 4096).catch(() => 'nothing that can be read');
        throw new FilareError({
          code: 'timeout',
          message: `the rehearsal's model server did not answer within ${String(READY_MS / 1000)} s; it said: ${said.trim()}`,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, READY_AGAIN_MS));
    }
  }

  #labels(): Record<string, string> {
    return { [LABEL.project]: this.#around.paths.key, [LABEL.purpose]: 'rehearsal' };
  }
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // When nobody waits any more, a failure is nobody's.
  work.catch(() => undefined);
  if (signal.aborted) throw asFilareError(signal.reason);
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(asFilareError(signal.reason));
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

/** What is played, without where it was written: the same script under another name is the same script. */
function played(plan: Plan): unknown {
  return { ...plan, parts: plan.parts.map(({ cue, steps }) => ({ cue, steps })) };
}

function parsePlan(rehearsal: RehearsalScript): Plan {
  if (isPlan(rehearsal.script)) return rehearsal.script;
  throw new FilareError({
    code: 'invalid_manifest',
    message: `the rehearsal script ${rehearsal.origin} is not one this version plays`,
    hint: 'docs/rehearsal.md',
  });
}
