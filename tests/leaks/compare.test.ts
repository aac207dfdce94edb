import { describe, expect, it } from 'vitest';
import { projectPaths } from '../../src/contract/project.js';
import type { SurveyedThing } from '../../src/engine/engine.js';
import { compare } from '../../src/leaks/compare.js';
import type { Comparison } from '../../src/leaks/comparison.js';
import type { Finding } from '../../src/leaks/finding.js';
import type { DiskSight, ProcessSight, World } from '../../src/leaks/world.js';
import type { ResourceEntry } from '../../src/ledger/project-ledger.js';

const paths = projectPaths('/project', '/run/user/1');
const LOCK = `@filare-agents-1-${paths.key}`;
const DAEMON = 100;

function world(given: Partial<World> = {}): World {
  return {
    engine: [],
    container_ids: new Set(),
    processes: [],
    own_pids: new Set(),
    mounts: [],
    sockets: new Set(),
    disk: [],
    existing: new Set(),
    sessions: new Map([
      ['live', { folder: `${paths.outputs}/FEATURE/live`, over: false, workspace: `${paths.workspaces}/one` }],
      ['over', { folder: `${paths.outputs}/FEATURE/over`, over: true, workspace: `${paths.workspaces}/two` }],
    ]),
    ...given,
  };
}

function found(
  given: Partial<World>,
  book: readonly ResourceEntry[] = [],
  more: Partial<Comparison> = {},
): readonly Finding[] {
  return compare({ book, world: world(given), paths, instance: 'i1', lock: LOCK, rehearsed: false, ...more });
}

function entry(kind: ResourceEntry['kind'], name: string, more: Partial<ResourceEntry> = {}): ResourceEntry {
  const at = '2030-01-01T00:00:00Z';
  return { entry: `${kind} ${name}`, kind, name, state: 'opened', intended_at: at, changed_at: at, ...more };
}

function container(name: string, labels: Record<string, string> = {}, id = name): SurveyedThing {
  return { kind: 'container', id, name, labels: { 'filare.project': paths.key, ...labels } };
}

function process(pid: number, command: string, more: Partial<ProcessSight> = {}): ProcessSight {
  return {
    pid,
    parent: 1,
    command: command.split(' '),
    cwd: '/',
    has_terminal: false,
    env_paths: [],
    container_ids: [],
    ...more,
  };
}

function disk(what: DiskSight['what'], path: string, session_id: string | null = null, age_ms = 1e9): DiskSight {
  return { what, path, session_id, age_ms };
}

