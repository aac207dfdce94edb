import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { pack } from 'tar-stream';
import type { Engine } from '../../src/engine/engine.js';

const SCRIPT = fileURLToPath(new URL('./misbehaving-codex.mjs', import.meta.url));

/** How much of it: the suite takes little, the soak takes all that was promised. */
export interface Amounts {
  readonly long_mib: number;
  readonly flood_lines: number;
  readonly endless_mib: number;
  readonly garbage: number;
}

/** What becomes of an agent whose Codex misbehaves so. */
export type Ending =
  /** It runs and talks, whatever it said besides. */
  | 'talks'
  /** Its attempts fail one after the other, and a person is asked. */
  | 'crash loop'
  /** Its attempt ends, and the next one goes on: what it had taken is not said to it again. */
  | 'restarted'
  /** It never came up, and says why. */
  | 'failed';

/** One way to misbehave. */
export interface Misbehaviour {
  readonly id: string;
  readonly how: string;
  readonly ending: Ending;
  /** Part of the reason that people are told; null where nothing ended. */
  readonly reason: string | null;
}

/** All ways, each for one agent. */
export function misbehaviours({ long_mib, flood_lines, endless_mib, garbage }: Amounts): readonly Misbehaviour[] {
  const talks = (id: string, how: string): Misbehaviour => ({ id, how, ending: 'talks', reason: null });
  const exits = (at: string, how: string, ending: Ending, reason: string): Misbehaviour => ({
    id: `exits-${at.replaceAll('/', '-')}-${how}`,
    how: `exits:${at}@${how}`,
    ending,
    reason,
  });
  return [
    talks('garbage', `garbage:${garbage}`),
    talks('long', `long:${long_mib}`),
    talks('flood', `flood:${flood_lines}`),
    talks('ids', 'ids'),
    talks('asks', 'asks'),
    talks('deathless', 'deathless'),
    exits('start', '0', 'failed', 'before it was ready'),
    exits('initialize', '3', 'failed', 'before it was ready'),
    exits('initialized', 'kill', 'failed', 'before it was ready'),
    exits('thread/start', '0', 'failed', 'before it was ready'),
    exits('turn/start', '0', 'crash loop', 'exit status 0'),
    exits('turn/start', '3', 'crash loop', 'exit status 3'),
    exits('turn', 'kill', 'restarted', 'exit status 137'),
    { id: 'silent', how: 'silent', ending: 'failed', reason: 'did not answer initialize' },
    { id: 'deaf', how: 'deaf', ending: 'crash loop', reason: 'has not answered' },
    { id: 'endless', how: `endless:${endless_mib}`, ending: 'crash loop', reason: 'has not answered' },
  ];
}

/** Manifest and env files of a project in which all of them misbehave, beside an ordinary agent called `calm`. */
export function misbehavingProject(image: string, ways: readonly Misbehaviour[]): Record<string, string> {
  const files: Record<string, string> = {};
  const sessions = ways.map(({ id, how }) => {
    files[`env/${id}.env`] = `MISBEHAVES=${how}\n`;
    const health = id === 'deaf' || id === 'endless' ? 'health: { interval: 1s, timeout: 2s, failures: 2 }, ' : '';
    return `  - { id: ${id}, role: FIXER, image: ${image}, ${health}env_file: ../../env/${id}.env }`;
  });
  files['configs/agents/a.yml'] = [
    'defaults:',
    '  resources: { cpus: 1, memory: 256m, pids: 128 }',
    '  restart: { backoff: 200ms, max_attempts: 2 }',
    'sessions:',
    '  - { id: calm, role: FEATURE }',
    ...sessions,
    '',
  ].join('\n');
  return files;
}

/** Builds the image: the ordinary one with the script in Codex's place. The caller removes it. */
export async function buildMisbehaving(engine: Engine, tag: string): Promise<void> {
  const context = pack();
  context.entry(
    { name: 'Dockerfile' },
    'FROM filare-codex\nUSER 0\nRUN ["/bin/rm", "-f", "/usr/local/bin/codex"]\nCOPY codex /usr/local/bin/codex\nUSER 65534:65534\n',
  );
  context.entry({ name: 'codex', mode: 0o755 }, await readFile(SCRIPT));
  context.finalize();
  const request = {
    tag,
    dockerfile: 'Dockerfile',
    build_args: {},
    labels: { 'filare.test': 'misbehaving' },
    network: 'none',
  };
  await engine.build(Readable.from(context), request, () => undefined);
}
