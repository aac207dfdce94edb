import type { ServerContext } from '@modelcontextprotocol/server';
import type { ToolCall } from './call-tool.js';
import { waitOf } from './reach-daemon.js';

/** How often a client that asked for it hears that its call goes on, in milliseconds. */
const TELL_EVERY_MS = 5_000;

/** Runs a call, telling the client that it goes on for as long as it does, where the client asked for that. */
export async function whileTelling<T>(
  context: Pick<ServerContext, 'mcpReq'>,
  call: Pick<ToolCall, 'tool' | 'arguments' | 'signal'>,
  run: () => Promise<T>,
): Promise<T> {
  const progressToken = context.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return run();
  const total = waitOf(call.arguments) / 1000;
  let told = 0;
  const timer = setInterval(() => {
    if (call.signal.aborted) return;
    told += 1;
    const progress = (told * TELL_EVERY_MS) / 1000;
    const of_total = total > progress ? { total } : {};
    const params = { progressToken, progress, ...of_total, message: `${call.tool} goes on, ${progress} s so far` };
    // A client that is gone hears nothing, and its call is ended elsewhere.
    void context.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  }, TELL_EVERY_MS);
  try {
    return await run();
  } finally {
    clearInterval(timer);
  }
}
