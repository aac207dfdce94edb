import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TOOLS, type ToolDefinition } from '../../src/contract/tools.js';

it('the table of docs/mcp.md is that of the contract', () => {
  const cells = readFileSync('docs/mcp.md', 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, name]) => /^`[a-z_]+`$/.test(name ?? ''))
    .map(([, ...row]) => row.slice(0, 4));
  const expected = Object.entries<ToolDefinition>(TOOLS).map(([name, { input, changes, description }]) => [
    `\`${name}\``,
    Object.entries(input.shape)
      .map(([field, schema]) => `\`${field}${isOptional(schema) ? '?' : ''}\``)
      .join(', '),
    changes ? 'yes' : 'no',
    description,
  ]);
  expect(cells).toEqual(expected);
});

function isOptional(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'optional';
}
