import { FilareError } from '../contract/errors.js';
import { sizeField } from '../manifest/field-formats.js';

const SIZE = sizeField(1, 'anything needs');

/** Bytes of a size as people write it: `512m`, `2g`, or a number of bytes. Anything else is `usage`, named after the option. */
export function parseSize(text: string, option: string): number {
  const parsed = SIZE.safeParse(/^\d+$/.test(text) ? Number(text) : text);
  if (parsed.success) return parsed.data;
  throw new FilareError({
    code: 'usage',
    message: `${option} takes a size, not ${JSON.stringify(text)}`,
    hint: 'write it like 512m or 2g',
  });
}
