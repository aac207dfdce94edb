import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../../src/client/fleet.js';
import type { Prompt, SessionRow } from '../../src/contract/session.js';
import { sessionFiles } from '../../src/session/session-files.js';
import { eventually, FleetRig } from '../support/fleet-rig.js';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const IMAGE = `filare-upgrade:${randomUUID()}`;
const MANIFEST = `
defaults:
  image: ${IMAGE}
  resources: { cpus: 1, memory: 256m, pids: 256 }
sessions:
  - { id: asker, role: FEATURE }
  - { id: worker, role: FIXER, escalation: { approvals: approve } }
`;
const REHEARSAL = `
parts:
  - text: please
    do:
      - ask_approval: touch asked-and-approved
      - say: it was approved
  - text: count
    do:
      - run: for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; sleep 0.5; done
      - say: counted
`;

/** This package under another version, as it would be installed. */
async function otherVersion(version: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'filare-version-'));
  for (const part of ['bin', 'dist', 'docker', 'schema'])
    await cp(join(PACKAGE, part), join(folder, part), { recursive: true });
  await symlink(join(PACKAGE, 'node_modules'), join(folder, 'node_modules'));
  const manifest = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')) as object;
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, version }));
  return folder;
}

/** The ordinary image under the name of this test, with a label: another label is another image. Answers with its id. */
async function buildImage(rig: FleetRig, label: string): Promise<string> {
  const context = pack();
  context.entry({ name: 'Dockerfile' }, `FROM filare-codex\nLABEL filare.test.upgrade=${label}\n`);
  context.finalize();
  const labels = { 'filare.test': 'upgrade' };
  const request = { tag: IMAGE, dockerfile: 'Dockerfile', build_args: {}, labels, network: 'none' } as const;
  await rig.engine.build(Readable.from(context), request, () => undefined);
  const image = await rig.engine.image(IMAGE);
  if (image === undefined) throw new Error(`${IMAGE} was built and is not there`);
  return image.id;
}

describe('a newer version', () => {
  let rig: FleetRig;
  let fleet: Fleet;
  let newer: string;
  const rows = new Map<string, SessionRow>();
  /** Under a tag that went on to another image, too. */
  const built = new Set<string>();
  let prompt: Prompt | undefined;

  const rowOf = (id: string): SessionRow => {
    const row = rows.get(id);
    if (row === undefined) throw new Error(`no ${id}`);
    return row;
  };
  const openWith = (folder: string): Promise<Fleet> =>
    Fleet.open({
      project: rig.root,
      daemon_command: [
        process.execPath,
        join(folder, 'bin', 'filare-agents.js'),
        'daemon',
        'run',
        '--project',
        rig.root,
      ],
    });

  beforeAll(async () => {
    newer = await otherVersion('99.0.0');
    rig = await FleetRig.make({ 'configs/agents/two.yml': MANIFEST });
    built.add(await buildImage(rig, 'first'));
    fleet = await openWith(PACKAGE);
    for (const row of await rig.start(fleet, REHEARSAL)) rows.set(row.id, row);
  }, 120_000);

  afterAll(async () => {
    await fleet[Symbol.asyncDispose]();
    await rig.end();
    for (const image of built) await rig.engine.removeImage(image);
    await rm(newer, { recursive: true });
  }, 60_000);

  it('takes over the live sessions of this one: a turn that runs, a prompt that is open, and messages that wait', async () => {
    await fleet.send('asker', 'please');
    await fleet.send('worker', 'count');
    await fleet.send('worker', 'and this', { mode: 'queue' });
    await eventually('the asker waits', async () => {
      [prompt] = await fleet.prompts();
      return prompt !== undefined;
    });
    const containers = await rig.containers();
    await fleet.stopDaemon();
    fleet.close();

    fleet = await openWith(newer);
    expect(await fleet.daemon()).toMatchObject({ version: '99.0.0', sessions: 2 });
    expect(await rig.containers()).toEqual(containers);
    expect(await fleet.prompts()).toEqual([prompt]);
    const decided = await rig.cli(['feedback', 'approve', prompt?.prompt_id ?? '']);
    expect(decided.code, decided.stderr).toBe(0);
    await eventually('both are idle', async () => {
      const now = await fleet.sessions();
      return now.every((row) => row.activity === 'idle' && row.attempt === 1);
    });
    const worked = await rig.transcript(rowOf('worker').transcript);
    expect(worked.filter((e) => e.kind === 'message').map((e) => e.text)).toEqual(['count', 'and this']);
    expect(worked.filter((e) => e.text === 'counted')).toHaveLength(1);
    const asked = await rig.transcript(rowOf('asker').transcript);
    expect(asked.filter((e) => e.text === 'it was approved')).toHaveLength(1);
    for (const entries of [worked, asked]) expect(entries.map((e) => e.seq)).toEqual(entries.map((_, at) => at + 1));
  });

  it('uses no checkpoint of the other: it tells everything again, to the same bytes', async () => {
    await fleet.stopDaemon();
    fleet.close();
    const { transcript, checkpoint } = sessionFiles(join(rowOf('worker').transcript, '..'));
    const before = await readFile(transcript, 'utf8');
    expect(await readFile(checkpoint, 'utf8')).toContain('"version":"99.0.0"');
    await rm(transcript);
    fleet = await openWith(PACKAGE);
    expect(await readFile(transcript, 'utf8')).toBe(before);
    expect(await fleet.sessions()).toHaveLength(2);
  });

  it('whose image has the name of the old one: the next attempt says that its image is another', async () => {
    const images = (id: string): Promise<string[]> =>
      rig
        .transcript(rowOf(id).transcript)
        .then((entries) => entries.filter((e) => e.kind === 'warning').map((e) => e.text ?? ''))
        .then((texts) => texts.filter((text) => text.startsWith(`the image ${IMAGE} is another one`)));
    await fleet.restart('worker');
    expect(await images('worker')).toEqual([]);
    const [was = ''] = built;
    const is = await buildImage(rig, 'second');
    built.add(is);
    expect(is).not.toBe(was);
    await fleet.restart('worker');
    const [text = ''] = await images('worker');
    for (const id of [was, is]) expect(text).toContain(id.slice('sha256:'.length, 'sha256:'.length + 12));
    expect(await fleet.send('worker', 'still you?', { wait_ms: 20_000 })).toMatchObject({ delivery: 'accepted' });
  });
});
