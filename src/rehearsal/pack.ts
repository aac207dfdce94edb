import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FilareError } from '../contract/errors.js';
import type { Plan } from './plan.js';

/** The server's files: they import each other and Node's own modules, nothing else. */
export const SERVER_FILES = [
  'main.js',
  'server.js',
  'perform.js',
  'response-stream.js',
  'request-body.js',
  'conversation.js',
  'cue.js',
  'tool-call.js',
  'template.js',
  'tally.js',
  'plan.js',
] as const;

/**
 * Fills a folder with all that a container with plain Node 20 needs to play a plan: the server, `package.json` (so that Node reads ES
 * modules) and `script.json`. Mounted read-only at /rehearsal, it is started with
 * `node /rehearsal/main.js --script /rehearsal/script.json --port 8080 --host 0.0.0.0`.
 * Every file is readable for all users, whatever the umask, because the container's user is another one. `compiled` is the folder of the compiled room. Throws `unexpected` if the product has not been built.
 */
export async function packRehearsal(folder: string, plan: Plan, compiled = compiledRoom()): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const file of SERVER_FILES) {
    await copyFile(join(compiled, file), join(folder, file)).catch((cause: unknown) => {
      const hint = 'Build the product first: npm run build.';
      throw new FilareError({
        code: 'unexpected',
        message: `cannot copy ${file} of the rehearsal server to ${folder}`,
        hint,
        cause,
      });
    });
  }
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ type: 'module', private: true })}\n`);
  await writeFile(join(folder, 'script.json'), `${JSON.stringify(plan)}\n`);
  for (const file of [...SERVER_FILES, 'package.json', 'script.json']) await chmod(join(folder, file), 0o644);
  await chmod(folder, 0o755);
}

/** This file's folder when it runs compiled; in a source tree, where the build puts it. */
function compiledRoom(): string {
  return fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../dist/rehearsal/' : './', import.meta.url));
}
