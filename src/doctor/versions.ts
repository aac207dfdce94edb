import { INPUTS_DIR } from '../image/inputs.js';
import { readVersions } from '../image/versions.js';

/** The version of Codex that this package is made for. */
export async function pinnedCodex(): Promise<string> {
  return (await readVersions(INPUTS_DIR)).packages.codex.version;
}
