/** What every engine must do, whatever runs its containers. Call it from a test file with the engine to test. */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Duplex } from 'node:stream';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frameSplitter } from '../../src/contract/output-frames.js';
import type { ContainerRequest, Engine, EngineEvent } from '../../src/engine/engine.js';
import { PROJECT_LABEL, TEST_IMAGE, aContainer, uniqueProject } from './fixtures.js';

const NOBODY = 'filare-test-there-is-no-such-container';
const SHORT_GRACE_MS = 1000;
const LONG_GRACE_MS = 30_000;

/** Declares the contract's tests for one engine. */
export function engineContract(makeEngine: () => Promise<Engine>): void {
  const project = uniqueProject();
  const labels = { [PROJECT_LABEL]: project };
  let engine: Engine;
  let folder: string;

  beforeAll(async () => {
    engine = await makeEngine();
    folder = await mkdtemp(join(tmpdir(), 'filare-engine-'));
    await chmod(folder, 0o755);
  });

  afterAll(async () => {
    for (const container of await engine.list(labels)) await engine.remove(container.id);
    for (const network of await engine.listNetworks(labels)) await engine.removeNetwork(network.id);
    for (const image of await engine.listImages(labels)) for (const tag of image.tags) await engine.removeImage(tag);
    await rm(folder, { recursive: true, force: true });
    expect(await engine.list(labels)).toEqual([]);
    expect(await engine.listNetworks(labels)).toEqual([]);
    expect(await engine.listImages(labels)).toEqual([]);
  });

  async function created(changes: Partial<ContainerRequest> = {}): Promise<string> {
    return (await engine.create(aContainer(project, changes))).id;
  }

  async function running(changes: Partial<ContainerRequest> = {}): Promise<string> {
    const id = await created(changes);
    await engine.start(id);
    return id;
  }

  /** Runs a bash script as the container's first process, to its end. */
  async function finished(script: string, changes: Partial<ContainerRequest> = {}): Promise<string> {
    const id = await running({ command: ['bash', '-c', script], ...changes });
    await engine.wait(id);
    return id;
  }

  describe('the life of a container', () => {
    it('goes from created to running to exited, and says so', async () => {
      const request = aContainer(project, { command: ['bash', '-c', 'exit 3'], labels: { ...labels, other: 'a b=c' } });
      const { id } = await engine.create(request);
      const before = await engine.inspect(id);
      expect(before).toMatchObject({ id, name: request.name, image: TEST_IMAGE, state: 'created', oom_killed: false });
      expect(before?.labels).toMatchObject(request.labels);
      expect(before).not.toHaveProperty('exit_code');
      expect(before).not.toHaveProperty('started_at');
      await engine.start(id);
      expect(await engine.wait(id)).toEqual({ exit_code: 3 });
      const after = await engine.inspect(id);
      expect(after).toMatchObject({ state: 'exited', exit_code: 3 });
      expect(after).not.toHaveProperty('pid');
      // Not compared with each other: an engine may note the end of a short life before its beginning.
      for (const time of [after?.started_at, after?.finished_at]) expect(Date.parse(time ?? '')).toBeGreaterThan(0);
    });

    it('shows the host process of a container that runs, and starting it again changes nothing', async () => {
      const id = await running();
      const view = await engine.inspect(id);
      await engine.start(id);
      expect(view).toMatchObject({ state: 'running' });
      expect(view?.pid).toBeGreaterThan(1);
      expect(view).not.toHaveProperty('exit_code');
      expect(await engine.inspect(id)).toEqual(view);
    });

    it('stops with TERM a container that listens, long before the grace is over', async () => {
      const id = await running({
        command: ['bash', '-c', 'trap "exit 7" TERM; echo ready; while :; do sleep 0.1; done'],
      });
      await expect.poll(() => engine.logs(id, 100), { timeout: 20_000 }).toContain('ready');
      expect(await engine.stop(id, LONG_GRACE_MS)).toBe('stopped');
      expect(await engine.inspect(id)).toMatchObject({ state: 'exited', exit_code: 7 });
      expect(await engine.stop(id, LONG_GRACE_MS)).toBe('stopped');
    });

    it('kills after the grace a container that does not listen', async () => {
      const id = await running();
      expect(await engine.stop(id, SHORT_GRACE_MS)).toBe('stopped');
      expect(await engine.inspect(id)).toMatchObject({ state: 'exited', exit_code: 137 });
    });

    it('delivers a signal', async () => {
      const id = await running({
        command: ['bash', '-c', 'trap "exit 9" USR1; echo ready; while :; do sleep 0.1; done'],
      });
      await expect.poll(() => engine.logs(id, 100), { timeout: 20_000 }).toContain('ready');
      expect(await engine.kill(id, 'USR1')).toBe('sent');
      expect(await engine.wait(id)).toEqual({ exit_code: 9 });
      expect(await engine.kill(id, 'USR1')).toBe('gone');
    });

    it('removes what runs, and is not surprised by what is gone', async () => {
      const id = await running();
      expect(await engine.remove(id)).toBe('removed');
      expect(await engine.inspect(id)).toBeUndefined();
      expect(await engine.remove(id)).toBe('gone');
      expect(await engine.stop(id, SHORT_GRACE_MS)).toBe('gone');
      expect(await engine.kill(id, 'KILL')).toBe('gone');
      await expect(engine.start(id)).rejects.toMatchObject({ code: 'not_found' });
      await expect(engine.wait(NOBODY)).rejects.toMatchObject({ code: 'not_found' });
    });

    it('removes once when many ask at the same time', async () => {
      const id = await running();
      const answers = await Promise.all([1, 2, 3, 4].map(() => engine.remove(id)));
      expect(answers).toContain('removed');
      expect(await engine.inspect(id)).toBeUndefined();
    });

    it('refuses a name that is taken and leaves its container alone', async () => {
      const id = await running();
      const name = (await engine.inspect(id))?.name ?? '';
      await expect(engine.create(aContainer(project, { name }))).rejects.toMatchObject({ code: 'conflict' });
      expect(await engine.inspect(name)).toMatchObject({ id, state: 'running' });
    });

    it('names the image that is missing', async () => {
      const image = 'filare-test-no-such-image:1';
      await expect(engine.create(aContainer(project, { image }))).rejects.toMatchObject({
        code: 'image_unavailable',
        message: expect.stringContaining(image) as string,
        hint: expect.any(String) as string,
      });
    });

    it('says when the kernel ended it for want of memory', async () => {
      const id = await finished('x=$(head -c 200000000 /dev/zero | tr "\\0" x); echo ${#x}', {
        memory_bytes: 16 * 1024 * 1024,
      });
      expect(await engine.inspect(id)).toMatchObject({ oom_killed: true, exit_code: 137 });
    });

    it('finds by label alone, in any state', async () => {
      const mine = { ...labels, 'filare.session': 'one' };
      const up = await running({ labels: mine });
      const down = await finished('exit 0', { labels: mine });
      const other = await created({ labels: { ...labels, 'filare.session': 'two' } });
      const ids = async (wanted: Record<string, string>): Promise<string[]> =>
        (await engine.list(wanted)).map((view) => view.id).sort();
      expect(await ids(mine)).toEqual([up, down].sort());
      expect(await ids({ ...labels, 'filare.session': '' })).toEqual([up, down, other].sort());
      expect(await ids({ ...labels, 'filare.session': 'on' })).toEqual([]);
      expect((await engine.list(mine)).find((view) => view.id === down)).toEqual(await engine.inspect(down));
      await expect(engine.list({})).rejects.toMatchObject({ code: 'usage' });
    });

    it('stops waiting when the signal ends or the deadline passes, and the container goes on', async () => {
      const id = await running();
      const controller = new AbortController();
      const waiting = engine.wait(id, { signal: controller.signal });
      controller.abort();
      await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
      await expect(engine.wait(id, { signal: controller.signal })).rejects.toMatchObject({ code: 'interrupted' });
      await expect(engine.wait(id, { deadline_ms: 100 })).rejects.toMatchObject({ code: 'timeout' });
      expect(await engine.inspect(id)).toMatchObject({ state: 'running' });
    });
  });

  describe('output', () => {
    it('keeps what was written to both streams, and gives the end of it', async () => {
      const id = await finished('echo one; sleep 0.2; echo two >&2; sleep 0.2; printf "three é"');
      expect(await engine.logs(id, 1000)).toBe('one\ntwo\nthree é');
      expect(await engine.logs(id, 8)).toBe('three é');
      expect(await engine.logs(id, 7)).toBe('hree é');
      expect(await engine.logs(id, 1)).toBe('');
      await expect(engine.logs(NOBODY, 10)).rejects.toMatchObject({ code: 'not_found' });
    });

    it('lists processes as the host sees them', async () => {
      const id = await running({ command: ['bash', '-c', 'sleep 1234 & wait'] });
      const pid = (await engine.inspect(id))?.pid;
      await expect
        .poll(async () => (await engine.processes(id)).map((process) => process.command))
        .toContain('sleep 1234');
      expect((await engine.processes(id)).map((process) => process.pid)).toContain(pid);
      await engine.kill(id, 'KILL');
      await engine.wait(id);
      expect(await engine.processes(id)).toEqual([]);
    });
  });

  describe('commands in a container', () => {
    it('gives standard input, keeps the two outputs apart, and returns the exit code', async () => {
      const id = await running();
      const command = ['bash', '-c', 'cat; echo "$WORD in $PWD" >&2; exit 5'];
      const stdin = 'a line\nno newline at the end: é';
      const result = await engine.exec(id, { command, stdin, env: { WORD: 'here' }, working_dir: '/usr' });
      expect(result).toEqual({ exit_code: 5, stdout: stdin, stderr: 'here in /usr\n' });
    });

    it('takes a megabyte of input, whether it is read or not', async () => {
      const id = await running();
      const stdin = 'x'.repeat(1024 * 1024);
      expect(await engine.exec(id, { command: ['wc', '-c'], stdin })).toMatchObject({
        exit_code: 0,
        stdout: '1048576\n',
      });
      expect(await engine.exec(id, { command: ['echo', 'ok'], stdin })).toMatchObject({ exit_code: 0, stdout: 'ok\n' });
    });

    it('has no input when none is given', async () => {
      const id = await running();
      expect(await engine.exec(id, { command: ['cat'] })).toEqual({ exit_code: 0, stdout: '', stderr: '' });
    });

    it('cuts output at the bound and lets the command come to its end', async () => {
      const id = await running();
      const command = ['bash', '-c', 'printf "éé"; head -c 5000000 /dev/zero | tr "\\0" x; echo end >&2; exit 4'];
      expect(await engine.exec(id, { command, max_output_bytes: 3 })).toEqual({
        exit_code: 4,
        stdout: 'é',
        stderr: 'end',
        truncated: true,
      });
    });

    it('says that there is no such command with an exit code, as a shell would', async () => {
      const id = await running();
      expect((await engine.exec(id, { command: ['no-such-command'] })).exit_code).toBeGreaterThanOrEqual(126);
    });

    it('refuses a container that does not run or does not exist', async () => {
      const id = await created();
      await expect(engine.exec(id, { command: ['true'] })).rejects.toMatchObject({ code: 'bad_state' });
      await expect(engine.exec(NOBODY, { command: ['true'] })).rejects.toMatchObject({ code: 'not_found' });
    });

    it('stops waiting at the deadline or when the signal ends', async () => {
      const id = await running();
      const command = ['sleep', '60'];
      await expect(engine.exec(id, { command }, { deadline_ms: 300 })).rejects.toMatchObject({ code: 'timeout' });
      const controller = new AbortController();
      const waiting = engine.exec(id, { command }, { signal: controller.signal });
      await expect.poll(async () => (await engine.processes(id)).length).toBe(3);
      controller.abort();
      await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
    });

    it('runs commands as hardened as the container', async () => {
      const id = await running();
      const { stdout } = await engine.exec(id, { command: ['cat', '/proc/self/status'] });
      expect(confinement(stdout)).toEqual(HARDENED);
    });

    it('opens a terminal of the size asked for, and resizes it', async () => {
      const id = await running();
      const command = ['bash', '-c', 'read -r a; stty size; read -r b; stty size; echo "$a-$b"; exit 6'];
      const terminal = await engine.terminal(id, { command, columns: 101, rows: 31 });
      const output = collect(terminal.stream);
      terminal.stream.write('one\n');
      await expect.poll(() => output()).toContain('31 101');
      await terminal.resize({ columns: 77, rows: 22 });
      terminal.stream.write('two\n');
      expect(await terminal.exitCode()).toBe(6);
      expect(output()).toContain('22 77');
      expect(output()).toContain('one-two');
    });

    it('runs a command through pipes: no terminal, output apart, input that ends', async () => {
      const id = await running();
      const script = 'cat; [ -t 0 ] || echo none >&2; exit 6';
      const pipes = await engine.pipes(id, { command: ['bash', '-c', script] });
      const said = { stdout: '', stderr: '' };
      const split = frameSplitter((kind, bytes) => (said[kind] += bytes.toString('latin1')));
      pipes.stream.on('data', split);
      pipes.stream.end(Buffer.from('a\n\u0004\u0000\u00ffb', 'latin1'));
      expect(await pipes.exitCode()).toBe(6);
      expect(said).toEqual({ stdout: 'a\n\u0004\u0000\u00ffb', stderr: 'none\n' });
    });

    it('closes the stream of a terminal with the signal', async () => {
      const id = await running();
      const controller = new AbortController();
      const request = { command: ['cat'], columns: 80, rows: 24 };
      const terminal = await engine.terminal(id, request, { signal: controller.signal });
      const closed = new Promise<void>((resolve) => terminal.stream.once('close', () => resolve()));
      controller.abort();
      await closed;
    });
  });

  describe('events', () => {
    it('tells what happens to labelled containers, and ends with the signal', async () => {
      const mine = { ...labels, 'filare.session': 'watched' };
      const controller = new AbortController();
      const seen: EngineEvent[] = [];
      const watching = (async () => {
        for await (const event of engine.events(mine, { signal: controller.signal })) seen.push(event);
      })();
      // Events start with the subscription, so begin with something that happens until it is seen.
      const first = await created({ labels: mine });
      await expect
        .poll(
          async () => {
            await engine.start(first);
            await engine.kill(first, 'KILL');
            await engine.wait(first);
            return seen.length;
          },
          { timeout: 30_000 },
        )
        .toBeGreaterThan(0);

      await running({ labels: { ...labels, 'filare.session': 'not watched' } });
      const id = await finished('exit 12', { labels: mine });
      await engine.remove(id);
      await expect.poll(() => seen.some((event) => event.container_id === id && event.kind === 'destroy')).toBe(true);
      controller.abort();
      await watching;

      const about = seen.filter((event) => event.container_id === id && event.kind !== 'other');
      expect(about.map((event) => event.kind)).toEqual(['start', 'die', 'destroy']);
      expect(about[1]).toMatchObject({ exit_code: 12, labels: mine });
      expect(seen.every((event) => event.labels['filare.session'] === 'watched')).toBe(true);
      expect(about.every((event) => Math.abs(event.time_ms - Date.now()) < 60 * 60_000)).toBe(true);
    });
  });

  describe('networks', () => {
    it('makes a network in which containers find each other by alias', async () => {
      const name = `filare-${project}-net`;
      const { id } = await engine.createNetwork({ name, labels, internal: true });
      await expect(engine.createNetwork({ name, labels, internal: true })).rejects.toMatchObject({ code: 'conflict' });
      expect(await engine.listNetworks(labels)).toEqual([{ id, name, labels }]);

      const server = await running({ network: { name, aliases: ['model'] } });
      const address = (await engine.inspect(server))?.addresses[name] ?? 'none';
      const client = await running({ network: { name } });
      const found = await engine.exec(client, { command: ['getent', 'hosts', 'model'] });
      expect(found.stdout.split(/\s+/)).toContain(address);

      await expect(engine.removeNetwork(id)).rejects.toMatchObject({ code: 'conflict' });
      await engine.remove(server);
      await engine.remove(client);
      expect(await engine.removeNetwork(id)).toBe('removed');
      expect(await engine.removeNetwork(id)).toBe('gone');
    });

    it('gives no interface but loopback with `none`, with names of its own all the same', async () => {
      const id = await running({ extra_hosts: ['model.example:127.0.0.1'], hostname: 'builder-1' });
      const command = [
        'bash',
        '-c',
        'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "; getent hosts model.example; cat /etc/hostname',
      ];
      const { stdout } = await engine.exec(id, { command });
      expect(stdout).toMatch(/^lo\n127\.0\.0\.1\s+model\.example\nbuilder-1\n$/);
      expect((await engine.inspect(id))?.addresses).toEqual({});
    });
  });

  describe('limits and hardening', () => {
    it('holds the first process without capabilities or new privileges, under seccomp, as its user', async () => {
      const id = await finished('cat /proc/self/status');
      expect(confinement(await engine.logs(id, 10_000))).toEqual(HARDENED);
    });

    it('really sets memory without swap, processes, cpus, open files and no core files', async () => {
      const memory_bytes = 96 * 1024 * 1024;
      const id = await finished(READ_LIMITS, { memory_bytes, pids: 77, cpus: 1.5, open_files: 333 });
      expect((await engine.logs(id, 1000)).trim().split('\n')).toEqual([
        `memory ${memory_bytes}`,
        'swap 0',
        'pids 77',
        'cpu 150',
        'files 333 333',
        'core 0 0',
      ]);
    });

    it('has a read-only root, writable memory where asked for, and sized', async () => {
      const options = 'rw,nosuid,nodev,noexec,size=1m,mode=0700,uid=1000';
      const script =
        'touch /x; touch /memory/y && echo made; stat -c "%a %u" /memory; head -c 2000000 /dev/zero > /memory/z || echo full';
      const id = await finished(script, { tmpfs: [{ target: '/memory', options }] });
      const log = await engine.logs(id, 10_000);
      expect(log).toMatch(/\/x.*Read-only file system/);
      expect(log).toContain('made\n700 1000\n');
      expect(log).toContain('full');
    });

    it('mounts what it is told, read-only where it is told', async () => {
      const writable = join(folder, 'writable');
      const fixed = join(folder, 'fixed');
      await mkdir(writable);
      await chmod(writable, 0o777);
      await writeFile(fixed, 'as it was', { mode: 0o666 });
      await chmod(fixed, 0o666);
      const binds = [
        { source: writable, target: '/work', read_only: false },
        { source: fixed, target: '/work/fixed', read_only: true },
      ];
      const id = await finished('cat fixed > copy; echo changed > fixed', { binds, working_dir: '/work' });
      expect(await engine.inspect(id)).toMatchObject({ exit_code: 1 });
      expect(await readFile(join(writable, 'copy'), 'utf8')).toBe('as it was');
      expect(await readFile(fixed, 'utf8')).toBe('as it was');
    });

    it('refuses a mount whose source is missing, and does not make it', async () => {
      const source = join(folder, 'missing');
      const request = aContainer(project, { binds: [{ source, target: '/work', read_only: false }] });
      await expect(engine.create(request)).rejects.toMatchObject({
        message: expect.stringContaining(source) as string,
      });
      await expect(stat(source)).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await engine.inspect(request.name)).toBeUndefined();
    });
  });

  describe('images', () => {
    const build_args = { WORD: 'built' };

    it('builds from a tar, tells every line, labels the image', async () => {
      const tag = `filare-${project}:built`;
      const lines: string[] = [];
      const dockerfile = `FROM ${TEST_IMAGE}\nARG WORD\nCOPY hello /hello\nRUN echo "$WORD and $(cat /hello)" > /said && echo step "done"\n`;
      const context = tar({ 'docker/Dockerfile': dockerfile, hello: 'hello' });
      const request = { tag, dockerfile: 'docker/Dockerfile', build_args, labels, network: 'none' };
      const { id } = await engine.build(context, request, (line) => lines.push(line));
      expect(lines).toContain('step done');
      expect(await engine.image(tag)).toMatchObject({ id, tags: [tag], labels });
      expect((await engine.listImages(labels)).map((image) => image.id)).toEqual([id]);
      const container = await finished('cat /said', { image: tag });
      expect(await engine.logs(container, 100)).toBe('built and hello\n');
      await engine.remove(container);
      expect(await engine.removeImage(tag)).toBe('removed');
      expect(await engine.removeImage(tag)).toBe('gone');
      expect(await engine.image(tag)).toBeUndefined();
    });

    it('says which step of a build failed, with its output before', async () => {
      const lines: string[] = [];
      const context = tar({ Dockerfile: `FROM ${TEST_IMAGE}\nRUN echo about to fail && exit 9\n` });
      const request = {
        tag: `filare-${project}:broken`,
        dockerfile: 'Dockerfile',
        build_args: {},
        labels,
        network: 'none',
      };
      await expect(engine.build(context, request, (line) => lines.push(line))).rejects.toMatchObject({
        code: 'image_unavailable',
        message: expect.stringContaining('returned a non-zero code: 9') as string,
      });
      expect(lines).toContain('about to fail');
    });

    it('fails a build with the error of its context, before or while it is read', async () => {
      const request = {
        tag: `filare-${project}:torn`,
        dockerfile: 'Dockerfile',
        build_args: {},
        labels,
        network: 'none',
      };
      const torn = Readable.from(
        (async function* () {
          yield* tar({ Dockerfile: `FROM ${TEST_IMAGE}\n` });
          await Promise.resolve();
          throw new Error('the folder went away');
        })(),
      );
      await expect(engine.build(torn, request, () => undefined)).rejects.toThrow('the folder went away');
      const closed = tar({});
      closed.destroy();
      await expect(engine.build(closed, request, () => undefined)).rejects.toMatchObject({
        code: 'ERR_STREAM_PREMATURE_CLOSE',
      });
      expect(await engine.image(request.tag)).toBeUndefined();
    });

    it('imports a root file system', async () => {
      const reference = `filare-${project}:imported`;
      await engine.importImage(tar({ 'etc/hello': 'hello' }), reference);
      expect(await engine.image(reference)).toMatchObject({ tags: [reference] });
      expect(await engine.removeImage(reference)).toBe('removed');
    });

    it('says when no registry answers', async () => {
      await expect(engine.pull('127.0.0.1:9/filare-test:1', () => undefined)).rejects.toMatchObject({
        code: 'image_unavailable',
      });
      await expect(engine.pull('Not An Image', () => undefined)).rejects.toMatchObject({ code: 'image_unavailable' });
    });

    it('knows no image that is not there', async () => {
      expect(await engine.image('filare-test-no-such-image:1')).toBeUndefined();
      expect(await engine.image(TEST_IMAGE)).toMatchObject({ tags: expect.arrayContaining([TEST_IMAGE]) as string[] });
    });
  });

  it('says what it is', async () => {
    const info = await engine.info();
    expect(info.version).toMatch(/^\d+\./);
    expect(info.memory_bytes).toBeGreaterThan(0);
    expect(info.cpus).toBeGreaterThan(0);
    expect(info.security_options.join()).toContain('seccomp');
    expect(Object.keys(info.runtime_versions).length).toBeGreaterThan(0);
  });
}

