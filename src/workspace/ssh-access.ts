import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { FilareError } from '../contract/errors.js';
import { shellQuote } from '../contract/shell-quote.js';

/** The key and the pinned host keys with which git goes over SSH; absolute paths. Without a key: the caller's own ssh settings. */
export interface SshAccess {
  readonly key?: string | undefined;
  readonly known_hosts?: string | undefined;
}

const SCAN_SECONDS = 5;
const SCAN_DEADLINE_MS = 15_000;
const MAX_SCAN_BYTES = 64 * 1024;

/**
 * The environment in which git goes over SSH: nobody is asked anything, only known host keys are taken, and with a key only that key is
 * shown to the server. Refuses (`credentials`) a key or known_hosts file that cannot be read.
 */
export async function sshEnvironment(ssh: SshAccess): Promise<Record<string, string>> {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'UpdateHostKeys=no',
    'ConnectTimeout=20',
    'ServerAliveInterval=15',
  ];
  options.push(
    'ServerAliveCountMax=4',
    'ControlMaster=no',
    'ControlPath=none',
    'ForwardAgent=no',
    'ClearAllForwardings=yes',
  );
  if (ssh.key !== undefined) {
    await refuseUnreadable('ssh_key', ssh.key);
    options.push('IdentitiesOnly=yes', 'IdentityAgent=none', `IdentityFile=${optionPath(ssh.key)}`);
  }
  if (ssh.known_hosts !== undefined) {
    await refuseUnreadable('known_hosts', ssh.known_hosts);
    options.push(`UserKnownHostsFile=${optionPath(ssh.known_hosts)}`, 'GlobalKnownHostsFile=/dev/null');
  }
  // With a key of its own the agent's access depends on the manifest alone; without one it is the caller's, settings and ssh agent included.
  const command = [
    'ssh',
    ...(ssh.key === undefined ? [] : ['-F', 'none']),
    ...options.flatMap((option) => ['-o', option]),
  ];
  const socket = ssh.key === undefined ? process.env['SSH_AUTH_SOCK'] : undefined;
  return {
    GIT_SSH_COMMAND: command.map(shellQuote).join(' '),
    GIT_SSH_VARIANT: 'ssh',
    ...(socket === undefined ? {} : { SSH_AUTH_SOCK: socket }),
  };
}

/** The lines that a known_hosts file would need for this host, as the host itself says now; empty when it does not answer. Never taken on trust. */
export async function scanHostKeys(host: string, port: number, signal: AbortSignal): Promise<string[]> {
  if (signal.aborted) return [];
  const args = ['-T', String(SCAN_SECONDS), '-p', String(port), '-t', 'ed25519,ecdsa,rsa', host];
  const text = await new Promise<string>((resolve) => {
    execFile(
      'ssh-keyscan',
      args,
      { signal, timeout: SCAN_DEADLINE_MS, maxBuffer: MAX_SCAN_BYTES, encoding: 'utf8' },
      // A host that does not answer, or no ssh-keyscan here: then there is no line to show.
      (_error, stdout) => resolve(stdout),
    );
  });
  const lines = text.split('\n').filter((line) => /^\S+ (?:ssh-|ecdsa-)\S+ [A-Za-z0-9+/=]+$/.test(line));
  const best = lines.find((line) => line.includes(' ssh-ed25519 ')) ?? lines[0];
  return best === undefined ? [] : [best];
}

/** A path inside an ssh option: `%` starts a token there, and spaces would end it. */
function optionPath(path: string): string {
  if (/["\p{Cc}]|\$\{/u.test(path)) {
    throw new FilareError({
      code: 'credentials',
      message: `ssh cannot be given the path ${JSON.stringify(path)}`,
      hint: 'move the file to a path without quotes, line ends and "${"',
    });
  }
  return `"${path.replaceAll('%', '%%').replaceAll('\\', '\\\\')}"`;
}

async function refuseUnreadable(field: 'ssh_key' | 'known_hosts', path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (cause) {
    throw new FilareError({
      code: 'credentials',
      message: `${field} ${path} cannot be read`,
      hint: `mend \`${field}\` in the manifest, or make the file readable for the user who runs filare-agents`,
      cause,
    });
  }
}
