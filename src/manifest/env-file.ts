import { readFile } from 'node:fs/promises';
import { parse } from 'dotenv';

/** The variables of an env file, and which of them are model keys. */
export async function readEnvFile(
  path: string,
  _codex_config: Readonly<Record<string, unknown>>,
): Promise<{ readonly variables: Readonly<Record<string, string>>; readonly model_key_names: readonly string[] }> {
  const variables = parse(await readFile(path, 'utf8'));
  return { variables, model_key_names: Object.keys(variables).filter((name) => name === 'OPENAI_API_KEY' || name === 'CODEX_API_KEY') };
}
