import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import type { Engine } from '../../src/engine/engine.js';
import { ensureBase } from '../../src/image/base.js';
import { buildImage, imageStatus, requireImage } from '../../src/image/image.js';
import { INPUTS_DIR } from '../../src/image/inputs.js';
import type { BuildProgress } from '../../src/image/progress.js';
import { run } from './agent-container.js';
import { readVersions } from '../../src/image/versions.js';
import { aContainer } from '../engine/fixtures.js';

const PROJECT = `image-build-${String(process.pid)}`;
const NAME = `filare-test-${randomUUID().slice(0, 8)}`;
let engine: Engine;
let inputs: string;
const ignore = (): void => undefined;

/** Inputs that bring no large package, so that a build of them is quick. */
async function smallInputs(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'filare-inputs-'));
  await cp(INPUTS_DIR, folder, { recursive: true });
  await mkdir(join(folder, 'sample'));
  await writeFile(join(folder, 'sample/package.json'), JSON.stringify({ name: 'sample', version: '1.0.0' }));
  const pinned = { spec: `file:${folder}/sample` };
  const { packages, ...others } = await readVersions(INPUTS_DIR);
  const entries = Object.entries(packages).map(([name, { version }]): [string, unknown] => [
    name,
    { version, x64: pinned, arm64: pinned },
  ]);
  await writeFile(join(folder, 'versions.json'), JSON.stringify({ ...others, packages: Object.fromEntries(entries) }));
  return folder;
}

/** The inputs with another Dockerfile. */
async function dockerfile(text: string): Promise<void> {
  await writeFile(join(inputs, 'Dockerfile.codex'), `ARG BASE=debian:bookworm-slim\nFROM \${BASE}\n${text}\n`);
}

beforeAll(async () => {
  engine = await DockerEngine.connect(process.env);
  inputs = await smallInputs();
  await buildImage(engine, { onProgress: ignore });
}, 900_000);

afterAll(async () => {
  for (const container of await engine.list({ 'filare.project': PROJECT })) await engine.remove(container.id);
  await engine.removeImage(NAME);
  await rm(inputs, { recursive: true });
});

describe('the image of this installation', () => {
  it('is not built again when nothing changed', async () => {
    const before = await imageStatus(engine);
    expect(before).toMatchObject({
      image: 'filare-codex',
      present: true,
      current: true,
      reasons: [],
      codex_version: '0.169.0',
    });
    const said: BuildProgress[] = [];
    const again = await buildImage(engine, { onProgress: (progress) => void said.push(progress) });
    expect(again).toEqual({ ...before, built: false });
    expect(said).toEqual([]);
  });

  it('says what it is in its labels', async () => {
    const { labels } = await requireImage(engine, 'filare-codex');
    expect(labels).toMatchObject({
      'org.opencontainers.image.title': 'filare-codex',
      'org.opencontainers.image.version': '0.169.0',
      'filare.image.codex': '0.169.0',
    });
  });

  it('is not current when what it is built from changed', async () => {
    await writeFile(join(inputs, 'npmrc'), 'changed=true\n');
    const state = await imageStatus(engine, { inputs_dir: inputs });
    expect(state).toMatchObject({
      present: true,
      current: false,
      reasons: ['what it is built from has changed since'],
    });
  });
});

describe('a build', () => {
  it('is told line by line, and replaces the older image unless a container uses it', async () => {
    const said: BuildProgress[] = [];
    const onProgress = (progress: BuildProgress): void => void said.push(progress);
    const build = (): ReturnType<typeof buildImage> =>
      buildImage(engine, { image: NAME, inputs_dir: inputs, pack_cache_dir: join(inputs, 'cache'), onProgress });

    await dockerfile('RUN echo "this is the first"');
    const first = await build();
    expect(first).toMatchObject({ built: true, current: true });
    expect(said.filter((line) => line.step === 'build').map((line) => line.text)).toContain('this is the first');

    const used = await engine.create(aContainer(PROJECT, { image: NAME }));
    await dockerfile('RUN echo "this is the second"');
    const second = await build();
    expect((await engine.image(first.id ?? ''))?.tags ?? []).toEqual([]);
    expect(await engine.image(first.id ?? '')).toBeDefined();

    await engine.remove(used.id);
    await dockerfile('RUN echo "this is the third"');
    const third = await build();
    expect([await engine.image(first.id ?? ''), await engine.image(second.id ?? '')]).toEqual([undefined, undefined]);
    expect((await requireImage(engine, NAME)).id).toBe(third.id);
    expect(said.at(-1)?.step).toBe('tidy');
  }, 180_000);

  it('that fails says with which words, and leaves the image as it was', async () => {
    const before = await engine.image(NAME);
    await dockerfile('RUN echo "no such thing" >&2; exit 9');
    const failing = buildImage(engine, {
      image: NAME,
      inputs_dir: inputs,
      pack_cache_dir: join(inputs, 'cache'),
      onProgress: ignore,
    });
    await expect(failing).rejects.toMatchObject({
      code: 'image_unavailable',
      details: { output: expect.arrayContaining(['no such thing']) as unknown },
    });
    expect((await engine.image(NAME))?.id).toBe(before?.id);
  }, 60_000);

  it('ends with its signal, and leaves nothing running', async () => {
    await dockerfile('RUN echo "it runs"; sleep 300.25');
    const stop = new AbortController();
    const stopped = buildImage(engine, {
      image: NAME,
      inputs_dir: inputs,
      pack_cache_dir: join(inputs, 'cache'),
      signal: stop.signal,
      onProgress: ({ text }) => {
        if (text === 'it runs') stop.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
    const running = (): Promise<string> =>
      run('pgrep', ['-f', 'sleep 300[.]25']).then(
        ({ stdout }) => stdout,
        () => 'none',
      );
    await expect.poll(running, { timeout: 20_000 }).toBe('none');
  }, 60_000);
});

describe('an image that is not there', () => {
  it('is an error that names it and what to do', async () => {
    await expect(requireImage(engine, 'nobody/has-this:1')).rejects.toMatchObject({
      code: 'image_unavailable',
      message: 'the engine has no image called nobody/has-this:1',
      hint: expect.stringContaining('docker pull nobody/has-this:1') as unknown,
    });
    expect(await imageStatus(engine, { image: 'nobody/has-this:1' })).toMatchObject({ present: false, current: false });
  });
});

// Takes a minute: a whole Debian from the package mirror, as on a machine whose engine reaches no registry.
it.skipIf(process.getuid?.() !== 0)(
  'makes the base from the package mirror where no registry gives it',
  async () => {
    const reference = `filare-test/${randomUUID().slice(0, 8)}:base`;
    const said: string[] = [];
    await ensureBase(engine, reference, 'bookworm', { onProgress: ({ text }) => void said.push(text) });
    try {
      const { id } = await engine.create(aContainer(PROJECT, { image: reference }));
      await engine.start(id);
      const { stdout } = await engine.exec(id, {
        command: ['sh', '-c', '. /etc/os-release; echo $VERSION_CODENAME; grep -c security /etc/apt/sources.list'],
      });
      expect(stdout).toBe('bookworm\n1\n');
      expect(said).toContain(`pulling ${reference}`);
      await engine.remove(id);
    } finally {
      await engine.removeImage(reference);
    }
  },
  300_000,
);
