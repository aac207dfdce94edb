import { lchown } from 'node:fs/promises';
import type { ContainerUser } from './container-user.js';
import { OpenFolder } from './open-folder.js';
import { throwIfInterrupted } from './system-error.js';

/** Gives a folder and all that is in it to the container's user. Links are given away themselves, never what they point to. */
export async function giveOwnership(path: string, user: ContainerUser, signal: AbortSignal): Promise<void> {
  await using folder = await OpenFolder.open(path);
  await giveContents(folder, user, signal);
  await lchown(path, user.uid, user.gid);
}

async function giveContents(folder: OpenFolder, user: ContainerUser, signal: AbortSignal): Promise<void> {
  for (const name of await folder.names()) {
    throwIfInterrupted(signal);
    if ((await folder.look(name)).isDirectory()) {
      await using inner = await folder.folder(name);
      await giveContents(inner, user, signal);
    }
    await lchown(folder.entry(name), user.uid, user.gid);
  }
}
