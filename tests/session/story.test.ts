import { expect, it } from 'vitest';
import { firstState } from '../../src/session/apply.js';
import { tell } from '../../src/session/story.js';
import { agentSpec } from '../support/agent-spec.js';

it.each(['waits until first has started', 'needs 4.0 GiB of memory; 5.0 GiB of 8.0 GiB are promised'])(
  'says once that a session waits in the queue: %s',
  (reason) => {
    const state = firstState('s', { type: 'created', agent: agentSpec({ id: 'a' }), rehearsal: null, by: 'x' }, 0);
    expect(tell({ type: 'waiting', reason }, state)).toMatchObject({ text: `in the queue: ${reason}` });
  },
);
