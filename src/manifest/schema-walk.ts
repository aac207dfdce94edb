import { z } from 'zod';
import { agentFieldsSchema } from './agent-fields.js';
import type { Path } from './located.js';

/** What is expected at a path of an agent (or of what `root` describes), in words; undefined where nothing is said. */
export function expectedAt(path: Path, root: z.ZodType = agentFieldsSchema): string | undefined {
  for (const schema of schemasAt(path, root)) {
    for (let layer: z.ZodType | undefined = schema; layer !== undefined; layer = inside(layer)) {
      const expected = layer.meta()?.['expected'];
      if (typeof expected === 'string') return expected;
    }
  }
  return undefined;
}

/** The fields that a mapping at a path of an agent (or of what `root` describes) may have; empty where it is free or no mapping. */
export function fieldsAt(path: Path, root: z.ZodType = agentFieldsSchema): string[] {
  return schemasAt(path, root).flatMap((schema) => mappings(schema).flatMap((mapping) => Object.keys(mapping.shape)));
}

/** Every field of an agent by its dotted path, lists left out (`mounts.source`). */
export function allFieldPaths(): string[] {
  return pathsBelow(agentFieldsSchema, '');
}

function pathsBelow(schema: z.ZodType, prefix: string): string[] {
  return mappings(schema).flatMap((mapping) =>
    Object.entries(mapping.shape).flatMap(([name, field]) => {
      const path = prefix === '' ? name : `${prefix}.${name}`;
      return [path, ...(isType(field) ? pathsBelow(field, path) : [])];
    }),
  );
}

function schemasAt(path: Path, root: z.ZodType): z.ZodType[] {
  return path.reduce<z.ZodType[]>((found, step) => found.flatMap((schema) => oneStep(schema, step)), [root]);
}

function oneStep(schema: z.ZodType, step: string | number): z.ZodType[] {
  return bare(schema).flatMap((option) => {
    if (option instanceof z.ZodArray && typeof step === 'number') return isType(option.element) ? [option.element] : [];
    if (option instanceof z.ZodRecord) return isType(option.valueType) ? [option.valueType] : [];
    const field: unknown = option instanceof z.ZodObject ? option.shape[step] : undefined;
    return isType(field) ? [field] : [];
  });
}

/** The mappings that a schema takes, through lists too. */
function mappings(schema: z.ZodType): z.ZodObject[] {
  return bare(schema).flatMap((option) => {
    if (option instanceof z.ZodObject) return [option];
    return option instanceof z.ZodArray && isType(option.element) ? mappings(option.element) : [];
  });
}

/** What a schema takes, without the wrappers around it. */
function bare(schema: z.ZodType): z.ZodType[] {
  if (schema instanceof z.ZodUnion) return schema.options.filter(isType).flatMap(bare);
  const within = inside(schema);
  return within === undefined ? [schema] : bare(within);
}

function inside(schema: z.ZodType): z.ZodType | undefined {
  const within: unknown =
    schema instanceof z.ZodOptional ? schema.unwrap() : schema instanceof z.ZodPipe ? schema.in : undefined;
  return isType(within) ? within : undefined;
}

function isType(value: unknown): value is z.ZodType {
  return value instanceof z.ZodType;
}
