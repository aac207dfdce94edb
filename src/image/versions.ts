import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const pinnedSchema = z.strictObject({ spec: z.string(), integrity: z.string().startsWith('sha512-').optional() });
const packageSchema = z.strictObject({ version: z.string(), x64: pinnedSchema, arm64: pinnedSchema });
const versionsSchema = z.strictObject({
  base: z.string(),
  suite: z.string(),
  packages: z.strictObject({ codex: packageSchema, node: packageSchema, npm: packageSchema, just: packageSchema }),
});

/** What the image is made of: `docker/versions.json`. */
export type Versions = z.infer<typeof versionsSchema>;

/** One npm package, exact to the version, and the hash of its archive where it is known. */
export type PinnedPackage = z.infer<typeof pinnedSchema>;

/** The names of the packages that npm brings. */
export const PACKAGE_NAMES = ['codex', 'node', 'npm', 'just'] as const;

/** One of the packages that npm brings. */
export type PackageName = (typeof PACKAGE_NAMES)[number];

/** Processor families an image can be made for, as npm names them. */
export type Architecture = 'x64' | 'arm64';

/** Reads `versions.json` of the folder with the image's inputs. A broken file is a broken installation and throws as it is. */
export async function readVersions(inputsDir: string): Promise<Versions> {
  return versionsSchema.parse(JSON.parse(await readFile(join(inputsDir, 'versions.json'), 'utf8')));
}

/** The engine's word for its processor as npm's; `undefined` when no image can be made for it. */
export function architectureOf(engineWord: string): Architecture | undefined {
  if (['x86_64', 'amd64', 'x64'].includes(engineWord)) return 'x64';
  if (['aarch64', 'arm64'].includes(engineWord)) return 'arm64';
  return undefined;
}
