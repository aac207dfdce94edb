import type { ActionCategory } from '../contract/agent-spec.js';
import { isOutside } from './container-place.js';
import type { Subject } from './subject.js';

type Fields = Readonly<Record<string, unknown>>;

/** What more permissions an agent asks for; `understood` is false where any of it is in a shape that this version does not know. */
export function permissionsSubject(permissions: unknown, cwd: string): Extract<Subject, { type: 'permissions' }> {
  const categories: ActionCategory[] = [];
  let understood = isRecord(permissions);
  for (const [name, value] of isRecord(permissions) ? Object.entries(permissions) : []) {
    if (value === null || value === undefined) continue;
    if (name === 'network') {
      if (!isRecord(value) || Object.keys(value).some((key) => key !== 'enabled')) understood = false;
      if (!isRecord(value) || value['enabled'] !== false) categories.push('network');
    } else if (name === 'fileSystem') {
      const paths = pathsOf(value);
      if (paths === null) understood = false;
      if (paths === null || paths.some((path) => isOutside(path, cwd))) categories.push('outside_workspace');
    } else {
      understood = false;
    }
  }
  return { type: 'permissions', categories, understood };
}

/** Every path that is named; null where one is not a path, or is a special one. */
function pathsOf(files: unknown): string[] | null {
  if (!isRecord(files)) return null;
  const paths: string[] = [];
  for (const [name, value] of Object.entries(files)) {
    if (value === null || value === undefined || name === 'globScanMaxDepth') continue;
    if (!['read', 'write', 'entries'].includes(name) || !Array.isArray(value)) return null;
    for (const one of value as readonly unknown[]) {
      const path = name === 'entries' ? entryPath(one) : one;
      if (typeof path !== 'string') return null;
      paths.push(path);
    }
  }
  return paths;
}

function entryPath(entry: unknown): unknown {
  const path = isRecord(entry) ? entry['path'] : null;
  return isRecord(path) && path['type'] === 'path' ? path['path'] : null;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
