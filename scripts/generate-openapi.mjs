// Writes docs/openapi.json from the route table of the built product. tests/daemon/openapi.test.ts fails while it is stale.
import { writeFileSync } from 'node:fs';

const { openApiDocument } = await import(new URL('../dist/daemon/openapi.js', import.meta.url).href);
writeFileSync(new URL('../docs/openapi.json', import.meta.url), `${JSON.stringify(openApiDocument(), null, 2)}\n`);
