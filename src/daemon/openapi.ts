import { z } from 'zod';
import { API_VERSION, ROUTES, STREAMS } from '../contract/api.js';

/** The control API as an OpenAPI 3.1 document, from the route table. The committed copy is docs/openapi.json. */
export function openApiDocument(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, route] of Object.entries(ROUTES)) {
    const at = (paths[openApiPath(route.path)] ??= {});
    at[route.method.toLowerCase()] = operation(name, route);
  }
  for (const [name, stream] of Object.entries(STREAMS)) {
    const at = (paths[openApiPath(stream.path)] ??= {});
    at[stream.method.toLowerCase()] ??= {
      operationId: name,
      summary: 'a stream or document; see docs/api.md',
      responses: { '200': { description: 'ok' } },
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'filare-agents control API', version: String(API_VERSION) },
    paths,
  };
}

function operation(
  name: string,
  route: {
    readonly params?: z.ZodType;
    readonly query?: z.ZodType;
    readonly body?: z.ZodType;
    readonly response: z.ZodType;
  },
): unknown {
  return {
    operationId: name,
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body, 'input') } } },
        }),
    responses: {
      '200': { description: 'ok', content: { 'application/json': { schema: schemaOf(route.response, 'output') } } },
      default: { description: 'a failure: {error: {code, message, hint?, details?}}' },
    },
  };
}

function parameters(schema: z.ZodType | undefined, where: 'path' | 'query'): unknown[] {
  if (schema === undefined) return [];
  const json = schemaOf(schema, 'input');
  const properties = isObject(json['properties']) ? json['properties'] : {};
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path',
    schema: property,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<
    string,
    unknown
  >;
  return json;
}

function openApiPath(path: string): string {
  return path.replaceAll(/:([a-z]+)/g, '{$1}');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
