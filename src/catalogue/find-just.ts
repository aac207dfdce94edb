import { accessSync, constants, realpathSync, statSync } from 'node:fs';
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
  const found = on_path === undefined ? undefined : (behindShim(on_path) ?? on_path);
  return [...new Set([found, packagedJust(import.meta.url)])].filter((path) => path !== undefined);
}

/** The program itself where `path` is the shim in JavaScript that the npm package puts there: the shim does not hand on every argument as it is. */
function behindShim(path: string): string | undefined {
  const real = realpathSync(path);
  return real.endsWith(join('rust-just', 'lib', 'index.mjs')) ? packagedJust(real) : undefined;
}

/** The program is in the package for this platform, which npm installs with `rust-just`; `from` is where it is looked for. */
function packagedJust(from: string): string | undefined {
  try {
    const { resolve } = createRequire(from);
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
