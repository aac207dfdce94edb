import { describe, expect, it } from 'vitest';
import type { AgentSpec } from '../../src/contract/agent-spec.js';
import type { SessionRow } from '../../src/contract/session.js';
import type { EngineInfo } from '../../src/engine/engine.js';
import { Admission } from '../../src/fleet/admission.js';
import { firstState } from '../../src/session/apply.js';
import type { SessionState, Stage } from '../../src/session/state.js';
import { rowOf } from '../cli/samples.js';
import { agentSpec } from '../support/agent-spec.js';

const GIB = 2 ** 30;
const HOST: EngineInfo = {
  kind: 'docker',
  version: '1',
  api_version: '1',
  endpoint: 'x',
  memory_bytes: 8 * GIB,
  cpus: 2,
  runtime_versions: {},
  security_options: [],
  is_outlived: false,
  operating_system: 'x',
  architecture: 'x',
};
const queued: Stage = { phase: 'queued', reason: null };
const running: Stage = { phase: 'running', container: { id: 'c', name: 'n' }, turn: null };
const stopped: Stage = { phase: 'stopped', reason: 'x', at_ms: 50 };

interface Given extends Partial<Omit<SessionState, 'agent'>> {
  readonly memory?: number;
  readonly depends_on?: AgentSpec['depends_on'];
}

/** A session in the queue, started as the `at`-th. */
function session(id: string, at: number, { memory = 1, depends_on = [], ...given }: Given = {}): SessionState {
  const agent = agentSpec({ id, depends_on, resources: { cpus: 1, memory_bytes: memory * GIB, pids: 128 } });
  return {
    ...firstState(`${id}-s`, { type: 'created', agent, rehearsal: null, by: 'x' }, at),
    stage: queued,
    ...given,
  };
}

function admission(states: readonly SessionState[], ended: readonly SessionRow[] = []): Admission {
  return new Admission({ states: () => states, ended: () => ended.map((row) => ({ row })), info: () => HOST });
}

const on = (id: string, condition: 'started' | 'idle' | 'synced') => [{ id, condition }];

describe('memory', () => {
  it('is there while the promises fit into the host’s memory, to the byte', () => {
    const own = session('a', 2, { memory: 4 });
    const other = (memory: number): SessionState => session('b', 1, { memory, stage: running });
    expect(admission([own, other(4)]).ask('a-s')).toBeNull();
    expect(admission([own, other(5)]).ask('a-s')).toContain(
      'needs 4.0 GiB of memory; 5.0 GiB of 8.0 GiB are promised to 1 running agents',
    );
  });

  it('is not taken by what has ended', () => {
    const own = session('a', 2, { memory: 4 });
    expect(admission([own, session('b', 1, { memory: 8, stage: stopped })]).ask('a-s')).toBeNull();
  });

  it('goes to who queued first, so that a large agent is not overtaken for ever', () => {
    const fleet = admission([
      session('large', 1, { memory: 6 }),
      session('small', 2, { memory: 3 }),
      session('b', 0, { memory: 3, stage: running }),
    ]);
    expect(fleet.ask('large-s')).not.toBeNull();
    expect(fleet.ask('small-s')).toContain('1 in the queue before it');
  });

  it('is not kept for one that needs more than the host has by now', () => {
    const fleet = admission([session('larger', 1, { memory: 9 }), session('small', 2, { memory: 1 })]);
    expect(fleet.ask('larger-s')).toContain('needs 9.0 GiB of memory');
    expect(fleet.ask('small-s')).toBeNull();
  });

  it('is not kept for one that waits for another agent: who that agent is could never begin', () => {
    const states = [
      session('large', 1, { memory: 8, depends_on: on('small', 'idle') }),
      session('small', 2, { memory: 8 }),
    ];
    expect(admission(states).ask('small-s')).toBeNull();
  });
});

