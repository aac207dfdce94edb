import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FilareError } from '../contract/errors.js';
import type { Findings } from './diagnostic.js';
import { codeOf, realPlace, statIfThere } from './real-place.js';
import { sourceText } from './source-text.js';

/** Where a project keeps manifests, in the order in which they are read. */
export const MANIFEST_FOLDERS = [
  { folder: 'configs/agents', ending: /\.(ya?ml|json)$/ },
  { folder: 'agents/manifest', ending: /\.ya?ml$/ },
] as const;

/** Files of one load, at most. */
export const MAX_FILES = 1000;

const ANY_MANIFEST = /\.(ya?ml|json)$/;

/**
 * The manifests to read, absolute, each once: those named (a folder stands for the manifests in it), or else all of the project. Fails with
 * `usage` when nothing was named and the project has none; a name that leads nowhere is a mistake beside the others.
 */
export function findManifests(
  paths: readonly string[] | undefined,
  around: { readonly project_root: string; readonly cwd: string },
  findings: Findings,
): string[] {
  const files =
    paths === undefined || paths.length === 0
      ? ofProject(around.project_root)
      : paths.flatMap((path) => ofPath(resolve(around.cwd, path), findings));
  const once = [...new Map(files.map((file) => [realPlaceOrSame(file), file])).values()];
  if (once.length <= MAX_FILES) return once;
  throw new FilareError({
    code: 'usage',
    message: `${once.length} manifests are more than the ${MAX_FILES} that are read at once`,
    hint: 'name fewer',
  });
}

function ofProject(root: string): string[] {
  const files = MANIFEST_FOLDERS.flatMap(({ folder, ending }) => inFolder(join(root, folder), ending));
  if (files.length > 0) return files;
  const looked_in = [join(root, 'configs/agents/*.{yml,yaml,json}'), join(root, 'agents/manifest/*.{yml,yaml}')];
  throw new FilareError({
    code: 'usage',
    message: `no manifest found; looked for ${looked_in.join(' and ')}`,
    hint: 'begin with a file configs/agents/first.yml that holds "id: first" and "role: FEATURE", or name the manifest: filare-agents up PATH',
    details: { looked_in },
  });
}

function ofPath(path: string, findings: Findings): string[] {
  const say = (message: string, hint: string): string[] => {
    findings.mistake({ source: sourceText(path, ''), offset: undefined }, { message, hint });
    return [];
  };
  try {
    const stats = statIfThere(path);
    if (stats === undefined) return say('there is no such manifest', 'name a manifest, or a folder of manifests');
    if (!stats.isDirectory()) return [path];
    const files = inFolder(path, ANY_MANIFEST);
    return files.length > 0
      ? files
      : say('there is no manifest in this folder', 'manifests end in .yml, .yaml or .json');
  } catch (error) {
    return say(`cannot be looked at (${codeOf(error) ?? 'unknown failure'})`, 'look at its owner and mode with ls -ld');
  }
}

function inFolder(folder: string, ending: RegExp): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw new FilareError({
      code: 'usage',
      message: `the folder ${folder} cannot be read (${codeOf(error) ?? 'unknown failure'})`,
      hint: 'look at its owner and mode with ls -ld',
      cause: error,
    });
  }
  return names
    .filter((name) => ending.test(name) && !name.startsWith('.'))
    .sort()
    .map((name) => join(folder, name));
}

function realPlaceOrSame(file: string): string {
  try {
    return realPlace(file);
  } catch {
    return file;
  }
}
