import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Fleet } from '../../src/client/fleet.js';
import { DaemonUnreachable } from '../../src/client/http-request.js';
import type { AgentSpec } from '../../src/contract/agent-spec.js';
import { asFilareError } from '../../src/contract/errors.js';
import { projectPaths, type ProjectPaths } from '../../src/contract/project.js';
import type { Prompt, SessionRow } from '../../src/contract/session.js';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import { loadManifests } from '../../src/manifest/load-manifests.js';
import { loadRehearsal } from '../../src/rehearsal/script.js';
import { EngineProxy, type EngineFault } from './engine-proxy.js';
import { checkInvariants, type Findings, type Said, type Violation } from './invariants.js';
import { leftoversOf } from './leftovers.js';

const DAEMON = fileURLToPath(new URL('./killable-daemon.mjs', import.meta.url));
const DEADLINE_MS = 90_000;

/** What a daemon writes, by where it goes. */
export const WRITE_KINDS = [
  'session ledger',
  'transcript',
  'project ledger',
  'rules',
  'calls',
  'usage',
  'pipe',
  'checkpoint',
] as const;
/** What a daemon writes. */
export type WriteKind = (typeof WRITE_KINDS)[number];

/** Where a daemon kills itself: around its `n`th write of a kind, counted from its start. */
export interface Kill {
  readonly kind: WriteKind;
  readonly n: number;
  readonly when: 'before' | 'torn' | 'after';
  /** Only lines that hold this text are counted; for the pipe. */
  readonly holds?: string;
}

/** What goes wrong with the `n`th call of a kind to the engine. */
export interface PlannedFault {
  readonly call: string;
  readonly n: number;
  readonly how: EngineFault;
}

/** What one life of the fleet came to. */
export interface Outcome extends Findings {
  /** Daemons that were killed. */
  readonly kills: number;
}

const REHEARSAL = `
parts:
  - matches: /^append (\\S+)/
    do:
      - ask_approval: mkdir {{1}}
      - ask_operator: { question: 'And now, {{1}}?' }
      - say: 'done with {{1}}: {{last_output}}'
`;

/**
 * A project whose daemon dies where a test wants it to, and a person who is not told why: whatever fails is asked for again, as one would at a
 * terminal. Needs no test runner. `close` removes everything.
 */
export class KillRig implements AsyncDisposable {
  readonly paths: ProjectPaths;
  readonly engine: DockerEngine;
  readonly proxy: EngineProxy;
  readonly ids: readonly string[];
  readonly #folder: string;
  readonly #daemon: string;
  readonly #canary: string;
  #kills: Kill[] = [];
  #armed: Kill | null = null;
  #pid: number | null = null;
  #killed = 0;
  #fleet: Fleet | null = null;
  #said: Said[] = [];
  #sessions = new Set<string>();

  private constructor(
    paths: ProjectPaths,
    engine: DockerEngine,
    proxy: EngineProxy,
    ids: readonly string[],
    canary: string,
    daemon: string,
  ) {
    this.#daemon = daemon;
    this.paths = paths;
    this.engine = engine;
    this.proxy = proxy;
    this.ids = ids;
    this.#folder = join(paths.root, '..');
    this.#canary = canary;
  }

