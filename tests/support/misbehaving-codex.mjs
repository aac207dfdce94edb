#!/usr/local/bin/node
// Stands in the place of Codex in a container of the tests, and speaks its protocol as badly as MISBEHAVES says: NAME, or NAME:ARGUMENT.
import { writeSync } from 'node:fs';

const [behaviour, argument = ''] = (process.env.MISBEHAVES ?? 'well').split(':');
const amount = Number(argument);
/** Items a second of one that counts. */
const RATE = 12_000;
const thread_id = `thread-${process.env.HOSTNAME ?? 'x'}`;
const kept = [];
let turns = 0;
let rest = '';

const write = (bytes) => {
  const buffer = Buffer.from(bytes);
  for (let at = 0; at < buffer.length;) at += writeSync(1, buffer, at);
};
const say = (message) => write(`${JSON.stringify(message)}\n`);
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function end(how) {
  if (how === 'kill') process.kill(process.pid, 'SIGKILL');
  process.exit(Number(how));
}

/** `exits:STEP/HOW`: ends at that step of the protocol. */
function reach(step) {
  if (behaviour !== 'exits') return;
  const [where, how] = argument.split('@');
  if (where === step) end(how);
}

function misbehave() {
  switch (behaviour) {
    case 'garbage':
      for (let n = 0; n < amount; n += 1) {
        write(`this is no JSON ${n} \u001b[31m\n`);
        write('{"method":"item/completed","params":{"half\n');
        write(Buffer.from([0x7b, 0xff, 0xfe, 0xc3, 0x28, 0x0a]));
        write('\n   \n[1,2]\n"text"\n17\nnull\n{}\n{"id":{}}\n{"method":7}\n{"method":"a/new/thing","params":[]}\n');
        write('{"method":"item/completed","params":{"item":{"type":5,"id":null},"threadId":9}}\n');
        write('{"method":"turn/started","params":null}\n{"method":"turn/completed","params":{"turn":"x"}}\n');
      }
      return;
    case 'long': {
      write('{"method":"item/agentMessage/delta","params":{"delta":"');
      const chunk = Buffer.alloc(1024 * 1024, 'x');
      for (let n = 0; n < amount; n += 1) write(chunk);
      write('"}}\n');
      return;
    }
    case 'flood': {
      const line = `${JSON.stringify({ method: 'item/agentMessage/delta', params: { threadId: thread_id, turnId: 'u', itemId: 'i', delta: 'flood' } })}\n`;
      for (let n = 0; n < amount; n += 1000) write(line.repeat(1000));
      return;
    }
    case 'endless': {
      const chunk = Buffer.alloc(1024 * 1024, 'y');
      for (let n = 0; n < amount; n += 1) write(chunk);
      for (;;) sleep(1000);
    }
  }
}

function answer(id, result) {
  if (behaviour === 'ids') {
    say({ id: 'nobody-1', result: {} });
    say({ id: 4711, error: { code: 1, message: 'nobody asked' } });
    // Two answers wait for each other and come in the wrong order, each twice.
    kept.push({ id, result });
    if (kept.length < 2 && turns > 0) return setTimeout(flush, 100);
    return flush();
  }
  say({ id, result });
}

function flush() {
  for (const one of kept.splice(0).reverse()) {
    say(one);
    say(one);
  }
}

function handle({ id, method, params, result, error }) {
  if (method === undefined) {
    // An answer to what was asked below.
    if (id === 'strange') reply(error === undefined ? `granted ${JSON.stringify(result)}` : `refused ${error.code}`);
    return;
  }
  reach(method);
  const thread = { id: params?.threadId ?? thread_id };
  switch (method) {
    case 'initialize':
      if (behaviour === 'silent') return;
      answer(id, { userAgent: 'misbehaving', codexHome: '/home/agent/.codex' });
      return;
    case 'initialized':
      return;
    case 'thread/start':
    case 'thread/resume':
      answer(id, { thread, model: 'none' });
      say({ method: 'thread/started', params: { thread } });
      setTimeout(misbehave, 10);
      return;
    case 'turn/start':
      turns += 1;
      if (behaviour === 'deaf') return;
      answer(id, { turn: { id: `turn-${turns}` } });
      turn(params);
      return;
    case 'thread/loaded/list':
      if (behaviour === 'deaf') return;
      answer(id, { data: [thread_id] });
      return;
    case 'thread/read':
      answer(id, { thread });
      return;
    default:
      answer(id, {});
  }
}

function turn(params) {
  const turn = { id: `turn-${turns}` };
  const item = {
    type: 'userMessage',
    id: `user-${turns}`,
    clientId: params.clientUserMessageId,
    content: params.input,
  };
  say({ method: 'turn/started', params: { threadId: params.threadId, turn } });
  say({ method: 'item/started', params: { threadId: params.threadId, turnId: turn.id, item } });
  say({ method: 'item/completed', params: { threadId: params.threadId, turnId: turn.id, item } });
  reach('turn');
  if (behaviour === 'asks') {
    say({ id: 'strange', method: 'a/request/from/the/future', params: { threadId: params.threadId, turnId: turn.id } });
    return;
  }
  if (behaviour === 'counts') return count(turn.id);
  reply('well');
}

/** Not wrong, only much: so many numbered items, `RATE` of them a second, and what is asked meanwhile is answered. */
function count(turn_id) {
  const from = performance.now();
  let told = 0;
  const timer = setInterval(() => {
    const due = Math.min(amount, Math.floor(((performance.now() - from) / 1000) * RATE));
    let lines = '';
    for (; told < due; told += 1) {
      const item = { type: 'agentMessage', id: `line-${turn_id}-${told}`, text: `line ${told}` };
      lines += `${JSON.stringify({ method: 'item/completed', params: { threadId: thread_id, turnId: turn_id, item } })}\n`;
    }
    write(lines);
    if (told < amount) return;
    clearInterval(timer);
    reply('counted');
  }, 10);
}

function reply(text) {
  const turn_id = `turn-${turns}`;
  const item = { type: 'agentMessage', id: `agent-${turns}`, text };
  say({ method: 'item/completed', params: { threadId: thread_id, turnId: turn_id, item } });
  say({
    method: 'turn/completed',
    params: { threadId: thread_id, turn: { id: turn_id, status: 'completed', error: null } },
  });
}

reach('start');
if (behaviour === 'deathless')
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
setInterval(() => undefined, 60_000);
process.stdin.setEncoding('utf8').on('data', (text) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  for (const line of lines) if (line.trim() !== '') handle(JSON.parse(line));
});
