import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';

const request = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string().optional(),
  params: z.looseObject({ clientUserMessageId: z.string().optional() }).optional(),
});

/**
 * Plays Codex at the other end of an attempt's pipe and journal: greets, starts a thread, and shows each message at once. What else is in the
 * journal the benchmark writes itself. Holds the same two files that a container would.
 */
export class FakeAgent {
  readonly #in: Socket;
  readonly #out: number;
  readonly thread_id: string;
  /** Called with every line that came through the pipe, as it comes. */
  onLine: (line: string) => void = () => undefined;
  #rest = '';
  #ready = false;
  #turns = 0;

  /** Takes the channel of the folder that a container would have at /io. */
  constructor(io_folder: string, thread_id: string) {
    this.thread_id = thread_id;
    const fd = openSync(join(io_folder, 'in'), constants.O_RDWR | constants.O_NONBLOCK);
    this.#in = new Socket({ fd, readable: true, writable: false });
    this.#out = openSync(join(io_folder, 'out'), constants.O_WRONLY | constants.O_APPEND);
    for (const name of ['in', 'out', 'err']) rmSync(join(io_folder, name), { force: true });
    this.#in.setEncoding('latin1').on('data', (text: string) => this.#take(text));
    this.#in.on('error', () => undefined);
  }

  /** Appends to the journal. */
  write(bytes: string | Buffer): void {
    const all = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    for (let at = 0; at < all.length;) at += writeSync(this.#out, all, at);
  }

  /** Asks for an approval of a command, within a turn that nothing else is said of. */
  ask(request_id: number, command: string): void {
    const params = {
      threadId: this.thread_id,
      turnId: 'turn-of-asking',
      itemId: `command-${String(request_id)}`,
      command,
      cwd: '/home/agent/workspace',
      reason: 'because',
      availableDecisions: ['accept', 'decline', 'cancel'],
    };
    this.#say({ id: request_id, method: 'item/commandExecution/requestApproval', params });
  }

  /** Says that a request is over. */
  resolved(request_id: number): void {
    const params = { threadId: this.thread_id, requestId: request_id };
    this.#say({ method: 'serverRequest/resolved', params });
  }

  /** Lets go of the files. */
  end(): void {
    this.#in.destroy();
    closeSync(this.#out);
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!this.#ready) this.#ready = line === '.';
      else if (line !== '') {
        this.onLine(line);
        this.#answer(request.parse(JSON.parse(line)));
      }
    }
  }

  #answer(asked: z.infer<typeof request>): void {
    const { id, method } = asked;
    if (id === undefined) return;
    switch (method) {
      case 'initialize':
        this.#say({ id, result: { userAgent: 'bench', codexHome: '/home/agent/.codex' } });
        break;
      case 'thread/start':
        this.#say({ id, result: { thread: { id: this.thread_id }, model: 'bench' } });
        break;
      case 'turn/start':
        this.#turn(id, asked.params?.clientUserMessageId ?? '');
        break;
      default:
        this.#say({ id, result: {} });
    }
  }

  #turn(id: string | number, message_id: string): void {
    const threadId = this.thread_id;
    this.#turns += 1;
    const turnId = `turn-${String(this.#turns)}`;
    const turn = { id: turnId, items: [], status: 'inProgress', error: null };
    const content = [{ type: 'text', text: 'x', text_elements: [] }];
    const item = { type: 'userMessage', id: `message-${String(this.#turns)}`, clientId: message_id, content };
    this.#say(
      { id, result: { turn } },
      { method: 'turn/started', params: { threadId, turn } },
      { method: 'item/started', params: { item, threadId, turnId } },
      { method: 'item/completed', params: { item, threadId, turnId } },
      { method: 'turn/completed', params: { threadId, turn: { ...turn, status: 'completed' } } },
    );
  }

  #say(...messages: readonly object[]): void {
    const emittedAtMs = Date.now();
    this.write(messages.map((one) => `${JSON.stringify({ ...one, emittedAtMs })}\n`).join(''));
  }
}
