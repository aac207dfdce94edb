import type { Surroundings } from './agent-draft.js';
import { Findings } from './diagnostic.js';
import { valueAt } from './located.js';
import { findManifests } from './manifest-files.js';
import { declaredAgents } from './manifest-shape.js';
import { parseYaml } from './parse-yaml.js';
import { readText } from './read-text.js';
import { sourceText } from './source-text.js';

/** The ids that the project's manifests give, in their order, for who only offers them: nothing else is checked, and what cannot be read is passed over. */
export function declaredIds(around: Pick<Surroundings, 'project_root' | 'cwd'>): string[] {
  const findings = new Findings();
  const ids = findManifests(undefined, around, findings).flatMap((file) => {
    const read = readText(file);
    const manifest = 'refusal' in read ? undefined : parseYaml(sourceText(file, read.text), findings);
    const agents = manifest === undefined ? [] : declaredAgents(manifest, findings);
    return agents.flatMap(({ own }) => {
      const id = valueAt(own, ['id']);
      return id?.kind === 'scalar' && typeof id.value === 'string' ? [id.value] : [];
    });
  });
  return [...new Set(ids)];
}
