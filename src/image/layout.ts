import { posix } from 'node:path';
import type { PackageName } from './versions.js';

/** Name of the Dockerfile, here and in the context. */
export const DOCKERFILE = 'Dockerfile.codex';

/** Files of the inputs folder that go into the image as they are. */
export const INPUT_FILES: readonly { readonly input: string; readonly path: string; readonly mode: number }[] = [
  { input: 'entry.sh', path: 'usr/local/bin/filare-entry', mode: 0o755 },
  { input: 'filare-ssh', path: 'usr/local/bin/filare-ssh', mode: 0o755 },
  { input: 'gitconfig', path: 'usr/local/share/filare/gitconfig', mode: 0o644 },
  { input: 'gitconfig', path: 'etc/gitconfig', mode: 0o644 },
  { input: 'ssh_config', path: 'etc/ssh/ssh_config.d/filare.conf', mode: 0o644 },
  { input: 'npmrc', path: 'usr/local/etc/npmrc', mode: 0o644 },
];

/** Files that are there to be mounted over. */
export const EMPTY_FILES: readonly string[] = ['etc/ssh/ssh_known_hosts'];

/** Symbolic links: path in the image, and what it says. */
export const LINKS: readonly { readonly path: string; readonly target: string }[] = [
  { path: 'usr/local/bin/codex', target: '/opt/codex/bin/codex' },
  { path: 'usr/local/bin/bwrap', target: '/opt/codex/codex-resources/bwrap' },
  { path: 'usr/local/bin/rg', target: '/opt/codex/codex-path/rg' },
  { path: 'usr/local/bin/fd', target: '/usr/bin/fdfind' },
  { path: 'usr/local/bin/npm', target: '../lib/node_modules/npm/bin/npm-cli.js' },
  { path: 'usr/local/bin/npx', target: '../lib/node_modules/npm/bin/npx-cli.js' },
];

const RULES: readonly {
  readonly from: PackageName;
  readonly match: RegExp;
  readonly to: string;
  readonly mode?: number;
}[] = [
  // Executable but not readable: such a program is not dumpable, and its environment and descriptors stay its own.
  { from: 'codex', match: /^package\/vendor\/[^/]+\/bin\/(.+)$/, to: 'opt/codex/bin/', mode: 0o711 },
  { from: 'codex', match: /^package\/vendor\/[^/]+\/((?!bin\/|(?:.*\/)?voice\/).+)$/, to: 'opt/codex/' },
  { from: 'node', match: /^package\/bin\/(node)$/, to: 'usr/local/bin/', mode: 0o755 },
  { from: 'npm', match: /^package\/((?!docs\/|man\/).+)$/, to: 'usr/local/lib/node_modules/npm/' },
  { from: 'just', match: /^package\/bin\/(just)$/, to: 'usr/local/bin/', mode: 0o755 },
];

/** Where a file of a package goes, with which mode; `undefined` for what stays out or would leave its place. */
export function placeOf(
  from: PackageName,
  archivePath: string,
  archiveMode: number,
): { readonly path: string; readonly mode: number } | undefined {
  for (const rule of RULES) {
    const rest = rule.from === from ? rule.match.exec(archivePath)?.[1] : undefined;
    if (rest === undefined) continue;
    const path = posix.normalize(rule.to + rest);
    if (!path.startsWith(rule.to)) return undefined;
    return { path, mode: rule.mode ?? ((archiveMode & 0o100) === 0 ? 0o644 : 0o755) };
  }
  return undefined;
}

/** All rules above as text, for the hash of the inputs: another layout is another image. */
export function layoutText(): string {
  return JSON.stringify([
    INPUT_FILES,
    EMPTY_FILES,
    LINKS,
    RULES.map((rule) => [rule.from, rule.match.source, rule.to, rule.mode ?? 0]),
  ]);
}