describe('places', () => {
  const two = { max_parallel: 2 };

  it('are taken in the order of the starts, and free when a session has ended, not between two attempts', () => {
    const failing: Stage = { phase: 'backing_off', until_ms: 9, cause: 'exited', reason: 'x', failure: null };
    const states = [
      session('a', 1, { ...two, stage: failing }),
      session('b', 2, { ...two, stage: stopped }),
      session('c', 3, two),
      session('d', 4, two),
    ];
    const fleet = admission(states);
    expect(fleet.ask('d-s')).toBe('waits for a free place: 1 of 2 run, 1 in the queue before it');
    expect(fleet.ask('c-s')).toBeNull();
    expect(fleet.ask('d-s')).toBe('waits for a free place: 2 of 2 run');
  });

  it('count whoever runs, and hold back only those who were started with a limit', () => {
    const states = [session('a', 1, { stage: running }), session('b', 2, { max_parallel: 1 }), session('c', 3)];
    expect(admission(states).ask('b-s')).toBe('waits for a free place: 1 of 1 run');
    expect(admission(states).ask('c-s')).toBeNull();
  });

  it('are not given twice while one who was let in is still in the queue by its state', () => {
    const waiting = session('early', 1, { max_parallel: 1, depends_on: on('dep', 'idle') });
    const dep = session('dep', 0, { stage: stopped, progress: 'started' });
    const states = [waiting, session('late', 2, { max_parallel: 1 }), dep];
    const fleet = admission(states);
    expect(fleet.ask('late-s')).toBeNull();
    states[2] = { ...dep, progress: 'idle' };
    expect(fleet.ask('early-s')).toBe('waits for a free place: 1 of 1 run');
    expect(fleet.ask('late-s')).toBeNull();
  });

  it('are not held by one that waits for an agent, which would wait for that very place', () => {
    const states = [
      session('reviewer', 1, { max_parallel: 1, depends_on: on('feature', 'idle') }),
      session('feature', 2, { max_parallel: 1 }),
    ];
    const fleet = admission(states);
    expect(fleet.ask('reviewer-s')).toBe('waits until feature is idle after its first turn');
    expect(fleet.ask('feature-s')).toBeNull();
  });

  it('are named where an agent waits for one that waits for a place', () => {
    const states = [
      session('other', 0, { stage: running }),
      session('feature', 1, { max_parallel: 1 }),
      session('reviewer', 2, { max_parallel: 1, depends_on: on('feature', 'started') }),
    ];
    expect(admission(states).ask('reviewer-s')).toBe(
      'waits until feature has started; it waits itself for a place that agents hold until they end (1 of 1 run)',
    );
  });
});

describe('dependencies', () => {
  const asks = (condition: 'started' | 'idle' | 'synced', dep?: SessionState, ended: SessionRow[] = []) =>
    admission(
      [session('me', 100, { depends_on: on('dep', condition) }), ...(dep === undefined ? [] : [dep])],
      ended,
    ).ask('me-s');
  const dep = (given: Given): SessionState => session('dep', 1, { stage: running, ...given });
  const synced = { commit: 'c', into: 'main', at_ms: 1 };

  it.each([
    ['started', { progress: 'none', stage: { phase: 'preparing' } }, 'waits until dep has started'],
    ['started', { progress: 'started' }, null],
    ['idle', { progress: 'started' }, 'waits until dep is idle after its first turn'],
    ['idle', { progress: 'turn_over' }, 'waits until dep is idle after its first turn'],
    ['idle', { progress: 'idle', stage: { ...running, turn: { turn_id: 't', interrupting: false } } }, null],
    ['synced', { progress: 'idle' }, 'waits until the work of dep is brought home: filare-agents sync dep'],
    ['synced', { progress: 'idle', synced }, null],
    ['synced', { progress: 'idle', nothing_to_sync: true }, null],
    [
      'idle',
      { progress: 'started', desired: 'stopped' },
      'waits until dep is idle after its first turn; it is being stopped',
    ],
  ] as const)('%s, of a live session: %j', (condition, given, reason) => {
    expect(asks(condition, dep(given))).toBe(reason);
  });

  it('names the command for one that is not started, has ended or has failed', () => {
    const again = 'filare-agents start --session dep';
    expect(asks('idle')).toBe(`waits until dep is idle after its first turn; it is not started: ${again}`);
    expect(asks('idle', dep({ stage: stopped }))).toBe(
      `waits until dep is idle after its first turn; its session has ended: ${again}`,
    );
    const failed = rowOf('dep', { phase: 'failed', reached: ['started'], ended_at: new Date(200).toISOString() });
    expect(asks('idle', undefined, [failed])).toBe(
      `waits until dep is idle after its first turn; its session has failed: ${again}`,
    );
  });

  it('counts what an ended session did, but not that one started which had ended before', () => {
    const row = (ended_ms: number): SessionRow =>
      rowOf('dep', {
        phase: 'stopped',
        reached: ['started', 'idle', 'synced'],
        ended_at: new Date(ended_ms).toISOString(),
      });
    expect([asks('idle', undefined, [row(50)]), asks('synced', undefined, [row(50)])]).toEqual([null, null]);
    expect(asks('started', undefined, [row(50)])).toContain('its session has ended');
    expect(asks('started', undefined, [row(150)])).toBeNull();
  });

  it('looks at the session that runs now, not at one before it', () => {
    const before = rowOf('dep', {
      phase: 'stopped',
      reached: ['started', 'idle'],
      ended_at: new Date(1).toISOString(),
    });
    expect(asks('idle', dep({ progress: 'started' }), [before])).not.toBeNull();
  });

  it('says all of them', () => {
    const me = session('me', 1, {
      depends_on: [
        { id: 'a', condition: 'started' },
        { id: 'b', condition: 'synced' },
      ],
    });
    expect(admission([me]).ask('me-s')).toBe(
      'waits until a has started; it is not started: filare-agents start --session a; waits until the work of b is brought home; it is not started: filare-agents start --session b',
    );
  });
});
