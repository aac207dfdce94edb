// Does the rig notice? Takes one protection at a time out of a copy of the built product, plays a life in which the daemon is killed where that protection
// matters, and expects that the checker finds something wrong; the same life with the product as it is must have nothing wrong.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KillRig, type Kill, type Outcome } from '../support/kill-rig.js';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const DAEMON = 'tests/support/killable-daemon.mjs';

/** A protection, how it is taken out, and where its want must show. */
interface Protection {
  readonly what: string;
  /** File of the built product, and what is replaced in it; each text stands there exactly once. */
  readonly file: string;
  readonly patches: readonly (readonly [from: string, to: string])[];
  /** Told in the report: where the daemon is killed. */
  readonly where: string;
  readonly kills: readonly Kill[];
  /** Codex reads its pipe only once the next daemon is there: its container is paused until then. */
  readonly is_slow?: boolean;
}

const TURN_SENT: Kill = { kind: 'pipe', n: 1, when: 'after', holds: 'turn/start' };

const PROTECTIONS: readonly Protection[] = [
  {
    what: 'that a message goes into the pipe is in the ledger before it does',
    file: 'dist/session/outbox.js',
    patches: [
      ["await memory.commit({ type: 'sent', message_id: message.message_id, turn_id });", ''],
      [
        'taken.catch((failure) => this.#notTaken(message.message_id, turn_id, failure));',
        `taken.catch((failure) => this.#notTaken(message.message_id, turn_id, failure));
        await new Promise((go) => setTimeout(go, 20));
        await memory.commit({ type: 'sent', message_id: message.message_id, turn_id });`,
      ],
    ],
    is_slow: true,
    where: 'after the first `turn/start` went into a pipe',
    kills: [TURN_SENT],
  },
  {
    what: 'what was sent is looked up before it is sent again',
    file: 'dist/session/outbox.js',
    patches: [
      [
        'this.#context.sight.see({ probed: !this.#state.outbox.some((m) => m.sent) });',
        `for (const { message_id, sent } of this.#state.outbox)
            if (sent) void this.#context.memory.commit({ type: 'not_taken', message_id, reason: 'x', again: true });
        this.#context.sight.see({ probed: true });`,
      ],
    ],
    is_slow: true,
    where: 'after the first `turn/start` went into a pipe',
    kills: [TURN_SENT],
  },
  {
    what: 'a prompt is known by its attempt too: the same request id of the next one is another prompt',
    file: 'dist/session/prompt-state.js',
    patches: [
      [
        'promptId(state.session_id, state.attempt, request.request_id)',
        'promptId(state.session_id, 1, request.request_id)',
      ],
    ],
    where: 'nowhere: an agent that asked is restarted and asks again',
    kills: [],
  },
  {
    what: 'what is in the transcript is not told again',
    file: 'dist/session/session-memory.js',
    patches: [['narrate(this.#narrator, sources, this.#store.last_seq)', 'narrate(this.#narrator, sources, 0)']],
    where: 'after the 20th write to a transcript',
    kills: [{ kind: 'transcript', n: 20, when: 'after' }],
  },
  {
    what: 'the torn end of a log is cut off',
    file: 'dist/ledger/append-log.js',
    patches: [['const end = await endOfLastRecord(file, size, path);', 'const end = size;']],
    where: 'in the middle of the 12th write to a ledger of a session',
    kills: [{ kind: 'session ledger', n: 12, when: 'torn' }],
  },
];

/** What one protection's want came to. */
export interface Proof {
  readonly what: string;
  readonly where: string;
  /** What the checker found with the product as it is: nothing, or the rig proves nothing. */
  readonly sound: readonly string[];
  /** What it found without the protection. */
  readonly broken: readonly string[];
}

/** Takes out each protection in turn. */
export async function prove(say: (text: string) => void): Promise<readonly Proof[]> {
  const proofs: Proof[] = [];
  for (const protection of PROTECTIONS) {
    const sound = await live(join(PACKAGE, DAEMON), protection);
    const broken = await withoutIt(protection, (daemon) => live(daemon, protection));
    say(
      `${protection.what}: ${sound.length} violations with it, ${broken.length} without: ${broken[0] ?? 'NOT NOTICED'}`,
    );
    proofs.push({ what: protection.what, where: protection.where, sound, broken });
  }
  return proofs;
}

/** The section of the report. */
export function proofSection(proofs: readonly Proof[], at: Date): readonly string[] {
  const noticed = ({ sound, broken }: Proof): string =>
    sound.length > 0 ? 'the life is not clean with it either' : broken.length > 0 ? 'noticed' : '**not noticed**';
  return [
    `\`npm run soak -- --prove\`, ${at.toISOString()}: one protection at a time is taken out of a copy of the product, and the daemon is killed where that matters. With the product as it is, the same lives have no violation.`,
    '',
    '| without this | killed | | what the checker says first |',
    '| --- | --- | --- | --- |',
    ...proofs.map((one) => `| ${one.what} | ${one.where} | ${noticed(one)} | ${firstOf(one)} |`),
  ];
}

function firstOf({ broken, sound }: Proof): string {
  return (sound[0] ?? broken[0] ?? '').replaceAll('|', '\\|').replaceAll('\n', ' ').slice(0, 160);
}

/** A life with everything in it that the protections are about; what goes so wrong that it cannot be lived to its end is a finding too. */
async function live(daemon: string, protection: Protection): Promise<readonly string[]> {
  await using rig = await KillRig.make(1, daemon);
  try {
    const found = await play(rig, protection);
    return found.violations.map(({ kind, text }) => `${kind}: ${text}`.replaceAll(rig.paths.root, '…'));
  } catch (failure) {
    return [
      `not lived to its end: ${failure instanceof Error ? failure.message : String(failure)}`.replaceAll(
        rig.paths.root,
        '…',
      ),
    ];
  }
}

async function play(rig: KillRig, { kills, is_slow = false }: Protection): Promise<Outcome> {
  await rig.begin(kills);
  const [row] = await rig.startAll();
  const [id = ''] = rig.ids;
  const container = async (how: 'pause' | 'unpause'): Promise<void> => {
    if (is_slow) await promisify(execFile)('docker', [how, row?.container_name ?? '']);
  };
  await container('pause');
  await rig.say(id, 'append first');
  // The daemon dies, the next one comes up with the first question to it, and looks for what was sent.
  for (let look = 0; is_slow && look < 10; look += 1) {
    await sleep(300);
    await rig.looks();
  }
  await container('unpause');
  await rig.answerAll();
  await rig.restart(id);
  await rig.say(id, 'append second');
  await rig.answerAll();
  return rig.end('-');
}

/** Runs something with a copy of the product that lacks the protection. */
async function withoutIt<T>({ what, file, patches }: Protection, work: (daemon: string) => Promise<T>): Promise<T> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'filare-without-')));
  try {
    for (const part of ['bin', 'dist', 'docker', 'schema', 'package.json', DAEMON])
      await cp(join(PACKAGE, part), join(folder, part), { recursive: true });
    await symlink(await realpath(join(PACKAGE, 'node_modules')), join(folder, 'node_modules'));
    let text = await readFile(join(folder, file), 'utf8');
    for (const [from, to] of patches) {
      if (text.split(from).length !== 2) throw new Error(`${what}: "${from}" does not stand once in ${file}`);
      text = text.replace(from, () => to);
    }
    await writeFile(join(folder, file), text);
    return await work(join(folder, DAEMON));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
