import { z } from 'zod';
import { FilareError } from '../contract/errors.js';
import { TOOLS, type ToolDefinition, type ToolName } from '../contract/tools.js';

/** Most mistakes that are said at once. */
const MAX_MISTAKES = 10;

/** The arguments as the tool's schema takes them; anything else is `usage` with every mistake and what was expected. */
export function checkArguments(tool: ToolName, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { input }: ToolDefinition = TOOLS[tool];
  const checked = input.safeParse(given);
  if (checked.success) return checked.data;
  const mistakes = checked.error.issues
    .slice(0, MAX_MISTAKES)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`));
  throw new FilareError({
    code: 'usage',
    message: `the arguments of ${tool} are not as they should be: ${mistakes.join('; ')}`,
    hint: `${tool} takes ${expected(input)}`,
  });
}

function expected(input: ToolDefinition['input']): string {
  const { properties = {}, required = [] } = z.toJSONSchema(input, { io: 'input' });
  const fields = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name} (optional)`));
  return fields.length === 0 ? 'no arguments' : fields.join(', ');
}