describe('containers, networks and volumes', () => {
  const own = container('filare-live-1', {
    'filare.session': 'live',
    'filare.purpose': 'agent',
    'filare.instance': 'i1',
  });
  const booked = entry('container', 'filare-live-1', { session_id: 'live' });

  it('of a live session are no leak, unless the book does not know them', () => {
    expect(found({ engine: [own] }, [booked])).toEqual([]);
    expect(found({ engine: [own] })).toMatchObject([
      { verdict: 'leak', detail: 'in use, and not in the book', cleanup: false },
    ]);
  });

  it('of a session that is over are taken by cleanup; of an unknown one, or of none, never', () => {
    const seen = found({
      engine: [
        container('a', { 'filare.session': 'over' }),
        container('b', { 'filare.session': 'never-heard-of' }),
        container('c'),
        { ...container('v'), kind: 'volume' },
      ],
    });
    expect(seen.map(({ name, verdict, cleanup }) => [name, verdict, cleanup])).toEqual([
      ['a', 'leak', true],
      ['b', 'leak', false],
      ['c', 'leak', false],
      ['v', 'leak', false],
    ]);
    expect(seen[1]?.fix).toContain('docker rm -f b');
  });

  it('of one person live as long as the process that made them, whose number another may have by now', () => {
    const solo = (pid: number): SurveyedThing =>
      container(`filare-solo-${String(pid)}-x`, { 'filare.purpose': 'solo' });
    const seen = found({
      engine: [solo(7), solo(8), solo(9)],
      processes: [process(7, 'node /bin/filare-agents container sh'), process(8, 'vim notes')],
    });
    expect(seen.map(({ name, verdict, cleanup }) => [name, verdict, cleanup])).toEqual([
      ['filare-solo-8-x', 'leak', false],
      ['filare-solo-9-x', 'leak', false],
    ]);
  });

  it('with our label and another instance, or another request than the book has, are foreign', () => {
    const book = [entry('container', 'b', { detail: { request: 'r1' } })];
    const seen = found(
      {
        engine: [
          container('a', { 'filare.session': 'over', 'filare.instance': 'i2' }),
          container('b', { 'filare.session': 'over', 'filare.request': 'r2' }),
        ],
      },
      book,
    );
    expect(seen.map(({ verdict, cleanup }) => [verdict, cleanup])).toEqual([
      ['foreign', false],
      ['foreign', false],
    ]);
  });

  it('with our name and without our label are foreign; with another project’s nobody’s business', () => {
    const engine = [
      { ...container(`filare-${paths.key}-rehearsal`), labels: {} },
      { ...container('filare-live-7'), labels: {} },
      { ...container('filare-somebody-1'), labels: {} },
      { ...container('filare-else-1'), labels: { 'filare.project': 'other' } },
      { ...container('filare-live-8'), labels: { 'filare.project': 'other' } },
    ];
    expect(found({ engine }).map(({ name, verdict }) => [name, verdict])).toEqual([
      [`filare-${paths.key}-rehearsal`, 'foreign'],
      ['filare-live-7', 'foreign'],
    ]);
  });

  it('the network and the rehearsal go when no session needs them', () => {
    const engine: SurveyedThing[] = [
      { ...container(`filare-${paths.key}`), kind: 'network' },
      container('model', { 'filare.purpose': 'rehearsal' }),
    ];
    const idle = world().sessions.get('over');
    const sessions = new Map(idle === undefined ? [] : [['over', idle]]);
    expect(found({ engine, sessions }).map(({ kind, cleanup }) => [kind, cleanup])).toEqual([
      ['network', true],
      ['container', true],
    ]);
    expect(found({ engine }, [entry('network', `filare-${paths.key}`)], { rehearsed: true })).toEqual([]);
  });

  it('cannot be judged while the engine does not answer, which is said', () => {
    expect(found({ engine: null }, [booked])).toMatchObject([{ kind: 'engine', verdict: 'unknown' }]);
  });
});

describe('the other way round', () => {
  it('what the book has open and the world has not is missing', () => {
    const book = [
      entry('container', 'gone', { session_id: 'over' }),
      entry('secret', 'ssh key in gone', { session_id: 'over' }),
      entry('fifo', '/project/in', { state: 'intended' }),
      entry('process', '4711'),
      entry('socket', '/project/.filare/daemon.sock'),
      entry('folder', '/project/kept', { state: 'kept' }),
      entry('folder', '/project/closed', { state: 'closed' }),
    ];
    expect(found({}, book).map(({ kind, verdict }) => [kind, verdict])).toEqual([
      ['container', 'missing'],
      ['secret', 'missing'],
      ['fifo', 'missing'],
      ['process', 'missing'],
      ['socket', 'missing'],
    ]);
    const there = {
      engine: [container('gone', { 'filare.session': 'live' })],
      existing: new Set(['/project/in']),
      sockets: new Set([LOCK, '/project/.filare/daemon.sock']),
      processes: [process(4711, 'node')],
    };
    expect(found(there, book)).toEqual([]);
  });

  it('what a living daemon has in hand for a live session is its own business', () => {
    const book = [
      entry('process', String(DAEMON)),
      entry('container', 'on-its-way', { session_id: 'live', state: 'intended' }),
    ];
    const processes = [process(DAEMON, 'node filare-agents.js daemon run --project /project')];
    expect(found({ sockets: new Set([LOCK]), processes }, book)).toEqual([]);
    expect(found({ processes: [] }, book)).toHaveLength(2);
  });
});

