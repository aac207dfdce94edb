import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FilareError } from '../contract/errors.js';

/** What `repo` of a manifest names. `shown` is the address without a password, for messages and for the clone's `origin`. */
export type RepoAddress =
  | { readonly kind: 'local'; readonly path: string; readonly shown: string }
  | { readonly kind: 'ssh'; readonly host: string; readonly port: number; readonly shown: string }
  | { readonly kind: 'web'; readonly host: string; readonly shown: string; readonly secret_url?: string };

/** Reads `repo`: a path, a URL (https, http, ssh, git, file) or ssh's short form `user@host:path`. Refuses (`workspace`) anything else. */
export function parseRepoAddress(repo: string): RepoAddress {
  if (/[\p{Cc}]/u.test(repo) || repo === '' || repo.startsWith('-')) throw notAnAddress(repo);
  if (isAbsolute(repo)) return { kind: 'local', path: repo, shown: repo };
  if (/^[a-z][a-z0-9+.-]*::/i.test(repo)) throw notAnAddress(repo);
  if (repo.includes('://')) return fromUrl(repo);
  const short = /^(?:([^@/\s[\]-][^@/\s[\]]*)@)?(\[[0-9a-f:]+\]|[a-z0-9][a-z0-9._-]*):(?!\/\/)(.+)$/i.exec(repo);
  if (short?.[2] === undefined) throw notAnAddress(repo);
  return { kind: 'ssh', host: short[2].replace(/^\[|\]$/g, ''), port: 22, shown: repo };
}

function fromUrl(repo: string): RepoAddress {
  const url = URL.canParse(repo) ? new URL(repo) : undefined;
  switch (url?.protocol) {
    case 'file:':
      return { kind: 'local', path: fileURLToPath(url), shown: repo };
    case 'ssh:': {
      const host = url.hostname.replace(/^\[|\]$/g, '');
      if (!/^[a-z0-9:][a-z0-9._:-]*$/i.test(host) || url.username.startsWith('-')) throw notAnAddress(repo);
      return { kind: 'ssh', host, port: url.port === '' ? 22 : Number(url.port), shown: withoutPassword(url, repo) };
    }
    case 'http:':
    case 'https:':
    case 'git:': {
      const shown = withoutPassword(url, repo);
      return { kind: 'web', host: url.host, shown, ...(shown === repo ? {} : { secret_url: repo }) };
    }
    default:
      throw notAnAddress(repo);
  }
}

function withoutPassword(url: URL, repo: string): string {
  if (url.password === '' && !(url.username !== '' && url.protocol.startsWith('http'))) return repo;
  const clean = new URL(url);
  clean.password = '';
  // A token is often given as the user name of a web address; ssh needs its user.
  if (url.protocol !== 'ssh:') clean.username = '';
  return clean.href;
}

function notAnAddress(repo: string): FilareError {
  return new FilareError({
    code: 'workspace',
    message: `${JSON.stringify(repo.replace(/\/\/[^/@]*@/, '//***@').slice(0, 200))} is not an address that a workspace can be cloned from`,
    hint: 'write a path, an https://, ssh://, git:// or file:// URL, or user@host:path',
  });
}
