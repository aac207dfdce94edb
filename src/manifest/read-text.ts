import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { codeOf } from './real-place.js';

/** Largest manifest, env file, key or text that is read, in bytes. */
export const MAX_FILE_BYTES = 1024 * 1024;

/** The text of a file (without a byte order mark) and its bytes, or why it cannot be had. */
export type FileText = { readonly text: string; readonly bytes: Buffer; readonly mode: number } | FileRefusal;

/** Why a file cannot be read: a phrase that follows its name, and what to do. */
export interface FileRefusal {
  readonly refusal: string;
  readonly hint: string;
}

/** Reads a regular file of UTF-8 text, at most MAX_FILE_BYTES. Never waits on a pipe or a device. */
export function readText(path: string): FileText {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    return openRefusal(error);
  }
  try {
    const stats = fstatSync(descriptor);
    if (stats.isDirectory()) return { refusal: 'is a folder, not a file', hint: 'name the file in it' };
    if (!stats.isFile()) return { refusal: 'is not a regular file', hint: 'name a file' };
    if (stats.size > MAX_FILE_BYTES) return tooLarge(stats.size);
    const bytes = readBounded(descriptor);
    if (bytes.length > MAX_FILE_BYTES) return tooLarge(bytes.length);
    return asText(bytes, stats.mode & 0o777);
  } finally {
    closeSync(descriptor);
  }
}

function openRefusal(error: unknown): FileRefusal {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      return { refusal: 'does not exist', hint: 'a path is relative to the manifest that names it' };
    case 'EACCES':
    case 'EPERM':
      return { refusal: 'cannot be read by you', hint: 'look at its owner and mode with ls -l' };
    case 'ELOOP':
      return { refusal: 'is a symbolic link that leads in a circle', hint: 'mend the link' };
    case 'ENXIO':
      return { refusal: 'is not a regular file', hint: 'name a file' };
    default:
      return { refusal: `cannot be read (${codeOf(error) ?? 'unknown failure'})`, hint: 'try to read it with cat' };
  }
}

function readBounded(descriptor: number): Buffer {
  const buffer = Buffer.allocUnsafe(MAX_FILE_BYTES + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return Buffer.from(buffer.subarray(0, length));
}

function asText(bytes: Buffer, mode: number): FileText {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), bytes, mode };
  } catch {
    return { refusal: 'is not UTF-8 text', hint: 'save it as UTF-8' };
  }
}

function tooLarge(bytes: number): FileRefusal {
  return { refusal: `is too large (${bytes} bytes; at most ${MAX_FILE_BYTES} are read)`, hint: 'make it smaller' };
}
