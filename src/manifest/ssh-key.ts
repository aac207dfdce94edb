import { readText } from './read-text.js';

const OPENSSH = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END OPENSSH PRIVATE KEY-----/;
const OPENSSH_MAGIC = 'openssh-key-v1\0';
const PEM = /-----BEGIN (?:(RSA|DSA|EC|ENCRYPTED) )?PRIVATE KEY-----/;

/** What is wrong with a private key and what to do; nothing of the key itself is in it. */
export interface KeyProblem {
  readonly why: string;
  readonly hint: string;
}

/**
 * Why an agent cannot use the private key at this path (missing, readable for others, with a passphrase, no private key at all), or
 * undefined when it can. The file is never changed. `shown` is the path for hints.
 */
export function whyNotKey(path: string, shown: string): KeyProblem | undefined {
  const file = readText(path);
  if ('refusal' in file) {
    // What is not text is no key either, and saying "not UTF-8" would lead astray.
    return file.refusal === 'is not UTF-8 text' ? notAKey() : { why: file.refusal, hint: file.hint };
  }
  const content = whyNotPrivateKey(file.text, shown);
  if (content !== undefined) return content;
  if ((file.mode & 0o077) === 0) return undefined;
  return {
    why: `can be read by others (mode 0${file.mode.toString(8)}), and ssh refuses such a key`,
    hint: `chmod 600 ${shown}`,
  };
}

/** Why this text is no private key that can be used without a person, or undefined. */
export function whyNotPrivateKey(text: string, shown: string): KeyProblem | undefined {
  const cipher = opensshCipher(text);
  if (cipher === 'none') return undefined;
  const pem = PEM.exec(text);
  const locked =
    cipher !== undefined || pem?.[1] === 'ENCRYPTED' || (pem !== null && /^Proc-Type: 4,ENCRYPTED/m.test(text));
  if (locked)
    return {
      why: 'has a passphrase, and nobody is there to type it',
      hint: `make a key for agents (ssh-keygen -t ed25519 -N '' -f agent_key), or remove the passphrase of a copy (ssh-keygen -p -f ${shown})`,
    };
  if (pem !== null) return undefined;
  if (text.startsWith('PuTTY-User-Key-File'))
    return { why: 'is a PuTTY key', hint: 'convert it: puttygen KEY -O private-openssh -o agent_key' };
  if (/^(ssh-|ecdsa-|sk-)\S+ AAAA/m.test(text))
    return { why: 'is a public key', hint: `name the private one: it is usually the same name without .pub` };
  if (/^-----BEGIN OPENSSH PRIVATE KEY-----/m.test(text))
    return { why: 'is a private key that was cut or damaged', hint: 'copy it again, whole' };
  return text.trim() === '' ? { why: 'is empty', hint: 'name a private key' } : notAKey();
}

/** The cipher named in the head of a key in OpenSSH's own format (PROTOCOL.key of OpenSSH), or undefined when it is no such key. */
function opensshCipher(text: string): string | undefined {
  const body = OPENSSH.exec(text)?.[1];
  if (body === undefined) return undefined;
  const bytes = Buffer.from(body, 'base64');
  const at = OPENSSH_MAGIC.length;
  if (bytes.length < at + 4 || bytes.toString('latin1', 0, at) !== OPENSSH_MAGIC) return undefined;
  const length = bytes.readUInt32BE(at);
  return length > 64 || bytes.length < at + 4 + length ? undefined : bytes.toString('latin1', at + 4, at + 4 + length);
}

function notAKey(): KeyProblem {
  return { why: 'is not a private key', hint: 'name a private key, as ssh-keygen makes it' };
}
