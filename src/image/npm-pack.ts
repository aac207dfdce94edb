import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FilareError } from '../contract/errors.js';
import { runProgram } from './run-program.js';
import { PACKAGE_NAMES } from './versions.js';
import type { Architecture, PackageName, PinnedPackage, Versions } from './versions.js';

/** Deadline of the download of one package, in milliseconds. */
export const NPM_PACK_MS = 900_000;

/** Where downloaded packages are kept: `$XDG_CACHE_HOME/filare-agents/npm-pack`. */
export function packCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheRoot(env), 'npm-pack');
}

/** The product's own cache folder by the XDG rules. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const given = env['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(given) ? given : join(homedir(), '.cache'), 'filare-agents');
}

/** How to tell what is done, and how to end it. */
export interface PackOptions {
  readonly onLine: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The archives of all packages, one after another; see {@link packedArchive}. */
export async function packedArchives(
  versions: Versions,
  architecture: Architecture,
  cacheDir: string,
  options: PackOptions,
): Promise<Record<PackageName, string>> {
  const archives: Record<PackageName, string> = { codex: '', node: '', npm: '', just: '' };
  for (const name of PACKAGE_NAMES) {
    archives[name] = await packedArchive(versions.packages[name][architecture], cacheDir, options);
  }
  return archives;
}

/**
 * The archive of a package in the cache, brought by the user's own npm (its registry, its certificates) when it is not there or is not what is
 * pinned. Where the hash is not pinned, npm's own check of what it downloads stands.
 */
export async function packedArchive(pinned: PinnedPackage, cacheDir: string, options: PackOptions): Promise<string> {
  const archive = join(cacheDir, `${pinned.spec.replace(/[^A-Za-z0-9.@-]+/g, '-')}.tgz`);
  if ((await exists(archive)) && (await matches(archive, pinned.integrity))) return archive;
  await mkdir(cacheDir, { recursive: true });
  const arriving = await mkdtemp(join(cacheDir, 'arriving-'));
  try {
    options.onLine(`npm pack ${pinned.spec}`);
    await runProgram({
      program: 'npm',
      args: ['pack', pinned.spec, '--pack-destination', arriving, '--ignore-scripts', '--loglevel=error'],
      cwd: arriving,
      deadline_ms: NPM_PACK_MS,
      signal: options.signal,
    }).catch((error: unknown) => {
      throw withHint(error, pinned.spec);
    });
    const [file] = (await readdir(arriving)).filter((name) => name.endsWith('.tgz'));
    if (file === undefined || !(await matches(join(arriving, file), pinned.integrity))) {
      throw new FilareError({
        code: 'image_unavailable',
        message: `npm brought another archive for ${pinned.spec} than the one this version of filare-agents was made with`,
        hint: 'Look at which registry npm uses (npm config get registry): it serves a changed package.',
      });
    }
    await rename(join(arriving, file), archive);
    return archive;
  } finally {
    await rm(arriving, { recursive: true, force: true });
  }
}

function withHint(error: unknown, spec: string): unknown {
  if (!(error instanceof FilareError) || error.code !== 'image_unavailable') return error;
  return new FilareError({
    code: error.code,
    message: `the image needs ${spec} from the npm registry: ${error.message}`,
    hint: `Make this work first: npm pack ${spec} --dry-run`,
    details: error.details,
    cause: error,
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function matches(path: string, integrity: string | undefined): Promise<boolean> {
  if (integrity === undefined) return true;
  const hash = createHash('sha512');
  await pipeline(createReadStream(path), hash);
  return `sha512-${hash.digest('base64')}` === integrity;
}
