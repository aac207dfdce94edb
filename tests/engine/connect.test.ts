/** Which engine is meant: the order of settings is Docker's own. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveEndpoint } from '../../src/engine/docker/connect.js';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'filare-connect-'));
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

async function useContext(name: string): Promise<void> {
  await mkdir(join(home, '.docker'), { recursive: true });
  await writeFile(join(home, '.docker', 'config.json'), JSON.stringify({ auths: {}, currentContext: name }));
}

async function addContext(name: string, docker: object, tls: Record<string, string> = {}): Promise<void> {
  const key = createHash('sha256').update(name).digest('hex');
  const meta = join(home, '.docker', 'contexts', 'meta', key);
  await mkdir(meta, { recursive: true });
  await writeFile(join(meta, 'meta.json'), JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker } }));
  const folder = join(home, '.docker', 'contexts', 'tls', key, 'docker');
  await mkdir(folder, { recursive: true });
  for (const [file, text] of Object.entries(tls)) await writeFile(join(folder, file), text);
}

describe('the engine that is meant', () => {
  it('is the socket of this machine when nothing is said', async () => {
    expect(await resolveEndpoint({ HOME: home })).toEqual({
      kind: 'unix',
      address: 'unix:///var/run/docker.sock',
      source: 'default',
      socket_path: '/var/run/docker.sock',
    });
  });

  it('is DOCKER_HOST before DOCKER_CONTEXT before the current context', async () => {
    await addContext('current', { Host: 'unix:///current.sock' });
    await addContext('named', { Host: 'unix:///named.sock' });
    await useContext('current');
    const all = { HOME: home, DOCKER_HOST: 'unix:///host.sock', DOCKER_CONTEXT: 'named' };
    expect(await resolveEndpoint(all)).toMatchObject({ socket_path: '/host.sock', source: 'DOCKER_HOST' });
    expect(await resolveEndpoint({ ...all, DOCKER_HOST: '' })).toMatchObject({
      socket_path: '/named.sock',
      source: 'DOCKER_CONTEXT named',
    });
    expect(await resolveEndpoint({ HOME: home })).toMatchObject({
      socket_path: '/current.sock',
      source: 'currentContext current',
    });
    expect(await resolveEndpoint({ HOME: home, DOCKER_CONTEXT: 'default' })).toMatchObject({
      socket_path: '/var/run/docker.sock',
    });
  });

  it('is looked for in DOCKER_CONFIG where that is set', async () => {
    await addContext('elsewhere', { Host: 'unix:///elsewhere.sock' });
    await useContext('elsewhere');
    const environment = { HOME: '/nowhere', DOCKER_CONFIG: join(home, '.docker') };
    expect(await resolveEndpoint(environment)).toMatchObject({ socket_path: '/elsewhere.sock' });
  });

  it.each([
    ['tcp://engine.example', 'engine.example', 2375],
    ['tcp://127.0.0.1:4000/', '127.0.0.1', 4000],
    ['tcp://[::1]:4000', '::1', 4000],
  ])('may answer over TCP: %s', async (address, host, port) => {
    const endpoint = await resolveEndpoint({ HOME: home, DOCKER_HOST: address });
    expect(endpoint).toMatchObject({ kind: 'tcp', address, host, port, tls: undefined });
  });

  it('is spoken to over TLS with the certificates that are named', async () => {
    const files = { 'ca.pem': 'the ca', 'cert.pem': 'the cert', 'key.pem': 'the key' };
    const tls = { ca: Buffer.from('the ca'), cert: Buffer.from('the cert'), key: Buffer.from('the key'), verify: true };
    for (const [file, text] of Object.entries(files)) await writeFile(join(home, file), text);
    const environment = { DOCKER_HOST: 'tcp://engine.example', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: home };
    expect(await resolveEndpoint(environment)).toMatchObject({ port: 2376, tls });

    await addContext('secure', { Host: 'tcp://engine.example:1234', SkipTLSVerify: true }, files);
    expect(await resolveEndpoint({ HOME: home, DOCKER_CONTEXT: 'secure' })).toMatchObject({
      port: 1234,
      tls: { ...tls, verify: false },
    });
    await rm(join(home, 'key.pem'));
    await expect(resolveEndpoint(environment)).rejects.toMatchObject({ code: 'engine_unavailable' });
  });

  it('is never reached over ssh; the hint says how to forward the socket', async () => {
    await expect(resolveEndpoint({ DOCKER_HOST: 'ssh://me@engine.example' })).rejects.toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('ssh -nNT -L') as string,
    });
    await addContext('remote', { Host: 'ssh://me@engine.example' });
    await useContext('remote');
    await expect(resolveEndpoint({ HOME: home })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('currentContext remote') as string,
    });
  });

  it.each(['npipe:////./pipe/docker_engine', 'http://127.0.0.1:2375', 'fd://'])(
    'does not speak %s',
    async (address) => {
      await expect(resolveEndpoint({ DOCKER_HOST: address })).rejects.toMatchObject({ code: 'unsupported' });
    },
  );

  it.each(['docker.sock', 'localhost:2375', 'unix://', 'unix://relative', 'tcp://', 'tcp://host:port', 'tcp://h/path'])(
    'cannot be %j',
    async (address) => {
      await expect(resolveEndpoint({ DOCKER_HOST: address })).rejects.toMatchObject({
        code: 'usage',
        message: expect.stringContaining('DOCKER_HOST') as string,
      });
    },
  );

  it('is not guessed when the context is missing or the configuration is damaged', async () => {
    await expect(resolveEndpoint({ HOME: home, DOCKER_CONTEXT: 'gone' })).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: expect.stringContaining('"gone"') as string,
    });
    await useContext('x');
    await writeFile(join(home, '.docker', 'config.json'), '{ not json');
    await expect(resolveEndpoint({ HOME: home })).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: expect.stringContaining('config.json') as string,
    });
  });
});
