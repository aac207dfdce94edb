import { accessSync, constants, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join } from 'node:path';

/**
 * Programs to try as `just`, the best first: the system's (of `PATH`), then the one of the npm package `rust-just`. Absolute paths; empty when there is
 * neither.
 */
export function findJust(env: Readonly<Record<string, string | undefined>>): string[] {
  const on_path = (env['PATH'] ?? '')
    .split(delimiter)
    // A relative folder of PATH would depend on where one stands.
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, 'just'))
    .find(isProgram);
  return [on_path, packagedJust()].filter((path) => path !== undefined);
}

/** `rust-just` itself is a shim in JavaScript; the program is in the package for this platform, which npm installs with it. */
function packagedJust(): string | undefined {
  try {
    const { resolve } = createRequire(import.meta.url);
    const program = join(dirname(resolve(`rust-just-${process.platform}-${process.arch}/package.json`)), 'bin', 'just');
    return isProgram(program) ? program : undefined;
  } catch {
    // Not installed: nothing more to try.
    return undefined;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
