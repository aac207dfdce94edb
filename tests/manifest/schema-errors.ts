import { z } from 'zod';

const record = z.record(z.string(), z.unknown());
const list = z.array(z.unknown());

/** Keywords that say nothing about a value. */
const SILENT = new Set(['$schema', '$defs', 'title', 'description', 'examples', 'default']);

/**
 * What a JSON Schema has against a value, as an editor sees it: a small reading of 2020-12, made from its text and not from zod. Throws on a
 * keyword that it does not know, so that nothing of our schema goes unread.
 */
export function schemaErrors(schema: unknown, value: unknown, root: unknown = schema, path = '$'): string[] {
  if (schema === true) return [];
  if (schema === false) return [`${path}: not allowed`];
  return Object.entries(record.parse(schema)).flatMap(([keyword, wanted]) =>
    SILENT.has(keyword) ? [] : keywordErrors(keyword, wanted, record.parse(schema), value, root, path),
  );
}

function keywordErrors(
  keyword: string,
  wanted: unknown,
  schema: Record<string, unknown>,
  value: unknown,
  root: unknown,
  path: string,
): string[] {
  const fails = (bad: boolean): string[] => (bad ? [`${path}: ${keyword} ${JSON.stringify(wanted)}`] : []);
  const object = typeof value === 'object' && value !== null && !Array.isArray(value) ? record.parse(value) : undefined;
  const array = Array.isArray(value) ? list.parse(value) : undefined;
  switch (keyword) {
    case '$ref': {
      const name = z.string().startsWith('#/$defs/').parse(wanted).slice('#/$defs/'.length);
      return schemaErrors(record.parse(record.parse(root)['$defs'])[name], value, root, path);
    }
    case 'type':
      return fails(![wanted].flat().some((type) => isOfType(value, type)));
    case 'enum':
      return fails(!list.parse(wanted).includes(value));
    case 'const':
      return fails(value !== wanted);
    case 'anyOf':
      return fails(!list.parse(wanted).some((option) => schemaErrors(option, value, root, path).length === 0));
    case 'oneOf':
      return fails(
        list.parse(wanted).filter((option) => schemaErrors(option, value, root, path).length === 0).length !== 1,
      );
    case 'dependentRequired':
      return Object.entries(record.parse(wanted)).flatMap(([key, needed]) =>
        fails(
          object !== undefined &&
            Object.hasOwn(object, key) &&
            !list.parse(needed).every((other) => Object.hasOwn(object, String(other))),
        ),
      );
    case 'allOf':
      return list.parse(wanted).flatMap((part) => schemaErrors(part, value, root, path));
    case 'properties':
      return Object.entries(record.parse(wanted)).flatMap(([key, part]) =>
        object !== undefined && Object.hasOwn(object, key)
          ? schemaErrors(part, object[key], root, `${path}.${key}`)
          : [],
      );
    case 'required':
      return object === undefined ? [] : fails(!list.parse(wanted).every((key) => Object.hasOwn(object, String(key))));
    case 'additionalProperties': {
      const known = Object.keys(record.parse(schema['properties'] ?? {}));
      const others = Object.entries(object ?? {}).filter(([key]) => !known.includes(key));
      return others.flatMap(([key, part]) => schemaErrors(wanted, part, root, `${path}.${key}`));
    }
    case 'propertyNames':
      return Object.keys(object ?? {}).flatMap((key) => schemaErrors(wanted, key, root, `${path}.${key}`));
    case 'items':
      return (array ?? []).flatMap((item, index) => schemaErrors(wanted, item, root, `${path}[${index}]`));
    case 'minItems':
      return fails(array !== undefined && array.length < Number(wanted));
    case 'minProperties':
      return fails(object !== undefined && Object.keys(object).length < Number(wanted));
    case 'maxProperties':
      return fails(object !== undefined && Object.keys(object).length > Number(wanted));
    case 'minLength':
      return fails(typeof value === 'string' && value.length < Number(wanted));
    case 'pattern':
      return fails(typeof value === 'string' && !new RegExp(String(wanted), 'u').test(value));
    case 'minimum':
      return fails(typeof value === 'number' && value < Number(wanted));
    case 'maximum':
      return fails(typeof value === 'number' && value > Number(wanted));
    case 'exclusiveMinimum':
      return fails(typeof value === 'number' && value <= Number(wanted));
    default:
      throw new Error(`the test does not know the keyword ${keyword}`);
  }
}

function isOfType(value: unknown, type: unknown): boolean {
  switch (type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
