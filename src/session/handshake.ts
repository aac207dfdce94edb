import { open } from 'node:fs/promises';
import { asFilareError, FilareError } from '../contract/errors.js';
import type { CodexConnection } from '../codex/connection.js';
import { dynamicTools } from '../codex/dynamic-tools.js';
import { threadForkParams, threadResumeParams, threadStartParams } from '../codex/thread-params.js';
import type { SessionState } from './state.js';

const STDERR_TAIL_BYTES = 4096;

/** Initializes Codex and starts (or resumes, or forks) the session's thread. Fails with what Codex said on its standard error. */
export async function handshake(
  codex: CodexConnection,
  state: SessionState,
  signal: AbortSignal,
  stderr_path: string,
  model_key: string | null,
): Promise<{ readonly thread_id: string; readonly resumed: boolean }> {
  try {
    await codex.initialize({ signal });
    // Kept in Codex's memory alone (config-toml.ts); a rehearsal needs none.
    if (model_key !== null && state.rehearsal === null) {
      await codex.request('account/login/start', { type: 'apiKey', apiKey: model_key }, { signal });
    }
    // Codex keeps a thread from its first turn on: one that had none cannot be resumed, and nothing is lost with it.
    if (state.thread_id !== null && state.turns > 0) {
      const resumed = await codex.request('thread/resume', threadResumeParams(state.agent, state.thread_id), {
        signal,
      });
      return { thread_id: resumed.thread.id, resumed: true };
    }
    const from = state.fork?.thread_id ?? null;
    if (from !== null) {
      const forked = await codex.request('thread/fork', threadForkParams(state.agent, from), { signal });
      return { thread_id: forked.thread.id, resumed: false };
    }
    const started = await codex.request(
      'thread/start',
      threadStartParams(state.agent, { dynamic_tools: dynamicTools(state.agent) }),
      { signal },
    );
    return { thread_id: started.thread.id, resumed: false };
  } catch (failure) {
    const known = asFilareError(failure);
    const said = await tail(stderr_path);
    throw new FilareError({
      code: known.code === 'unexpected' ? 'bad_state' : known.code,
      message: `Codex of agent ${state.agent.id} did not start: ${known.message}${said === '' ? '' : `; it said: ${said}`}`,
      ...(known.hint === undefined ? {} : { hint: known.hint }),
      cause: failure,
    });
  }
}

async function tail(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.min(size, STDERR_TAIL_BYTES);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8').trim();
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}
