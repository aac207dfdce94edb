import { Hono, type Context } from 'hono';
import type { z } from 'zod';
import { ROUTES } from '../contract/api.js';
import { asFilareError, FilareError, HTTP_STATUS } from '../contract/errors.js';
import type { Logger } from 'pino';
import { refuseOtherVersion, type Handlers } from './handlers.js';
import { openApiDocument } from './openapi.js';

/** Header in which a client names the version of the API that it speaks. */
export const VERSION_HEADER = 'filare-api';
/** Header in which a client says who acts: `operator`, an orchestrator's id. */
export const BY_HEADER = 'filare-by';
const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** Open to clients of every version: how they find out which daemon this is, and have it leave. */
const ANY_VERSION: ReadonlySet<keyof typeof ROUTES> = new Set(['version', 'stopDaemon']);

/** The JSON half of the control API, made from the route table. */
export function jsonApp(handlers: Handlers, log: Logger): Hono {
  const app = new Hono();
  app.get('/healthz', (c) => c.json({ ok: true }));
  app.get('/v1/openapi.json', (c) => c.json(openApiDocument()));
  for (const name of Object.keys(ROUTES) as (keyof typeof ROUTES)[]) register(app, name, handlers);
  app.notFound((c) => c.json({ error: { code: 'not_found', message: `no route ${c.req.method} ${c.req.path}` } }, 404));
  app.onError((failure, c) => {
    const known = asFilareError(failure);
    if (known.code === 'unexpected') log.error({ err: failure, path: c.req.path }, 'a request failed');
    return c.json({ error: known.toBody() }, HTTP_STATUS[known.code] as 500);
  });
  return app;
}

function register(app: Hono, name: keyof typeof ROUTES, handlers: Handlers): void {
  const route: { method: string; path: string; params?: z.ZodType; query?: z.ZodType; body?: z.ZodType } = ROUTES[name];
  app.on(route.method, route.path, async (c: Context) => {
    if (!ANY_VERSION.has(name)) refuseOtherVersion(c.req.header(VERSION_HEADER));
    const input = {
      params: parsePart(route.params, 'path', c.req.param()),
      query: parsePart(route.query, 'query', c.req.query()),
      body: route.body === undefined ? undefined : parsePart(route.body, 'body', await jsonBody(c)),
      signal: c.req.raw.signal,
      by: c.req.header(BY_HEADER) ?? 'operator',
    };
    // Parsed by the very schemas that the handler's type is made of; the table is too wide for the compiler to see that through a variable.
    const handler = handlers[name] as (given: unknown) => Promise<unknown>;
    return c.json((await handler(input)) as object);
  });
}

function parsePart(schema: z.ZodType | undefined, where: string, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || where}: ${issue.message}`);
  throw new FilareError({
    code: 'usage',
    message: `the request's ${where} is not as it should be: ${issues.slice(0, 5).join('; ')}`,
    details: { issues },
  });
}

async function jsonBody(c: Context): Promise<unknown> {
  if (!(c.req.header('content-type') ?? '').startsWith('application/json')) {
    throw new FilareError({ code: 'usage', message: 'the body must be sent as application/json' });
  }
  if (Number(c.req.header('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  // A length that was named is one that the parser of HTTP holds the client to; only without one is the body counted as it comes.
  const named = c.req.header('content-length') !== undefined;
  const text = named ? await c.req.raw.text() : await boundedText(c.req.raw);
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch (cause) {
    throw new FilareError({ code: 'usage', message: 'the body is not JSON', cause });
  }
}

/** The body as text; a client that names no length is not believed to be short. */
async function boundedText(request: Request): Promise<string> {
  if (request.body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLarge(): FilareError {
  return new FilareError({
    code: 'limit_exceeded',
    message: `the body is larger than ${String(MAX_BODY_BYTES)} bytes`,
  });
}