const HARDENED = {
  Uid: '1000 1000 1000 1000',
  Gid: '1000 1000 1000 1000',
  CapInh: '0000000000000000',
  CapPrm: '0000000000000000',
  CapEff: '0000000000000000',
  CapBnd: '0000000000000000',
  CapAmb: '0000000000000000',
  NoNewPrivs: '1',
  Seccomp: '2',
};

/** The lines of /proc/self/status that say how a process is held. */
function confinement(status: string): Record<string, string> {
  const lines = status.split('\n').map((line): [string, string] => {
    const [name = '', ...values] = line.split(/:?\s+/);
    return [name, values.join(' ')];
  });
  return Object.fromEntries(lines.filter(([name]) => name in HARDENED));
}

/** Prints the limits from inside, for both versions of control groups. */
const READ_LIMITS = `
cd /sys/fs/cgroup
if [ -e memory.max ]; then
  memory=$(cat memory.max); swap=$(cat memory.swap.max 2>/dev/null || echo 0); pids=$(cat pids.max); read -r quota period < cpu.max
else
  memory=$(cat memory/memory.limit_in_bytes)
  both=$(cat memory/memory.memsw.limit_in_bytes 2>/dev/null || echo "$memory"); swap=$((both - memory))
  pids=$(cat pids/pids.max); quota=$(cat cpu/cpu.cfs_quota_us); period=$(cat cpu/cpu.cfs_period_us)
fi
echo "memory $memory"; echo "swap $swap"; echo "pids $pids"; echo "cpu $((quota * 100 / period))"
echo "files $(ulimit -Sn) $(ulimit -Hn)"; echo "core $(ulimit -Sc) $(ulimit -Hc)"
`;

function tar(files: Readonly<Record<string, string>>): Readable {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  return Readable.from(archive);
}

/** What a stream has said so far. */
function collect(stream: Duplex): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  return () => text;
}
