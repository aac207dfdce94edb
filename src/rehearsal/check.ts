import { z } from 'zod';
import type { ScriptSource } from './script-source.js';

/** Checks a value, notes all its mistakes in the source, and returns it typed, or undefined. */
export function check<Schema extends z.ZodType>(
  source: ScriptSource,
  schema: Schema,
  value: unknown,
  path: readonly PropertyKey[],
): z.infer<Schema> | undefined {
  if (source.mistakes.length > 0 && path.length === 0) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(schema, issue.path);
      for (const key of issue.keys) {
        const near = nearest(key, known);
        source.mistake(
          { path: [...path, ...issue.path], key },
          `unknown field \`${key}\`${near ? `; did you mean \`${near}\`?` : ''}`,
        );
      }
    } else {
      const spot = [...path, ...issue.path];
      const field = typeof spot.at(-1) === 'string' ? `\`${String(spot.at(-1))}\`: ` : '';
      source.mistake({ path: spot }, field + issue.message.replace(/^Invalid input: /, ''));
    }
  }
  return undefined;
}

function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let inner: unknown = schema;
  for (const key of path)
    inner = inner instanceof z.ZodObject ? (inner.shape as Record<PropertyKey, unknown>)[key] : undefined;
  while (inner instanceof z.ZodOptional) inner = inner.unwrap();
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The known word that is at most two letters away. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, distance: distance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  return best && best.distance <= Math.min(2, word.length - 1) ? best.candidate : undefined;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
