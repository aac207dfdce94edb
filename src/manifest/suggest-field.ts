import { closestWord, normal } from './closest-word.js';
import type { Path } from './located.js';
import { allFieldPaths, fieldsAt } from './schema-walk.js';

/** Names that other tools use for what is called differently here. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    agents: 'sessions',
    name: 'id',
    task: 'goal',
    prompt: 'goal',
    message: 'goal',
    description: 'goal',
    system_prompt: 'instructions',
    developer_instructions: 'instructions',
    cwd: 'workspace',
    working_dir: 'workspace',
    directory: 'workspace',
    env: 'env_file',
    environment: 'env_file',
    dotenv: 'env_file',
    key: 'ssh_key',
    identity_file: 'ssh_key',
    volumes: 'mounts',
    binds: 'mounts',
    mem: 'resources.memory',
    mem_limit: 'resources.memory',
    pids_limit: 'resources.pids',
    limits: 'resources',
    network_mode: 'network',
    labels: 'tags',
    entrypoint: 'startup_script',
    setup: 'startup_script',
    reasoning_effort: 'codex.effort',
    approvals: 'escalation.approvals',
    src: 'source',
    dst: 'target',
    cmd: 'command',
    why: 'reason',
    retries: 'max_attempts',
    max_retries: 'max_attempts',
    from: 'source',
    to: 'target',
    dest: 'target',
    destination: 'target',
    ro: 'read_only',
    readonly: 'read_only',
    url: 'repo',
    git_url: 'repo',
    repository: 'repo',
  }),
);

/** What somebody who wrote the unknown field `name` at `path` of an agent most likely wanted, as a hint. */
export function suggestField(name: string, path: Path): string {
  const here = fieldsAt(path);
  const prefix = dotted(path);
  const near = closestWord(name, here);
  if (near !== undefined) return `did you mean "${near}"?`;
  const word = normal(name);
  const below = allFieldPaths().filter((field) => field.includes('.'));
  const elsewhere = below.filter((field) => lastWord(field) === word || field.replaceAll('.', '_') === word);
  if (prefix === '' && elsewhere.length === 1) return `did you mean "${elsewhere[0] ?? ''}"?`;
  const other = OTHER_NAMES.get(word) ?? OTHER_NAMES.get(closestWord(word, OTHER_NAMES.keys()) ?? '');
  if (other !== undefined && (here.includes(other) || (prefix === '' && below.includes(other))))
    return `did you mean "${other}"?`;
  if (prefix !== '' && fieldsAt([]).includes(name)) return `"${name}" belongs to the agent itself: indent it less`;
  return `known here: ${here.join(', ')}`;
}

/** The same where other tools have no names of their own: `known` are all that stand there. */
export function suggestAmong(name: string, known: readonly string[]): string {
  const near = closestWord(name, known);
  return near === undefined ? `known here: ${known.join(', ')}` : `did you mean "${near}"?`;
}

/** A path as people write it: `mounts[0].source`. */
export function dotted(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${step}`))
    .join('');
}

function lastWord(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
