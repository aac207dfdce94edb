/** dockerode's modem, set up from an endpoint alone. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import type { Endpoint } from './connect.js';

const FIRST_STATUS = 100;
const LAST_STATUS = 599;

/** The part of dockerode's modem that is used. It is typed as `any` there. */
export interface Modem {
  dial(
    options: {
      readonly path: string;
      readonly method: string;
      readonly options: { readonly _query: object; readonly _body: object };
      readonly file: NodeJS.ReadableStream | undefined;
      readonly headers: Record<string, string>;
      readonly isStream: true;
      readonly hijack: boolean;
      readonly abortSignal: AbortSignal;
      readonly statusCodes: Readonly<Record<number, boolean>>;
    },
    callback: (error: unknown, answer: unknown) => void,
  ): void;
}

/** Lets every answer through: what a status means is not the modem's to say. */
export const EVERY_STATUS: Readonly<Record<number, boolean>> = Object.fromEntries(
  Array.from({ length: LAST_STATUS - FIRST_STATUS + 1 }, (_, index) => [FIRST_STATUS + index, true]),
);

/** A modem that dials this endpoint, each request on a connection of its own. */
export function openModem(endpoint: Endpoint): Modem {
  // Every setting is named: what is left out the modem takes from this process's own DOCKER_* variables.
  const common = { ca: undefined, cert: undefined, key: undefined, timeout: undefined, username: undefined };
  const options =
    endpoint.kind === 'unix'
      ? { ...common, host: undefined, port: undefined, socketPath: endpoint.socket_path, protocol: 'http' as const }
      : {
          ...common,
          socketPath: undefined,
          host: endpoint.host,
          port: endpoint.port,
          protocol: endpoint.tls ? ('https' as const) : ('http' as const),
        };
  const agent =
    endpoint.kind === 'tcp' && endpoint.tls
      ? new HttpsAgent({
          keepAlive: false,
          rejectUnauthorized: endpoint.tls.verify,
          ...(endpoint.tls.ca ? { ca: endpoint.tls.ca } : {}),
          ...(endpoint.tls.cert ? { cert: endpoint.tls.cert } : {}),
          ...(endpoint.tls.key ? { key: endpoint.tls.key } : {}),
        })
      : new HttpAgent({ keepAlive: false });
  // The modem writes every request out for a debug log, read or not; with an agent in it, that is every open socket and request of the process.
  Object.defineProperty(agent, inspect.custom, { value: () => 'agent' });
  // The modem takes an agent; dockerode's types leave it out.
  const settings: Docker.DockerOptions & { agent: HttpAgent } = { ...options, agent };
  const modem: unknown = new Docker(settings).modem;
  return modem as Modem;
}
