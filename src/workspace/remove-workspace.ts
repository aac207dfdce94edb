import { randomBytes } from 'node:crypto';
import { realpath, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AGENT_NAME } from '../contract/agent-name.js';
import { FilareError } from '../contract/errors.js';
import { projectPaths } from '../contract/project.js';
import { OpenFolder } from './open-folder.js';
import { refuseMountsBelow, removeTree } from './remove-tree.js';
import { asWorkspaceFailure, unlessMissing } from './system-error.js';

const GONE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}\.filare-gone-[0-9a-f]{16}$/;

/**
 * Removes the workspace of an agent, for cleanup, after its container is gone. Only a folder directly in the project's
 * `.filare/workspaces` is ever touched; anything else is refused (`workspace`). It is renamed first, so that a removal cut short never
 * leaves half a workspace to be taken for a whole one; what an earlier removal left is finished on the way.
 */
export async function removeWorkspace(
  path: string,
  options: { readonly project_root: string },
): Promise<'removed' | 'gone'> {
  const { workspaces: home } = projectPaths(await realpath(options.project_root), '');
  const workspaces = await unlessMissing(realpath(home));
  const name = basename(resolve(path));
  const parent = await unlessMissing(realpath(dirname(resolve(path))));
  if (!AGENT_NAME.test(name) || parent !== workspaces) throw outside(path, home);
  if (workspaces === undefined) return 'gone';
  try {
    await using folder = await OpenFolder.open(workspaces);
    const found = await unlessMissing(folder.look(name));
    if (found !== undefined) {
      await refuseMountsBelow(join(workspaces, name));
      await rename(folder.entry(name), folder.entry(`${name}.filare-gone-${randomBytes(8).toString('hex')}`));
    }
    for (const entry of await folder.names()) {
      const gone = entry.toString();
      if (GONE_NAME.test(gone) && gone.startsWith(`${name}.`)) await removeTree(folder, gone, join(workspaces, gone));
    }
    return found === undefined ? 'gone' : 'removed';
  } catch (error) {
    throw asWorkspaceFailure(error, 'removing the workspace', path);
  }
}

function outside(path: string, workspaces: string): FilareError {
  return new FilareError({
    code: 'workspace',
    message: `${path} is not removed: only the folders in ${workspaces} are`,
    hint: 'a workspace that the manifest names is yours: remove it yourself when you no longer need it',
    details: { path },
  });
}
