import { generateKeyPairSync } from 'node:crypto';
import { chownSync } from 'node:fs';
import { expect, test } from 'vitest';
import { whyNotKey } from '../../src/manifest/ssh-key.js';
import { opensshKey, TestProject } from './project.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const locked = { cipher: 'aes-256-cbc', passphrase: 'x' };

const GOOD: Readonly<Record<string, string>> = {
  'OpenSSH, no passphrase': opensshKey('none'),
  'PKCS#8': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  'RSA in PEM': privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
};

test.each(Object.entries(GOOD))('takes a key: %s', (_name, text) => {
  using project = new TestProject();
  expect(whyNotKey(project.write('key', text, 0o600), 'key')).toBeUndefined();
  expect(whyNotKey(project.write('key2', text, 0o400), 'key')).toBeUndefined();
});

const BAD: Readonly<Record<string, readonly [text: string, why: string]>> = {
  'a passphrase, OpenSSH': [opensshKey('aes256-ctr'), 'has a passphrase, and nobody is there to type it'],
  'a passphrase, PKCS#8': [
    privateKey.export({ type: 'pkcs8', format: 'pem', ...locked }).toString(),
    'has a passphrase, and nobody is there to type it',
  ],
  'a passphrase, PEM': [
    privateKey.export({ type: 'pkcs1', format: 'pem', ...locked }).toString(),
    'has a passphrase, and nobody is there to type it',
  ],
  'a public key': ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIx me@here\n', 'is a public key'],
  'a public key in PEM': [publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'is not a private key'],
  'a PuTTY key': ['PuTTY-User-Key-File-3: ssh-ed25519\n', 'is a PuTTY key'],
  'half a key': [opensshKey('none').slice(0, 60), 'is a private key that was cut or damaged'],
  'a certificate': ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', 'is not a private key'],
  nothing: ['', 'is empty'],
  'something else': ['hello\n', 'is not a private key'],
};

test.each(Object.entries(BAD))('refuses what is no usable key: %s', (_name, [text, why]) => {
  using project = new TestProject();
  const problem = whyNotKey(project.write('key', text), 'key');
  expect(problem?.why).toBe(why);
  expect(problem?.hint).not.toBe('');
});

test.each([0o644, 0o640, 0o604, 0o660, 0o601])(
  'refuses a key that others can reach (mode %o), and says what to type',
  (mode) => {
    using project = new TestProject();
    const path = project.write('key', opensshKey('none'), mode);
    expect(whyNotKey(path, path)).toEqual({
      why: `can be read by others (mode 0${mode.toString(8)}), and ssh refuses such a key`,
      hint: `chmod 600 ${path}`,
    });
  },
);

test('says which file is missing, a folder, a circle, a device, or bytes', () => {
  using project = new TestProject();
  project.folder('folder');
  project.link('circle', 'circle');
  project.link('nowhere', 'gone');
  project.link('good', 'key');
  project.write('key', opensshKey('none'));
  project.write('bytes', Uint8Array.of(0xff, 0xfe, 0));
  const why = (path: string): string | undefined => whyNotKey(path, path)?.why;
  expect(why(project.path('missing'))).toBe('does not exist');
  expect(why(project.path('folder'))).toBe('is a folder, not a file');
  expect(why(project.path('circle'))).toBe('is a symbolic link that leads in a circle');
  expect(why(project.path('nowhere'))).toBe('does not exist');
  expect(why(project.path('good'))).toBeUndefined();
  expect(why('/dev/null')).toBe('is not a regular file');
  expect(why(project.path('bytes'))).toBe('is not a private key');
});

// Only root can hand a file to somebody else, and only somebody else is refused.
test.skipIf(process.getuid?.() !== 0)('a key of another user, who alone may read it, cannot be read', () => {
  using project = new TestProject();
  const path = project.write('key', opensshKey('none'), 0o600);
  for (const folder of [project.top, project.root]) chownSync(folder, 65534, 65534);
  process.seteuid?.(65534);
  try {
    expect(whyNotKey(path, path)).toEqual({
      why: 'cannot be read by you',
      hint: 'look at its owner and mode with ls -l',
    });
  } finally {
    process.seteuid?.(0);
  }
});
