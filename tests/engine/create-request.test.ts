/** What a container is told, word for word: a change here is a change of how agents are held. */
import { describe, expect, it } from 'vitest';
import { describeCreate } from '../../src/engine/docker/create-request.js';
import { aContainer } from './fixtures.js';

const GIBIBYTE = 1024 ** 3;

describe('the request that creates a container', () => {
  it('is exactly this', () => {
    const request = aContainer('shop', {
      name: 'filare-shop-builder-1',
      image: 'filare-codex:1',
      labels: { 'filare.project': 'shop', 'filare.session': 'builder' },
      env: { HOME: '/home/agent', EQUALS: 'a=b' },
      command: ['app-server'],
      working_dir: '/home/agent/workspace',
      binds: [
        { source: '/srv/shop', target: '/home/agent/workspace', read_only: false },
        { source: '/srv/config.toml', target: '/home/agent/.codex/config.toml', read_only: true },
      ],
      tmpfs: [{ target: '/tmp', options: 'rw,exec,nosuid,nodev,size=64m' }],
      cpus: 1.5,
      memory_bytes: 4 * GIBIBYTE,
      pids: 512,
      open_files: 8192,
      network: { name: 'filare-net', aliases: ['builder'] },
      extra_hosts: ['host.docker.internal:host-gateway'],
      hostname: 'builder',
    });
    expect(describeCreate(request)).toEqual({
      Image: 'filare-codex:1',
      Hostname: 'builder',
      User: '1000:1000',
      Env: ['HOME=/home/agent', 'EQUALS=a=b'],
      Cmd: ['app-server'],
      WorkingDir: '/home/agent/workspace',
      Labels: { 'filare.project': 'shop', 'filare.session': 'builder' },
      StopSignal: 'SIGTERM',
      Tty: false,
      OpenStdin: false,
      StdinOnce: false,
      AttachStdin: false,
      AttachStdout: false,
      AttachStderr: false,
      HostConfig: {
        Memory: 4 * GIBIBYTE,
        MemorySwap: 4 * GIBIBYTE,
        NanoCpus: 1_500_000_000,
        PidsLimit: 512,
        Privileged: false,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        ReadonlyRootfs: true,
        IpcMode: 'private',
        Init: false,
        AutoRemove: false,
        RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
        Ulimits: [
          { Name: 'nofile', Soft: 8192, Hard: 8192 },
          { Name: 'core', Soft: 0, Hard: 0 },
        ],
        Mounts: [
          {
            Type: 'bind',
            Source: '/srv/shop',
            Target: '/home/agent/workspace',
            ReadOnly: false,
            BindOptions: { Propagation: 'rprivate' },
          },
          {
            Type: 'bind',
            Source: '/srv/config.toml',
            Target: '/home/agent/.codex/config.toml',
            ReadOnly: true,
            BindOptions: { Propagation: 'rprivate' },
          },
        ],
        Tmpfs: { '/tmp': 'rw,exec,nosuid,nodev,size=64m' },
        ExtraHosts: ['host.docker.internal:host-gateway'],
        LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
        NetworkMode: 'filare-net',
      },
      NetworkingConfig: { EndpointsConfig: { 'filare-net': { Aliases: ['builder'] } } },
    });
  });

  it('survives JSON unchanged, so that a dry run prints what is sent', () => {
    const body = describeCreate(aContainer('shop'));
    expect(JSON.parse(JSON.stringify(body))).toEqual(body);
  });

  it('joins no network with `none`', () => {
    const body = describeCreate(aContainer('shop', { network: { name: 'none', aliases: ['builder'] } }));
    expect(body.HostConfig.NetworkMode).toBe('none');
    expect(body).not.toHaveProperty('NetworkingConfig');
  });

  it("keeps the image's entrypoint unless another is given", () => {
    expect(describeCreate(aContainer('shop'))).not.toHaveProperty('Entrypoint');
    expect(describeCreate(aContainer('shop', { entrypoint: ['/bin/sh'] }))).toMatchObject({ Entrypoint: ['/bin/sh'] });
  });

  it.each(['0:0', '0:1000', 'root', '1000', '', '-1:1', '01:1', '1000:agent', ' 1000:1000'])(
    'refuses the user %j',
    (user) => {
      expect(() => describeCreate(aContainer('shop', { user }))).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );

  it.each(['host', 'container:other'])('refuses to share the network of %s', (name) => {
    expect(() => describeCreate(aContainer('shop', { network: { name } }))).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
  });
});
