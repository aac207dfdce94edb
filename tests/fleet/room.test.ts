import { describe, expect, it } from 'vitest';
import type { EngineInfo } from '../../src/engine/engine.js';
import { noRoomFor } from '../../src/fleet/room.js';
import { firstState } from '../../src/session/apply.js';
import type { SessionState, Stage } from '../../src/session/state.js';
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
  operating_system: 'x',
  architecture: 'x',
};

function session(id: string, memory: number, stage: Stage, started_ms: number): SessionState {
  const agent = agentSpec({ id, resources: { cpus: 1, memory_bytes: memory * GIB, pids: 128 } });
  return { ...firstState(`${id}-s`, { type: 'created', agent, rehearsal: null, by: 'x' }, started_ms), stage };
}

const queued: Stage = { phase: 'queued', reason: null };
const running: Stage = { phase: 'running', container: { id: 'c', name: 'n' }, turn: null };
const stopped: Stage = { phase: 'stopped', reason: 'x', at_ms: 0 };

describe('room for one more agent', () => {
  it('is there while the promises fit into the host’s memory, to the byte', () => {
    const own = session('a', 4, queued, 2);
    expect(noRoomFor('a-s', own.agent, [own, session('b', 4, running, 1)], HOST)).toBeNull();
    expect(noRoomFor('a-s', own.agent, [own, session('b', 5, running, 1)], HOST)).toContain(
      'needs 4.0 GiB of memory; 5.0 GiB of 8.0 GiB are promised',
    );
  });

  it('is not taken by what has ended', () => {
    const own = session('a', 4, queued, 2);
    expect(noRoomFor('a-s', own.agent, [own, session('b', 8, stopped, 1)], HOST)).toBeNull();
  });

  it('goes to who queued first, so that a large agent is not overtaken for ever', () => {
    const large = session('large', 6, queued, 1);
    const small = session('small', 3, queued, 2);
    const states = [large, small, session('b', 3, running, 0)];
    expect(noRoomFor('large-s', large.agent, states, HOST)).not.toBeNull();
    expect(noRoomFor('small-s', small.agent, states, HOST)).toContain('1 in the queue before it');
  });
});
