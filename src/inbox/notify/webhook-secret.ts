import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Webhook } from 'standardwebhooks';

/** Signs a text sent under an id at a time; the answer is the header `webhook-signature`. */
export type Signer = (id: string, at: Date, text: string) => string;

/** Largest secret file, in bytes. */
const MAX_SECRET_BYTES = 4096;
const PREFIX = 'whsec_';

/**
 * A signer with the secret in a file, as Standard Webhooks has it: after `whsec_` stands the key in base64, any other text is the key itself (UTF-8); spaces
 * and line ends around it do not count. Otherwise what is wrong, a phrase that holds the path and nothing of the file. Never waits on a pipe or device.
 */
export async function readSigner(path: string): Promise<Signer | { readonly error: string }> {
  const read = await readBounded(path);
  if (typeof read !== 'string') return read;
  const secret = read.trim();
  if (secret === '') return { error: `the secret file ${path} is empty` };
  if (secret.startsWith('whsk_'))
    return { error: `the secret file ${path} holds a private key (whsk_…); a shared secret (whsec_…) is needed` };
  try {
    const webhook = secret.startsWith(PREFIX)
      ? new Webhook(secret)
      : new Webhook(Buffer.from(secret, 'utf8'), { format: 'raw' });
    return (id, at, text) => webhook.sign(id, at, text);
  } catch {
    return { error: `what the secret file ${path} holds after ${PREFIX} is not base64` };
  }
}

async function readBounded(path: string): Promise<string | { readonly error: string }> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const stats = await file.stat();
      if (!stats.isFile()) return { error: `the secret file ${path} is not a regular file` };
      const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_SECRET_BYTES + 1), 0, MAX_SECRET_BYTES + 1, 0);
      if (bytesRead > MAX_SECRET_BYTES)
        return { error: `the secret file ${path} is larger than ${MAX_SECRET_BYTES} bytes` };
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown failure';
    return { error: `the secret file ${path} cannot be read (${code})` };
  }
}
