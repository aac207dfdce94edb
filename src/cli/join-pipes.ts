import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { frameSplitter } from '../contract/output-frames.js';
import type { CliContext } from './context.js';

/** A program somewhere else without a terminal: the stream takes its standard input, and gives its output framed. */
interface RemotePipes {
  readonly stream: Duplex;
  exitCode(): Promise<number>;
}

/** Somebody sits at both ends: only then a terminal in a container is of use. Elsewhere its echo and line ends would be among the data. */
export function hasTerminal(context: CliContext): boolean {
  return context.stdin.isTTY === true && context.out.is_terminal;
}

/** Connects standard input, output and error with those of that program, byte for byte, until it ends or a signal comes; its exit code becomes ours. */
export async function joinPipes(context: CliContext, pipes: RemotePipes): Promise<void> {
  const { stdin, out, interrupts } = context;
  const { stream } = pipes;
  const leave = (): void => void stream.destroy();
  interrupts.signal.throwIfAborted();
  interrupts.signal.addEventListener('abort', leave, { once: true });
  out.gone.addEventListener('abort', leave, { once: true });
  stream.on('error', () => undefined);
  try {
    stdin.pipe(stream);
    await passOn(context, stream);
    await finished(stream, { writable: false }).catch(() => undefined);
  } catch (failure) {
    interrupts.signal.throwIfAborted();
    if (!out.gone.aborted) throw failure;
  } finally {
    stdin.unpipe(stream);
    stdin.pause();
    stream.destroy();
    interrupts.signal.removeEventListener('abort', leave);
    out.gone.removeEventListener('abort', leave);
  }
  interrupts.signal.throwIfAborted();
  // Whoever reads our output has had enough: how the program ends is not waited for.
  if (!out.gone.aborted) context.exit_code = await pipes.exitCode();
}

async function passOn({ out }: CliContext, stream: Duplex): Promise<void> {
  let pieces: { readonly kind: 'stdout' | 'stderr'; readonly bytes: Buffer }[] = [];
  const split = frameSplitter((kind, bytes) => pieces.push({ kind, bytes }));
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    pieces = [];
    split(chunk);
    for (const { kind, bytes } of pieces) await (kind === 'stdout' ? out.writeAll(bytes) : out.writeErrorAll(bytes));
  }
}