  /** Makes the project with so many agents; `daemon` is the program that is killed, the one beside this file when absent. */
  static async make(agents: number, daemon = DAEMON): Promise<KillRig> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'filare-kill-')));
    const root = join(folder, 'project');
    const ids = Array.from({ length: agents }, (_, at) => `a${at + 1}`);
    const canary = `canary-${Math.random().toString(36).slice(2)}`;
    await mkdir(join(root, 'configs', 'agents'), { recursive: true });
    await writeFile(join(root, 'agent.env'), `SECRET_OF_AGENT=${canary}\n`, { mode: 0o600 });
    await writeFile(
      join(root, 'configs', 'agents', 'a.yml'),
      `defaults:\n  resources: { cpus: 1, memory: 256m, pids: 256 }\n  restart: { backoff: 1s }\n  env_file: ../../agent.env\nsessions:\n${ids.map((id) => `  - { id: ${id}, role: FEATURE }`).join('\n')}\n`,
    );
    await writeFile(join(root, 'rehearsal.yml'), REHEARSAL);
    const proxy = await EngineProxy.listen(join(folder, 'engine.sock'));
    return new KillRig(
      projectPaths(root, tmpdir()),
      await DockerEngine.connect(process.env),
      proxy,
      ids,
      canary,
      daemon,
    );
  }

  /** What the daemon of this moment wrote so far, by kind, since its start. */
  async counts(): Promise<Map<WriteKind, number>> {
    const text = await readFile(join(this.#folder, 'counts'), 'utf8').catch(() => '');
    const counts = new Map<WriteKind, number>();
    for (const kind of WRITE_KINDS) {
      const times = text.split('\n').filter((line) => line === kind).length;
      if (times > 0) counts.set(kind, times);
    }
    return counts;
  }

  /** Where daemons of this life killed themselves, as they were told to. */
  async deaths(): Promise<string[]> {
    const text = await readFile(join(this.#folder, 'deaths'), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }

  /** Kills the daemon now, if there is one. */
  kill(): void {
    const pid = this.#pid ?? this.#starting();
    if (pid === null) return;
    try {
      process.kill(pid, 'SIGKILL');
      this.#killed += 1;
    } catch {
      // It is dead already.
    }
    this.#pid = null;
  }

  /**
   * One life: all agents start, are told something, ask, are answered, one is restarted, all stop. Each daemon that has to be started dies at the next of
   * the kills. Then the invariants are checked, with the fleet stopped, and that nothing is left.
   */
  async life(word: string, kills: readonly Kill[], fault: PlannedFault | null = null): Promise<Outcome> {
    this.proxy.plan(fault === null ? null : { ...fault, kill: () => this.kill() });
    await this.#begin(kills);
    await this.startAll();
    for (const id of this.ids) await this.say(id, `append ${id}-${word}`);
    await this.answerAll();
    const first = this.ids[0] ?? '';
    await this.#callTool(first, `hello ${word}`);
    await this.#ask('rules', async (fleet) => {
      for (const rule of await fleet.rules()) await fleet.forgetRule(rule.rule_id);
    });
    await this.restart(first);
    await this.say(first, `again ${word}`);
    await this.answerAll();
    return this.end(word);
  }

  /** Arms the kills and brings the daemon up. */
  async #begin(kills: readonly Kill[]): Promise<void> {
    this.#kills = [...kills];
    this.#said = [];
    this.#sessions = new Set();
    this.#killed = 0;
    await rm(join(this.#folder, 'deaths'), { force: true });
    await this.#open();
  }

  /** As `life`, without any plan: what is done meanwhile, and when the daemon is killed, is the caller's. */
  begin(kills: readonly Kill[] = []): Promise<void> {
    return this.#begin(kills);
  }

  /** Starts every agent; returns when all run. */
  async startAll(): Promise<SessionRow[]> {
    const script = await loadRehearsal([join(this.paths.root, 'rehearsal.yml')]);
    const { agents } = await this.#agents();
    await this.#ask('start', async (fleet) => {
      const outcomes = await fleet.start(agents, { rehearsal: { script, origin: 'rehearsal.yml' } });
      const failed = outcomes.find((one) => one.error !== null);
      if (failed?.error != null) throw new Error(`${failed.id} was not started: ${failed.error.message}`);
    });
    return this.#allRunning();
  }

  /** Asks for the list, once; brings the daemon back when it is gone. */
  async looks(): Promise<void> {
    await this.#once((fleet) => fleet.sessions());
  }

  /** Restarts an agent; returns when all run. */
  async restart(id: string): Promise<void> {
    await this.#ask('restart', (fleet) => fleet.restart(id));
    await this.#allRunning();
  }

  /** Asks once for the start of every agent, whatever comes of it. */
  async startOnce(): Promise<void> {
    const script = await loadRehearsal([join(this.paths.root, 'rehearsal.yml')]);
    const { agents } = await this.#agents();
    await this.#once((fleet) => fleet.start(agents, { rehearsal: { script, origin: 'rehearsal.yml' } }));
  }

  /** Says something to an agent; when it is not known whether it was taken, looks, and says it again in other words if it was not. */
  async say(id: string, text: string): Promise<void> {
    for (let again = 0; ; again += 1) {
      const words = again === 0 ? text : `${text}-${again}`;
      const sent = await this.#once((fleet) => fleet.send(id, words, { mode: 'queue' }));
      this.#said.push({ agent: id, text: words, acknowledged: sent });
      if (sent || (await this.#isKept(id, words))) return;
      if (again > 20) throw new Error(`${id} takes no message`);
    }
  }

  /** Answers whatever is asked until every agent is idle with nothing on its way. */
  async answerAll(): Promise<void> {
    const until = Date.now() + DEADLINE_MS;
    for (;;) {
      await this.#once(async (fleet) => {
        for (const prompt of await fleet.prompts()) await this.#answer(fleet, prompt);
      });
      const rows = await this.#ask('list', (fleet) => fleet.sessions());
      if (
        rows.length === this.ids.length &&
        rows.every((row) => row.activity === 'idle' && row.pending_prompts === 0)
      ) {
        if (await this.#nothingWaits(rows)) return;
      }
      if (Date.now() > until)
        throw new Error(
          `not idle: ${JSON.stringify(rows.map(({ id, phase, activity, end_reason }) => [id, phase, activity, end_reason]))}`,
        );
      await sleep(25);
    }
  }

  /** Checks the fleet as it lives, stops it, checks again, and that nothing is left. */
  async end(word: string): Promise<Outcome> {
    const living = await this.#settled();
    for (const id of this.ids) await this.#ask('stop', (fleet) => fleet.stop(id, { grace_ms: 5_000 }));
    // A kill that has not come yet must not come into the check.
    await this.#disarm();
    const stopped = await this.#settled();
    const violations = [...living.violations, ...stopped.violations, ...(await this.#ran(word))];
    await this.#ask('daemon stop', (fleet) => fleet.stopDaemon());
    await rm(join(this.#folder, 'pid'), { force: true });
    this.#pid = null;
    for (const left of await this.#leftovers()) violations.push({ kind: 'leak', text: left });
    return { violations, entries: stopped.entries, kills: this.#killed + (await this.deaths()).length };
  }

  /** The daemon's log, for a report of what went wrong. */
  log(): Promise<string> {
    return readFile(this.paths.daemon_log, 'utf8').catch(() => '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fleet?.close();
    this.proxy.plan(null);
    this.proxy.release();
    this.kill();
    const label = { 'filare.project': this.paths.key };
    for (const { id } of await this.engine.list(label)) await this.engine.remove(id);
    for (const { id } of await this.engine.listNetworks(label)) await this.engine.removeNetwork(id);
    await this.proxy[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Of a daemon that does not answer yet. */
  #starting(): number | null {
    const text = existsSync(join(this.#folder, 'pid')) ? readFileSync(join(this.#folder, 'pid'), 'utf8') : '';
    return text === '' ? null : Number(text);
  }

  #agents(): Promise<{ readonly agents: readonly AgentSpec[] }> {
    const { root } = this.paths;
    return loadManifests(undefined, { project_root: root, cwd: root, env: process.env, home: homedir() });
  }

  /** Brings a daemon up, with the next kill in it; one that dies while it starts is followed by the next. */
  async #open(): Promise<void> {
    const until = Date.now() + DEADLINE_MS;
    for (;;) {
      const pid_file = join(this.#folder, 'pid');
      this.#armed = this.#kills.shift() ?? null;
      for (const file of ['counts', 'pid']) await rm(join(this.#folder, file), { force: true });
      const settings = {
        kill: this.#armed,
        counts: join(this.#folder, 'counts'),
        deaths: join(this.#folder, 'deaths'),
        pid_file,
        docker_host: `unix://${this.proxy.socket}`,
      };
      try {
        this.#fleet?.close();
        this.#fleet = await Fleet.open({
          project: this.paths.root,
          daemon_command: [process.execPath, this.#daemon, JSON.stringify(settings), this.paths.root],
        });
        this.#pid = Number(await readFile(pid_file, 'utf8'));
        return;
      } catch (failure) {
        // However often it is killed while it starts: on a busy machine a start takes as long as a kill takes to come.
        if (Date.now() > until) throw failure;
      }
    }
  }

  async #disarm(): Promise<void> {
    this.#kills = [];
    if (this.#armed === null) return;
    await this.#once((fleet) => fleet.stopDaemon());
    await this.#open();
  }

  /** Asks once; answers whether it was acknowledged. A daemon that is gone is brought back. */
  async #once(work: (fleet: Fleet) => Promise<unknown>): Promise<boolean> {
    if (this.#fleet === null) await this.#open();
    try {
      if (this.#fleet === null) throw new Error('no fleet');
      await work(this.#fleet);
      return true;
    } catch (failure) {
      if (failure instanceof DaemonUnreachable) await this.#open();
      return false;
    }
  }

  /** Asks until it is done, bringing the daemon back whenever it is gone. */
  async #ask<T>(what: string, work: (fleet: Fleet) => Promise<T>): Promise<T> {
    const until = Date.now() + DEADLINE_MS;
    for (;;) {
      if (this.#fleet === null) await this.#open();
      try {
        if (this.#fleet === null) throw new Error('no fleet');
        return await work(this.#fleet);
      } catch (failure) {
        if (failure instanceof DaemonUnreachable) await this.#open();
        if (Date.now() > until) throw new Error(`${what}: ${asFilareError(failure).message}`, { cause: failure });
        await sleep(100);
      }
    }
  }

  async #allRunning(): Promise<SessionRow[]> {
    const until = Date.now() + DEADLINE_MS;
    for (;;) {
      const rows = await this.#ask('list', (fleet) => fleet.sessions());
      for (const row of rows) this.#sessions.add(row.session_id);
      if (rows.length === this.ids.length && rows.every((row) => row.phase === 'running')) return rows;
      if (Date.now() > until) throw new Error(`not running: ${JSON.stringify(rows)}`);
      await sleep(50);
    }
  }

  async #answer(fleet: Fleet, { prompt_id, kind, revision, rule_offer }: Prompt): Promise<void> {
    const remember = rule_offer === null ? {} : { remember: { scope: 'always', when: rule_offer } as const };
    try {
      await fleet.decide(
        prompt_id,
        kind === 'approval' ? { choice: 'accept', revision, ...remember } : { choice: 'go on', revision },
      );
    } catch (failure) {
      // Somebody was quicker, or it is over.
      if (!['conflict', 'ended', 'not_found'].includes(asFilareError(failure).code)) throw failure;
    }
  }

  async #callTool(agent: string, text: string): Promise<void> {
    for (let again = 0; again < 20; again += 1) {
      const words = again === 0 ? text : `${text}-${again}`;
      const done = await this.#once(async (fleet) => {
        const answer = await fleet.callTool('send_message', {
          caller: 'test',
          arguments: { agent, text: words, wait_seconds: 60 },
          wait_ms: 60_000,
        });
        if (!answer.success) throw new Error(answer.text);
      });
      this.#said.push({ agent, text: words, acknowledged: done });
      if (done || (await this.#isKept(agent, words))) return;
    }
    throw new Error(`${agent} takes no message through the tools`);
  }

  async #isKept(id: string, text: string): Promise<boolean> {
    const { row } = await this.#ask('describe', (fleet) => fleet.describe(id));
    return (await readFile(join(row.transcript, '..', 'ledger.jsonl'), 'utf8')).includes(JSON.stringify(text));
  }

  /** Every message that was kept has been shown by Codex, or is refused: nothing is on its way. */
  async #nothingWaits(rows: readonly SessionRow[]): Promise<boolean> {
    for (const row of rows) {
      const ledger = await readFile(join(row.transcript, '..', 'ledger.jsonl'), 'utf8');
      const story = await readFile(row.transcript, 'utf8').catch(() => '');
      for (const [, message_id = ''] of ledger.matchAll(/"type":"message","message_id":"([^"]+)"/g)) {
        const refused =
          ledger.includes(`"type":"not_taken","message_id":"${message_id}"`) && ledger.includes('"again":false');
        if (!story.includes(`"message_id":"${message_id}"`) && !refused) return false;
      }
    }
    return true;
  }

  /** Checks until nothing is wrong, or what is wrong stays so. */
  async #settled(): Promise<Findings> {
    const until = Date.now() + 25_000;
    for (;;) {
      const found = await this.#ask('check', (fleet) =>
        checkInvariants(fleet, this.engine, { said: this.#said, canaries: [this.#canary], sessions: this.#sessions }),
      );
      if (found.violations.length === 0 || Date.now() > until) return found;
      await sleep(300);
    }
  }

  /** Each command ran exactly once: a second `mkdir` of the same folder fails. */
  async #ran(word: string): Promise<Violation[]> {
    const found: Violation[] = [];
    for (const row of await this.#ask('list', (fleet) => fleet.sessions({ all: true }))) {
      if (!this.#sessions.has(row.session_id)) continue;
      const lines = (await readFile(row.transcript, 'utf8'))
        .split('\n')
        .filter((line) => line.includes('"kind":"command"'));
      for (const line of lines)
        if (line.includes(word) && !line.includes('"exit_code":0'))
          found.push({
            kind: 'duplicate',
            text: `${row.session_id}: a command failed or ran twice: ${line.slice(0, 500)}`,
          });
    }
    return found;
  }

  async #leftovers(): Promise<string[]> {
    const until = Date.now() + 25_000;
    for (;;) {
      const own = new Set([`pipe ${this.proxy.socket}`]);
      const left = (await leftoversOf(this.paths, this.engine)).filter((one) => !own.has(one));
      if (left.length === 0 || Date.now() > until) return left;
      await sleep(200);
    }
  }
}
