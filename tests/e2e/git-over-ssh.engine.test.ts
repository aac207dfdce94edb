import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/client/fleet.js';
import { FleetRig } from '../support/fleet-rig.js';
import { SSHD_PATH, startSshGitServer, type SshGitServer } from '../support/sshd.js';

/** The host as containers reach it (`host.docker.internal`): an address of this machine alone. */
async function bridgeAddress(): Promise<string> {
  const answer = await new Promise<string>((resolve, reject) => {
    get({ socketPath: '/var/run/docker.sock', path: '/networks/bridge' }, (response) => {
      let text = '';
      response.on('data', (data: Buffer) => (text += data.toString()));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
  const network = JSON.parse(answer) as { IPAM: { Config: { Gateway?: string; Subnet: string }[] } };
  const [config] = network.IPAM.Config;
  return config?.Gateway ?? config?.Subnet.replace(/\.0\/\d+$/, '.1') ?? '';
}

describe.skipIf(SSHD_PATH === undefined)('git over SSH in an agent’s container', () => {
  let rig: FleetRig;
  let server: SshGitServer;
  let fleet: Fleet;

  beforeAll(async () => {
    server = await startSshGitServer({ address: await bridgeAddress() });
    const agent = (id: string, known_hosts: string): string =>
      `- { id: ${id}, role: FEATURE, resources: { cpus: 1, memory: 256m, pids: 256 }, escalation: { approvals: approve }, ssh_key: ${server.client_key}, known_hosts: ../../${known_hosts} }\n`;
    rig = await FleetRig.make({
      known: `${server.hostKeyLine('host.docker.internal')}\n`,
      unknown: '# nobody yet\n',
      'configs/agents/a.yml': agent('pinned', 'known') + agent('stranger', 'unknown'),
    });
    fleet = await rig.fleet();
    await rig.start(
      fleet,
      `parts:\n  - text: fetch\n    do:\n      - run: git clone -q ${server.repoUrl('host.docker.internal')} copy && cat copy/README.md && git -C copy log --format=%s -1 origin/side\n      - run: cd copy && git commit -q --allow-empty -m mine && git log -1 --format='%an <%ae>'\n      - say: fetched\n`,
    );
  }, 120_000);

  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await server.stop();
    await rig.end();
  }, 60_000);

  const outputs = async (id: string): Promise<string> => {
    await fleet.send(id, 'fetch', { wait_ms: 60_000 });
    const row = (await fleet.sessions()).find((r) => r.id === id);
    const entries = await rig.transcript(row?.transcript ?? '');
    return entries
      .filter((e) => e.kind === 'command')
      .map((e) => String(e.data?.['output']))
      .join('\n');
  };

  it('works at once with the key and the pinned host of the manifest, as the agent’s own author', async () => {
    const said = await outputs('pinned');
    expect(said).not.toContain('Permission denied');
    expect(said).toContain('pinned agent <pinned@agents.local>');
  }, 90_000);

  it('refuses a host that is not pinned, and shows the line to add', async () => {
    const said = await outputs('stranger');
    expect(said).toContain('ssh-ed25519');
    expect(said).toContain('known_hosts');
    expect(said).not.toContain('stranger agent');
  }, 90_000);
});
