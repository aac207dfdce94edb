import { readFile, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { AgentSpec } from '../contract/agent-spec.js';
import { FilareError } from '../contract/errors.js';
import { attemptPaths, openBootstrapPipe, prepareAttemptFiles } from '../channel/attempt-files.js';
import type { ChannelPaths } from '../channel/channel.js';
import { FifoWriter } from '../channel/fifo-writer.js';
import { configToml } from '../codex/config-toml.js';
import { GUARDED_PATHS } from '../codex/guarded-files.js';
import { SKILLS_IN_CONTAINER } from '../codex/project-skills.js';
import type { ContainerRequest } from '../engine/engine.js';
import { requireImage } from '../image/image.js';
import { prepareWorkspace } from '../workspace/prepare-workspace.js';
import { attemptFolder, mountPoint, ownedFolder, writeAttemptFolder, type AttemptFolder } from './attempt-folder.js';
import { booked, bookedToStay, closeContainer, removeBooked, toStay } from './booking.js';
import { containerName, containerRequest, IN_CONTAINER, type RequestInputs } from './container-request.js';
import { giveThreads } from './give-threads.js';
import { LABEL } from './labels.js';
import type { SessionFact } from './record.js';
import { removeContainer } from './remove-container.js';
import { sessionFiles } from './session-files.js';
import { bookSecrets, bootstrapLines, readSecrets, type Secrets } from './secrets.js';
import { settleFiles, stagedWorkspace } from './settle-files.js';
import type { SessionState } from './state.js';
import type { SessionSurroundings } from './surroundings.js';

/** How long a startup script may take. */
export const STARTUP_SCRIPT_MS = 10 * 60_000;
const STARTUP_LOG_BYTES = 16 * 1024;

/** What a launch works with. */
export interface LaunchContext {
  readonly around: SessionSurroundings;
  readonly folder: string;
  readonly state: () => SessionState;
  readonly commit: (fact: SessionFact) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Folders that belong to an agent, not to a session: its home and its Codex home stay from one session to the next. */
export function agentFolders(
  around: Pick<SessionSurroundings, 'paths'>,
  id: string,
): { readonly home: string; readonly codex_home: string } {
  const folder = join(around.paths.agents, id.toLowerCase());
  return { home: join(folder, 'home'), codex_home: join(folder, 'codex') };
}

/** Everything before the container runs: workspace, files, startup script, container. Commits each as it is done. */
export async function prepareAttempt(context: LaunchContext): Promise<ChannelPaths> {
  const { around, signal } = context;
  const { agent, session_id, attempt, image_id } = context.state();
  const image = await requireImage(around.engine, agent.image, signal);
  if (image_id !== null && image_id !== image.id) {
    const text = `the image ${agent.image} is another one than in the attempt before: ${shortId(image.id)}, was ${shortId(image_id)}`;
    await context.commit({
      type: 'said',
      level: 'warning',
      text,
      data: { image_id: image.id, image_id_before: image_id },
    });
  }
  const ready = await prepareWorkspace(agent, {
    uid: around.user.uid,
    gid: around.user.gid,
    project_root: around.paths.root,
    signal,
    onProgress: (text) => around.log.info({ session_id, text }, 'workspace'),
    again: attempt > 1,
    agent_folders: around.agentFolders(session_id),
    onLeftoverRemoved: (path) => around.resources.closeNamed('folder', path, 'removed'),
    intend: async (path) => {
      const goes = stagedWorkspace(path) !== undefined;
      const entry = await around.resources.intend(
        goes ? { kind: 'folder', name: path, session_id } : toStay(path, session_id, 'workspace'),
      );
      return (outcome) =>
        outcome === 'kept' ? around.resources.kept(entry, 'workspace') : around.resources.closed(entry, outcome);
    },
  });
  await context.commit({ type: 'workspace_ready', branch: ready.branch, how: ready.kind, head: ready.head });

  const folders = agentFolders(around, agent.id);
  for (const path of [
    folders.home,
    join(folders.home, '.codex'),
    join(folders.home, 'workspace'),
    folders.codex_home,
    join(context.folder, 'images'),
  ]) {
    const make = (): Promise<void> => ownedFolder(path, around.user, around.caller_uid);
    const why = { [folders.home]: 'home of the agent', [folders.codex_home]: 'Codex home' }[path];
    // What lies in another folder of ours is booked with it.
    await (why === undefined ? make() : bookedToStay(around.resources, { name: path, session_id }, why, make));
  }
  await makeMountPoints(agent, folders.codex_home, around);
  const { fork, turns } = context.state();
  if (fork !== null && turns === 0) await giveThreads(sessionFiles(context.folder).forked, folders.codex_home, around);
  const paths = attemptFolder(context.folder, attempt);
  const secrets = await readSecrets(agent);
  const endpoint = context.state().rehearsal === null ? null : await around.rehearsal(signal);
  await writeAttemptFolder(paths, {
    agent,
    user: around.user,
    config_toml: configToml(agent, {
      model_key_names: secrets.model_key_names,
      ...(endpoint === null ? {} : { rehearsal: endpoint.provider(agent) }),
    }),
    known_hosts: agent.known_hosts === undefined ? '' : await readFile(agent.known_hosts, 'utf8'),
  });
  const network = await around.network(agent);
  const inputs: Omit<RequestInputs, 'stage' | 'io_folder'> = {
    project_key: around.paths.key,
    instance: around.instance,
    session_id,
    agent,
    attempt,
    branch: ready.branch,
    user: around.user,
    owner_uid: around.caller_uid,
    paths,
    home: folders.home,
    codex_home: folders.codex_home,
    network,
    images: join(context.folder, 'images'),
    extra_binds: endpoint?.binds ?? [],
  };
  await removeLeftovers(context);
  await settleFiles(around, session_id);
  if (agent.startup_script !== undefined) await runStartupScript(context, inputs, secrets);
  // A daemon that died here may have left half a channel; its container, if any, has just been removed.
  const { journal_folder, io_folder, in: pipe } = attemptPaths(paths.folder);
  for (const left of [journal_folder, io_folder]) await rm(left, { recursive: true, force: true });
  const channel = await booked(around.resources, { kind: 'folder', name: io_folder, session_id }, () =>
    booked(around.resources, { kind: 'fifo', name: pipe, session_id }, () =>
      prepareAttemptFiles(paths.folder, around.user),
    ),
  );
  const request = containerRequest({ ...inputs, io_folder: channel.io_folder, stage: 'codex' });
  const id = await createBooked(context, request);
  await context.commit({
    type: 'container_created',
    container_id: id,
    container_name: request.name,
    image_id: image.id,
  });
  return channel;
}

/** Mount points in the Codex home for what is mounted there, so that the engine does not have to make them as root. */
export async function makeMountPoints(
  agent: AgentSpec,
  codex_home: string,
  around: Pick<SessionSurroundings, 'user' | 'caller_uid'>,
): Promise<void> {
  const skills = (agent.commands?.length ?? 0) === 0 ? [] : [dirname(SKILLS_IN_CONTAINER), SKILLS_IN_CONTAINER];
  for (const { path, kind } of [
    ...GUARDED_PATHS,
    { path: `${IN_CONTAINER.codex_home}/config.toml`, kind: 'file' as const },
    ...skills.map((path) => ({ path, kind: 'folder' as const })),
  ]) {
    await mountPoint(join(codex_home, relative(IN_CONTAINER.codex_home, path)), kind, around.user, around.caller_uid);
  }
}

/** Containers of this attempt from a daemon that died between making one and writing it down. */
export async function removeLeftovers(context: Pick<LaunchContext, 'around' | 'state'>): Promise<void> {
  const { around } = context;
  const { session_id, attempt } = context.state();
  const found = await around.engine.list({
    [LABEL.project]: around.paths.key,
    [LABEL.session]: session_id,
    [LABEL.attempt]: String(attempt),
  });
  const left = new Set<string>();
  for (const container of found) if (!(await removeContainer(around, container))) left.add(container.name);
  // Booked by a daemon that died before it made them.
  for (const stage of ['startup', 'codex'] as const) {
    const name = containerName(session_id, attempt, stage);
    if (!left.has(name)) await closeContainer(around.resources, name, 'not made');
  }
}

async function createBooked(context: LaunchContext, request: ContainerRequest): Promise<string> {
  const { around, signal } = context;
  const entry = await around.resources.intend({
    kind: 'container',
    name: request.name,
    session_id: context.state().session_id,
    detail: { request: request.labels[LABEL.request] },
  });
  try {
    // Always awaited: what the engine makes after nobody listens any more would be found by nobody.
    const { id, warnings } = await around.engine.create(request);
    signal.throwIfAborted();
    await around.resources.opened(entry, { engine_id: id });
    for (const text of warnings) await context.commit({ type: 'said', level: 'warning', text: `engine: ${text}` });
    return id;
  } catch (failure) {
    // Made or not, we do not know: what carries our name and labels is taken away before the entry is closed.
    await removeLeftovers(context);
    throw failure;
  }
}

async function runStartupScript(
  context: LaunchContext,
  inputs: Omit<RequestInputs, 'stage' | 'io_folder'>,
  secrets: Secrets,
): Promise<void> {
  const { around, signal } = context;
  const { session_id, paths } = inputs;
  await removeStartup(around, paths);
  const pipe = await booked(around.resources, { kind: 'folder', name: paths.startup, session_id }, () =>
    booked(around.resources, { kind: 'fifo', name: attemptPaths(paths.startup).in, session_id }, () =>
      openBootstrapPipe(paths.startup, around.user),
    ),
  );
  const writer = await FifoWriter.open(pipe.in);
  const request = containerRequest({ ...inputs, io_folder: pipe.io_folder, stage: 'startup' });
  let id: string | undefined;
  try {
    id = await createBooked(context, request);
    await bookSecrets(around, { session_id, container: request.name }, secrets);
    for (const line of bootstrapLines(inputs.agent, secrets, 'startup')) await writer.write(line);
    await around.engine.start(id, { signal });
    const { exit_code } = await around.engine.wait(id, { signal, deadline_ms: STARTUP_SCRIPT_MS });
    const output = (await around.engine.logs(id, STARTUP_LOG_BYTES, { signal })).trim();
    await context.commit({
      type: 'said',
      level: exit_code === 0 ? 'note' : 'error',
      text: `startup script ended with exit status ${String(exit_code)}`,
      data: { exit_code, output },
    });
    if (exit_code !== 0) {
      throw new FilareError({
        code: 'bad_state',
        message: `the startup script of agent ${inputs.agent.id} ended with exit status ${String(exit_code)}${output === '' ? '' : `; its last words: ${lastLines(output)}`}`,
        hint: `its output is in the transcript: filare-agents tail ${inputs.session_id}`,
      });
    }
  } finally {
    await writer.close();
    if (id !== undefined) await removeContainer(around, { id, name: request.name });
    await removeStartup(around, paths);
  }
}

/** Removes the startup stage's pipe with its folder. */
export async function removeStartup(around: SessionSurroundings, paths: AttemptFolder): Promise<void> {
  await removeBooked(around.resources, 'folder', paths.startup);
  await around.resources.closeNamed('fifo', attemptPaths(paths.startup).in, 'removed');
}

/** As the engine's own commands print it. */
function shortId(image_id: string): string {
  return image_id.replace(/^sha256:/, '').slice(0, 12);
}

function lastLines(text: string): string {
  return text.split('\n').slice(-3).join(' | ').slice(-500);
}
