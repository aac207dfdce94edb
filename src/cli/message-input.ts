import { readFile, realpath } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { FilareError } from '../contract/errors.js';

/** Most characters of one message. */
const MAX_MESSAGE_CHARS = 1_000_000;
const MAX_MESSAGE_BYTES = 4 * MAX_MESSAGE_CHARS;

const IMAGE_ENDINGS: ReadonlySet<string> = new Set(['.png', '.jpg', '.jpeg', '.gif', '.webp']);

/** Where a message comes from. */
export interface MessageSources {
  /** Words of the command line; a single `-` is standard input. */
  readonly words: readonly string[];
  /** Files: text, or images by their ending. */
  readonly files: readonly string[];
  readonly stdin: Readable;
  readonly cwd: string;
}

/** The text of a message and the absolute paths of its images. Text of several sources is joined, files under their names. Nothing at all is `usage`. */
export async function readMessage(sources: MessageSources): Promise<{ text: string; images: string[] }> {
  const images: string[] = [];
  const parts: string[] = [];
  const words = await readWords(sources);
  if (words.trim() !== '') parts.push(words);
  const texts = sources.files.filter((file) => !IMAGE_ENDINGS.has(extname(file).toLowerCase()));
  for (const file of sources.files) {
    const path = await existing(resolve(sources.cwd, file));
    if (!texts.includes(file)) images.push(path);
    else parts.push(fileText(file, await readBytes(path), parts.length > 0 || texts.length > 1));
  }
  const text = parts.join('\n\n');
  if (text.trim() === '' && images.length === 0) {
    throw new FilareError({
      code: 'usage',
      message: 'there is nothing to send',
      hint: 'give the text, - for standard input, or --file PATH',
    });
  }
  if (text.length > MAX_MESSAGE_CHARS) throw tooLong(`the message has ${text.length} characters`);
  return { text, images };
}

/** The text that words of a command line stand for: themselves, or for a single `-` what standard input has. */
export async function readWords(sources: Pick<MessageSources, 'words' | 'stdin'>): Promise<string> {
  const words = sources.words.join(' ');
  return words === '-' ? readStdin(sources.stdin) : words;
}

function fileText(name: string, bytes: Uint8Array, with_name: boolean): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FilareError({
      code: 'usage',
      message: `${name} is neither text in UTF-8 nor an image (${[...IMAGE_ENDINGS].join(', ')})`,
      hint: 'put it into the workspace and tell the agent its name',
      cause,
    });
  }
  return with_name ? `${basename(name)}:\n\n${text}` : text;
}

async function readStdin(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > MAX_MESSAGE_BYTES) throw tooLong('standard input is larger');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8').replace(/\n$/, '');
}

async function readBytes(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (bytes.length > MAX_MESSAGE_BYTES) throw tooLong(`${path} is larger`);
  return bytes;
}

async function existing(path: string): Promise<string> {
  return realpath(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

function unreadable(path: string, cause: unknown): FilareError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
  return new FilareError({
    code: 'usage',
    message: `cannot read ${path} (${code})`,
    hint: 'check the path after --file',
  });
}

function tooLong(what: string): FilareError {
  return new FilareError({
    code: 'usage',
    message: `${what} than the ${MAX_MESSAGE_CHARS} characters that a message may have`,
    hint: 'put the text into a file of the workspace and tell the agent its name',
  });
}