describe('processes', () => {
  it('a daemon without the lock, and what names our folders and has neither terminal nor daemon above it, leak', () => {
    const processes = [
      process(DAEMON, 'node /x/filare-agents.js daemon run --json --project /project'),
      process(101, 'git clone x /project/.filare/workspaces/a.filare-seed-0123456789abcdef/tree', { parent: DAEMON }),
      process(200, 'node /x/filare-agents.js daemon run --json --project /project'),
      process(201, `ssh-agent -D -a ${paths.state}/agent.sock`),
      process(202, 'git clone', { cwd: `${paths.workspaces}/a.filare-seed-0123456789abcdef/scratch` }),
      process(203, 'model', { env_paths: [`${paths.state}/rehearsal`] }),
    ];
    const seen = found({ processes, sockets: new Set([LOCK]) }, [entry('process', String(DAEMON))]);
    expect(seen.map(({ name, verdict }) => [name.split(' ')[0], verdict])).toEqual([
      ['200', 'leak'],
      ['201', 'leak'],
      ['202', 'leak'],
      ['203', 'leak'],
    ]);
    expect(seen[1]?.fix).toContain('kill 201');
  });

  it('people’s own are none: in a terminal, in a workspace, this one, another project’s daemon, containers of others', () => {
    const processes = [
      process(1000, `tail -f ${paths.daemon_log}`, { has_terminal: true }),
      process(1001, 'language-server', { cwd: `${paths.workspaces}/one/src` }),
      process(1002, `filare-agents doctor ${paths.state}`),
      process(1003, 'node /x/filare-agents.js daemon run --project /project-two'),
      process(1004, `cat ${paths.ledger}`, { container_ids: ['f'.repeat(64)] }),
      process(1005, 'vim', { cwd: '/project' }),
    ];
    expect(found({ processes, own_pids: new Set([1002]) })).toEqual([]);
  });

  it('of a container of ours that the engine does not know any more leak', () => {
    const id = 'a'.repeat(64);
    const processes = [process(300, 'codex', { container_ids: [id] })];
    const book = [entry('container', 'x', { engine_id: id, state: 'closed' })];
    expect(found({ processes }, book)).toMatchObject([{ kind: 'process', verdict: 'leak' }]);
    expect(
      found(
        { processes, engine: [container('x', { 'filare.session': 'live' }, id)], container_ids: new Set([id]) },
        book.map((one) => ({ ...one, state: 'opened' })),
      ),
    ).toEqual([]);
  });
});

describe('disk and mounts', () => {
  const attempt = `${paths.outputs}/FEATURE/over/attempts/1`;

  it('parts of attempts that are over, and of what was cut short, are taken by cleanup', () => {
    const seed = '.filare-seed-0123456789abcdef';
    const seen = found({
      disk: [
        disk('attempt part', `${attempt}/io`, 'over'),
        disk('pipe', `${attempt}/journal/in`, 'over'),
        disk('staging', `${paths.workspaces}/two${seed}`),
        disk('half-removed', `${paths.workspaces}/two.filare-gone-0123456789abcdef`),
        disk('trial', '/project/.filare-doctor-abc'),
        // In use, or too young to tell.
        disk('attempt part', `${paths.outputs}/FEATURE/live/attempts/1/io`, 'live'),
        disk('pipe', `${paths.outputs}/FEATURE/live/attempts/1/journal/in`, 'live'),
        disk('staging', `${paths.workspaces}/one${seed}`),
        disk('trial', '/project/.filare-doctor-def', null, 1000),
        disk('download', '/cache/base-1', null, 1000),
      ],
    });
    expect(seen).toHaveLength(5);
    expect(seen.every(({ cleanup, verdict }) => cleanup && verdict === 'leak')).toBe(true);
  });

  it('strange pipes and sockets, keys and old downloads are said and left to a person', () => {
    const seen = found({
      disk: [
        disk('pipe', `${paths.state}/pipe`),
        disk('pipe', `${attempt}/config/pipe`, 'over'),
        disk('socket', `${paths.state}/agent.sock`),
        disk('secret', `${attempt}/config/id`, 'over'),
        disk('download', '/cache/base-1'),
      ],
    });
    expect(seen.map(({ kind, cleanup }) => [kind, cleanup])).toEqual([
      ['fifo', false],
      ['fifo', false],
      ['socket', false],
      ['secret', false],
      ['folder', false],
    ]);
    expect(seen.every(({ fix }) => fix !== '')).toBe(true);
  });

  it('a socket whose daemon was killed is one, that of a living daemon not', () => {
    const socket = disk('socket', paths.socket);
    expect(found({ disk: [socket] })).toMatchObject([{ kind: 'socket', verdict: 'leak' }]);
    expect(found({ disk: [socket], sockets: new Set([LOCK]) })).toEqual([]);
  });

  it('mounts in our folders leak, in a workspace they are somebody’s own, and a folder may be a disk of its own', () => {
    const mounts = [paths.outputs, `${paths.workspaces}/one/data`, `${attempt}/io`];
    expect(found({ mounts }).map(({ name, verdict }) => [name, verdict])).toEqual([
      [`${paths.workspaces}/one/data`, 'foreign'],
      [`${attempt}/io`, 'leak'],
    ]);
  });
});
