/**
 * Which Docker Engine to talk to: DOCKER_HOST, else DOCKER_CONTEXT, else `currentContext` of the Docker configuration, else the
 * socket of this machine. Reads the environment it is given and small files; opens no connection.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { FilareError } from '../../contract/errors.js';

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** TLS material of a TCP endpoint, PEM. */
interface TlsMaterial {
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  /** False when the context says to skip verification. */
  readonly verify: boolean;
}

/** Where an engine answers. `address` is what people are shown; `source` says which setting named it. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly address: string; readonly source: string; readonly socket_path: string }
  | {
      readonly kind: 'tcp';
      readonly address: string;
      readonly source: string;
      readonly host: string;
      readonly port: number;
      readonly tls?: TlsMaterial | undefined;
    };

const DEFAULT_ADDRESS = 'unix:///var/run/docker.sock';
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/**
 * The endpoint that the environment and the Docker configuration name. Throws `usage` for an address that cannot be read,
 * `unsupported` for ssh:// and other transports, `engine_unavailable` for a context or certificate that is not there.
 */
export async function resolveEndpoint(environment: Environment): Promise<Endpoint> {
  const host = environment['DOCKER_HOST'];
  if (host) {
    const folder = environment['DOCKER_TLS_VERIFY']
      ? (environment['DOCKER_CERT_PATH'] ?? configurationFolder(environment))
      : undefined;
    return parseAddress(
      host,
      'DOCKER_HOST',
      folder === undefined ? undefined : await readTls(folder, true, 'DOCKER_HOST'),
    );
  }
  const named = environment['DOCKER_CONTEXT'];
  if (named) return fromContext(named, 'DOCKER_CONTEXT', environment);
  const current = await readCurrentContext(environment);
  if (current) return fromContext(current, 'currentContext', environment);
  return parseAddress(DEFAULT_ADDRESS, 'default', undefined);
}

function parseAddress(address: string, source: string, tls: TlsMaterial | undefined): Endpoint {
  if (address.startsWith('unix://')) {
    const socket_path = address.slice('unix://'.length);
    if (!socket_path.startsWith('/')) throw unreadable(address, source);
    return { kind: 'unix', address, source, socket_path };
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address)?.[1]?.toLowerCase();
  if (scheme === undefined) throw unreadable(address, source);
  if (scheme !== 'tcp') throw unsupported(address, source, scheme);
  if (!URL.canParse(address)) throw unreadable(address, source);
  const url = new URL(address);
  if (url.hostname === '' || !['', '/'].includes(url.pathname)) throw unreadable(address, source);
  return {
    kind: 'tcp',
    address,
    source,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (tls ? TLS_PORT : PLAIN_PORT) : Number(url.port),
    tls,
  };
}

function unreadable(address: string, source: string): FilareError {
  return new FilareError({
    code: 'usage',
    message: `the Docker address ${JSON.stringify(address)} (${source}) cannot be read`,
    hint: 'write it as unix:///path/to/docker.sock or tcp://host:port',
  });
}

function unsupported(address: string, source: string, scheme: string): FilareError {
  return new FilareError({
    code: 'unsupported',
    message: `Docker addresses of the kind ${scheme}:// are not supported: ${address} (${source})`,
    hint:
      scheme === 'ssh'
        ? 'forward the socket with `ssh -nNT -L /tmp/docker-remote.sock:/var/run/docker.sock USER@HOST`, then set DOCKER_HOST=unix:///tmp/docker-remote.sock'
        : 'use unix:///path/to/docker.sock or tcp://host:port',
  });
}

function configurationFolder(environment: Environment): string {
  return environment['DOCKER_CONFIG'] ?? join(environment['HOME'] ?? homedir(), '.docker');
}

const Configuration = z.object({ currentContext: z.string().optional() });

async function readCurrentContext(environment: Environment): Promise<string | undefined> {
  const path = join(configurationFolder(environment), 'config.json');
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  return parseFile(Configuration, text, path).currentContext;
}

const ContextMeta = z.object({
  Endpoints: z.object({ docker: z.object({ Host: z.string().optional(), SkipTLSVerify: z.boolean().optional() }) }),
});

async function fromContext(name: string, setting: string, environment: Environment): Promise<Endpoint> {
  const source = `${setting} ${name}`;
  if (name === 'default') return parseAddress(DEFAULT_ADDRESS, source, undefined);
  const contexts = join(configurationFolder(environment), 'contexts');
  const key = createHash('sha256').update(name).digest('hex');
  const path = join(contexts, 'meta', key, 'meta.json');
  const text = await readIfThere(path);
  if (text === undefined) {
    throw new FilareError({
      code: 'engine_unavailable',
      message: `there is no Docker context named ${JSON.stringify(name)} (${setting})`,
      hint: 'look at `docker context ls`, then choose one with `docker context use NAME` or DOCKER_CONTEXT',
    });
  }
  const endpoint = parseFile(ContextMeta, text, path).Endpoints.docker;
  const tls = await readTls(join(contexts, 'tls', key, 'docker'), endpoint.SkipTLSVerify !== true, source);
  return parseAddress(endpoint.Host ?? DEFAULT_ADDRESS, source, (tls.ca ?? tls.cert) ? tls : undefined);
}

async function readTls(folder: string, verify: boolean, source: string): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((file) => readIfThere(join(folder, file))),
  );
  if ((cert === undefined) !== (key === undefined)) {
    throw new FilareError({
      code: 'engine_unavailable',
      message: `cert.pem and key.pem are needed together in ${folder} (${source})`,
      hint: 'put both files there, or neither',
    });
  }
  return { ca, cert, key, verify };
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw new FilareError({
      code: 'engine_unavailable',
      message: `the Docker configuration ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'make the file readable, or set DOCKER_HOST',
      cause: error,
    });
  }
}

function parseFile<T>(schema: z.ZodType<T>, text: Buffer, path: string): T {
  try {
    return schema.parse(JSON.parse(text.toString('utf8')));
  } catch (error) {
    throw new FilareError({
      code: 'engine_unavailable',
      message: `the Docker configuration ${path} is damaged`,
      hint: 'repair or remove the file, or set DOCKER_HOST',
      cause: error,
    });
  }
}
