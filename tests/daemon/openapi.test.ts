import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ROUTES, STREAMS } from '../../src/contract/api.js';
import { openApiDocument } from '../../src/daemon/openapi.js';

describe('the OpenAPI document', () => {
  it('is the committed one (after a change: npm run documents)', async () => {
    const committed: unknown = JSON.parse(await readFile(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
    expect(JSON.parse(JSON.stringify(openApiDocument()))).toEqual(committed);
  });

  it('has every route of the table', () => {
    const paths = openApiDocument()['paths'] as Record<string, Record<string, unknown>>;
    for (const route of [...Object.values(ROUTES), ...Object.values(STREAMS)]) {
      const path = route.path.replaceAll(/:([a-z]+)/g, '{$1}');
      expect(Object.keys(paths[path] ?? {}), path).toContain(route.method.toLowerCase());
    }
  });
});
