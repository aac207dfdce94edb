import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { AgentSpec } from '../contract/agent-spec.js';

/** A larger file is no manifest that was ever loaded. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/** Says whether manifests are what they were when agents were read from them. A file is read again only when its size or time has changed. */
export class ManifestFiles {
  readonly #seen = new Map<string, { readonly stamp: string; readonly sha256: string | null }>();

  /** True when the file is gone, or holds anything else than it did. False for an agent that came from no file. Never throws. */
  changed(source: AgentSpec['source']): boolean {
    return source.sha256 !== '' && this.#sha256(source.file) !== source.sha256;
  }

  #sha256(file: string): string | null {
    try {
      const { mtimeMs, size, ino } = statSync(file);
      const stamp = `${String(ino)} ${String(size)} ${String(mtimeMs)}`;
      const seen = this.#seen.get(file);
      if (seen?.stamp === stamp) return seen.sha256;
      const sha256 = size > MAX_MANIFEST_BYTES ? null : createHash('sha256').update(readFileSync(file)).digest('hex');
      this.#seen.set(file, { stamp, sha256 });
      return sha256;
    } catch {
      this.#seen.delete(file);
      return null;
    }
  }
}
