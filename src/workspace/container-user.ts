/** Who the container's processes are; both numeric, never 0. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
}

/** User and group that a container gets when root starts it. */
const UNPRIVILEGED_ID = 1000;

/**
 * The user of the agent's container: the caller, so that the files an agent makes belong to the person who started it. A root caller gets
 * 1000:1000, and a caller whose group is root's gets a group of the caller's own number: nothing in a container runs as 0.
 */
export function containerUser(caller: ContainerUser = processUser()): ContainerUser {
  if (caller.uid === 0) return { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID };
  return { uid: caller.uid, gid: caller.gid === 0 ? caller.uid : caller.gid };
}

/** Whether this process is root's, and so gives away what it seeds. */
export function isRootCaller(): boolean {
  return processUser().uid === 0;
}

function processUser(): ContainerUser {
  if (process.geteuid === undefined || process.getegid === undefined) throw new Error('this system has no user ids');
  return { uid: process.geteuid(), gid: process.getegid() };
}
