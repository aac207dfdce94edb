// The daemon as it is built, with a hand on what it writes: it kills itself (SIGKILL) just before, in the middle of, or just after write number N
// of one kind. Without a kill it counts. Run by tests/support/kill-rig.ts: killable-daemon.mjs SETTINGS ROOT
import { appendFileSync, writeFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';

/** `kill`: { kind, n, when, holds } or null; `counts`: file that gets a line for each write; `deaths`: one for each death; `pid_file`; `docker_host` or null. */
const settings = JSON.parse(process.argv[2]);
const root = process.argv[3];
if (settings.docker_host !== null) process.env.DOCKER_HOST = settings.docker_host;
writeFileSync(settings.pid_file, String(process.pid));

const KINDS = [
  [/\/outputs\/agents\/[^/]+\/[^/]+\/ledger\.jsonl$/, 'session ledger'],
  [/\/outputs\/agents\/[^/]+\/[^/]+\/transcript\.jsonl$/, 'transcript'],
  [/\/\.filare\/ledger\.jsonl$/, 'project ledger'],
  [/\/\.filare\/rules\.jsonl$/, 'rules'],
  [/\/\.filare\/calls\.jsonl$/, 'calls'],
  [/\/\.filare\/usage\.jsonl$/, 'usage'],
];
const done = new Map();

function die() {
  appendFileSync(settings.deaths, `${settings.kill.kind} ${settings.kill.n} ${settings.kill.when}\n`);
  for (;;) process.kill(process.pid, 'SIGKILL');
}

/** Answers when to die around this write: 'before', 'torn', 'after', or undefined. */
function turnOf(kind, text = '') {
  appendFileSync(settings.counts, `${kind}\n`);
  if (!text.includes(settings.kill?.holds ?? '')) return undefined;
  const n = (done.get(kind) ?? 0) + 1;
  done.set(kind, n);
  return settings.kill !== null && settings.kill.kind === kind && settings.kill.n === n
    ? settings.kill.when
    : undefined;
}

const { FILE_IO } = await import('../../dist/ledger/log-file.js');
const open = FILE_IO.open;
FILE_IO.open = async (path, flags, mode) => {
  const file = await open(path, flags, mode);
  const kind = KINDS.find(([form]) => form.test(path))?.[1];
  if (kind === undefined) return file;
  const { writeNow } = file;
  const write = file.write.bind(file);
  file.writeNow = (buffer, offset, length, position) => {
    const when = turnOf(kind);
    if (when === 'before') die();
    if (when === 'torn') {
      writeNow(buffer, offset, Math.ceil(length / 2), position);
      die();
    }
    const result = writeNow(buffer, offset, length, position);
    if (when === 'after') die();
    return result;
  };
  file.write = async (buffer, offset, length, position) => {
    const when = turnOf(kind);
    if (when === 'before') die();
    const result = await write(buffer, offset, when === 'torn' ? Math.ceil(length / 2) : length, position);
    if (when !== undefined) die();
    return result;
  };
  return file;
};

const { FifoWriter } = await import('../../dist/channel/fifo-writer.js');
const send = FifoWriter.prototype.write;
FifoWriter.prototype.write = async function (line) {
  const when = turnOf('pipe', line);
  if (when === 'before') die();
  await send.call(this, line);
  if (when !== undefined) die();
};

const fs = createRequire(import.meta.url)('node:fs');
const { rename } = fs;
fs.rename = (from, to, callback) => {
  const when = String(to).endsWith('/state.json') ? turnOf('checkpoint') : undefined;
  if (when === 'before' || when === 'torn') die();
  rename(from, to, (error) => {
    if (when === 'after') die();
    callback(error);
  });
};
syncBuiltinESMExports();

const { main } = await import('../../dist/cli/main.js');
process.exit(await main(['daemon', 'run', '--json', '--project', root]));
