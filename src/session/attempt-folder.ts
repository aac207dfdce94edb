import { chown, lchown, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectSkills } from '../codex/project-skills.js';
import type { AgentSpec } from '../contract/agent-spec.js';

/** Where the files of one attempt are. All absolute; config/ is mounted read-only, file by file. */
export interface AttemptFolder {
  readonly folder: string;
  readonly config_toml: string;
  readonly passwd: string;
  readonly group: string;
  readonly gitconfig: string;
  readonly known_hosts: string;
  /** Empty, to cover what Codex would obey in its home. */
  readonly empty_folder: string;
  readonly empty_file: string;
  /** Skills for the commands of the project. */
  readonly skills: string;
  readonly startup_script: string;
  /** Folder of the startup stage's own pipe. */
  readonly startup: string;
}

/** User and group of the container. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
}

const HOME = '/home/agent';

/** Names of the files of attempt `attempt` of the session whose folder is given. Makes nothing. */
export function attemptFolder(session_folder: string, attempt: number): AttemptFolder {
  const folder = join(session_folder, 'attempts', String(attempt));
  const config = join(folder, 'config');
  return {
    folder,
    config_toml: join(config, 'config.toml'),
    passwd: join(config, 'passwd'),
    group: join(config, 'group'),
    gitconfig: join(config, 'gitconfig'),
    known_hosts: join(config, 'known_hosts'),
    empty_folder: join(config, 'empty'),
    empty_file: join(config, 'empty-file'),
    skills: join(config, 'skills'),
    startup_script: join(config, 'startup'),
    startup: join(folder, 'startup'),
  };
}

/** Writes what the container reads of its attempt: Codex's configuration, its user's names, git's and ssh's. No secret is among them. */
export async function writeAttemptFolder(
  paths: AttemptFolder,
  options: {
    readonly agent: AgentSpec;
    readonly user: ContainerUser;
    readonly config_toml: string;
    readonly known_hosts: string;
  },
): Promise<void> {
  const { agent, user } = options;
  await mkdir(join(paths.folder, 'config'), { recursive: true, mode: 0o755 });
  await rm(paths.empty_folder, { recursive: true, force: true });
  await mkdir(paths.empty_folder, { mode: 0o755 });
  const files: readonly (readonly [string, string, number])[] = [
    [paths.config_toml, options.config_toml, 0o644],
    [paths.empty_file, '', 0o644],
    [paths.passwd, passwd(user), 0o644],
    [paths.group, group(user), 0o644],
    [paths.gitconfig, gitconfig(agent), 0o644],
    [paths.known_hosts, options.known_hosts, 0o644],
    ...(agent.startup_script === undefined ? [] : [[paths.startup_script, agent.startup_script, 0o755] as const]),
  ];
  for (const [path, text, mode] of files) {
    await rm(path, { force: true });
    await writeFile(path, text, { mode, flag: 'wx' });
  }
  await rm(paths.skills, { recursive: true, force: true });
  await mkdir(paths.skills, { mode: 0o755 });
  for (const skill of projectSkills(agent)) {
    await mkdir(join(paths.skills, skill.folder), { mode: 0o755 });
    await writeFile(join(paths.skills, skill.folder, 'SKILL.md'), skill.text, { mode: 0o644, flag: 'wx' });
  }
}

/** Makes a folder that the container's user owns, when it is missing. */
export async function ownedFolder(path: string, user: ContainerUser, caller_uid: number): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (caller_uid === 0) await chown(path, user.uid, user.gid);
}

/**
 * Makes a mount point in a folder that the agent can write, when it is missing. A link, or anything else than what is wanted, is removed first:
 * the engine would follow it.
 */
export async function mountPoint(
  path: string,
  kind: 'file' | 'folder',
  user: ContainerUser,
  caller_uid: number,
): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found !== null && (kind === 'file' ? found.isFile() : found.isDirectory())) return;
  await rm(path, { recursive: true, force: true });
  if (kind === 'folder') await mkdir(path, { mode: 0o755 });
  else await writeFile(path, '', { mode: 0o644, flag: 'wx' });
  if (caller_uid === 0) await lchown(path, user.uid, user.gid);
}

function passwd(user: ContainerUser): string {
  return [
    'root:x:0:0:root:/root:/usr/sbin/nologin',
    `agent:x:${String(user.uid)}:${String(user.gid)}:agent:${HOME}:/bin/bash`,
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    '',
  ].join('\n');
}

function group(user: ContainerUser): string {
  const own = user.gid === 0 ? [] : [`agent:x:${String(user.gid)}:`];
  return ['root:x:0:', ...own, 'nogroup:x:65534:', ''].join('\n');
}

function gitconfig(agent: AgentSpec): string {
  return [
    '[include]',
    '\tpath = /usr/local/share/filare/gitconfig',
    '[user]',
    `\tname = ${quote(agent.git.name)}`,
    `\temail = ${quote(agent.git.email)}`,
    '[safe]',
    '\tdirectory = /home/agent/workspace',
    '[init]',
    '\tdefaultBranch = main',
    '[advice]',
    '\tdetachedHead = false',
    '',
  ].join('\n');
}

/** A value of git's configuration language, quoted so that nothing in it is read as more than text. */
function quote(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
