import { FilareError, type ErrorCode } from '../contract/errors.js';
import type { RepoAddress } from './repo-address.js';
import { shellQuote } from '../contract/shell-quote.js';
import { scanHostKeys, type SshAccess } from './ssh-access.js';
import { diskFull, saysDiskFull } from './system-error.js';

/** What failed: where it should have gone, from where, and what git said. */
export interface FailedClone {
  readonly workspace: string;
  readonly address: RepoAddress;
  readonly ssh: SshAccess;
  readonly stderr: string;
  readonly signal: AbortSignal;
}

interface Explanation {
  readonly when: RegExp;
  readonly code: ErrorCode;
  readonly why: string;
  readonly hint: (failed: FailedClone) => string;
}

/** In this order: ssh says "could not read from remote repository" after every failure of its own. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    when: /UNPROTECTED PRIVATE KEY FILE|bad permissions/i,
    code: 'credentials',
    why: 'ssh refuses the key because others may read it',
    hint: ({ ssh }) => `close it: chmod 600 ${shellQuote(ssh.key ?? 'KEY')}`,
  },
  {
    when: /Load key .*(?:invalid format|error in libcrypto|incorrect passphrase)/i,
    code: 'credentials',
    why: 'the SSH key cannot be used: it is no private key, or it has a passphrase and nobody is asked for it here',
    hint: () =>
      'give `ssh_key` a private key without passphrase, best one that may do nothing but reach this repository (a deploy key)',
  },
  {
    when: /Permission denied|Authentication failed|could not read (?:Username|Password)|terminal prompts disabled|returned error: 40[13]|Access denied|Too many authentication failures/i,
    code: 'credentials',
    why: 'the server does not let us in',
    hint: ({ address, ssh }) =>
      address.kind === 'ssh'
        ? ssh.key === undefined
          ? 'name a private key in `ssh_key` whose public half the server knows'
          : `the server must know the public half of ${ssh.key} (\`ssh-keygen -y -f ${shellQuote(ssh.key)}\` prints it)`
        : 'use an SSH address with `ssh_key`, or a repository that may be read without a password',
  },
  {
    when: /Could not resolve host|Name or service not known|Temporary failure in name resolution|Connection (?:refused|timed out|reset|closed)|No route to host|Network is unreachable|Failed to connect|Operation timed out|unable to look up|SSL|server certificate|Recv failure/i,
    code: 'workspace',
    why: 'the server cannot be reached',
    hint: ({ address }) => `look whether it answers from this machine: git ls-remote ${shellQuote(address.shown)}`,
  },
  {
    when: /not found|does not exist|does not appear to be a git repository|No such file or directory|no such repository|not a git repository|not valid: is this a git repository|returned error: 404/i,
    code: 'workspace',
    why: 'there is no such repository',
    hint: ({ address }) =>
      `mend \`repo\` in the manifest (\`git ls-remote ${shellQuote(address.shown)}\` should list its branches)`,
  },
];

/** Why a clone or a fetch failed, as one sentence with what to do; asks the host for its key when that is what is missing. */
export async function explainCloneFailure(failed: FailedClone): Promise<FilareError> {
  const { address, workspace } = failed;
  const stderr = withoutSecrets(failed.stderr, address);
  const words = lastWords(stderr);
  if (saysDiskFull(stderr)) return diskFull(workspace, new Error(words));
  if (/Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|No .* host key is known/i.test(stderr))
    return hostKeyFailure(failed, stderr);
  const found = EXPLANATIONS.find((explanation) => explanation.when.test(stderr));
  return new FilareError({
    code: found?.code ?? 'workspace',
    message: `cannot clone ${address.shown} into ${workspace}: ${found?.why ?? 'git failed'}${words === '' ? '' : ` (${words})`}`,
    hint: found?.hint(failed) ?? `try it by hand: git clone ${shellQuote(address.shown)}`,
    details: { repo: address.shown, workspace },
  });
}

/** Text of git without the password that the address carried. */
export function withoutSecrets(text: string, address: RepoAddress): string {
  const hidden =
    address.kind === 'web' && address.secret_url !== undefined
      ? text.replaceAll(address.secret_url, address.shown)
      : text;
  return hidden.replace(/(\w:\/\/)[^/@\s]*:[^/@\s]*@/g, '$1***@');
}

async function hostKeyFailure(failed: FailedClone, stderr: string): Promise<FilareError> {
  const { address, ssh, signal } = failed;
  const file = ssh.known_hosts ?? 'the file that `known_hosts` names';
  const changed = /HAS CHANGED/.test(stderr);
  const lines = address.kind === 'ssh' ? await scanHostKeys(address.host, address.port, signal) : [];
  const says = lines.length === 0 ? '' : `; the host now says: ${lines.join(' ')}`;
  return new FilareError({
    code: 'credentials',
    message: changed
      ? `the host key of ${address.shown} is not the pinned one: the host was changed, or somebody is in between`
      : `the host key of ${address.shown} is not known, and unknown hosts are refused`,
    hint: changed
      ? `ask whoever runs the host; if the change is right, replace its line in ${file}${says}`
      : lines.length === 0
        ? `add the host's line to ${file} (\`ssh-keyscan\` prints it) after comparing it with what the host's owner publishes`
        : `compare this line with what the host's owner publishes, then add it to ${file}: ${lines.join('\n')}`,
    details: { repo: address.shown, known_hosts_lines: lines },
  });
}

function lastWords(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).map((line) => line.trim());
  const telling = lines.filter((line) => /^(?:fatal|error|ERROR|remote: |ssh|.*@.*: Permission denied)/.test(line));
  const useful = telling.filter((line) => !/Could not read from remote repository|early EOF/.test(line));
  return (useful.at(-1) ?? telling.at(-1) ?? '').replace(/^fatal: /, '').slice(0, 300);
}
