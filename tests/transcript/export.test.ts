import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exportHtml } from '../../src/transcript/export-html.js';
import { exportMarkdown } from '../../src/transcript/export-markdown.js';
import { transcriptEntries } from '../../src/transcript/transcript-entries.js';
import { entryOf } from '../cli/samples.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'filare-export-'));
  path = join(folder, 'transcript.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function whole(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

async function exported(text: string, data?: Record<string, unknown>): Promise<{ markdown: string; html: string }> {
  await writeFile(path, `${JSON.stringify(entryOf({ text, data, from: text }))}\n`);
  return {
    markdown: await whole(exportMarkdown('T', transcriptEntries(path))),
    html: await whole(exportHtml('T', transcriptEntries(path))),
  };
}

it('holds hostile text as text, in HTML and in Markdown', async () => {
  const hostile = '</pre><script>alert(1)</script><img src=x onerror=alert(1)> ```` & "\'\n# head\n\u001b[31mred\u202e';
  const { html, markdown } = await exported(hostile, { output: hostile, changes: [{ path: hostile, diff: hostile }] });
  expect(html).not.toMatch(/<script|<img|onerror=[^&]*>/);
  expect(html).toContain('&lt;script&gt;alert(1)');
  expect(html).toContain('&lt;U+001B&gt;[31mred&lt;U+202E&gt;');
  expect(html).toContain('default-src &#39;none&#39;');
  expect(markdown).toContain('`````text\n</pre><script>');
  expect(markdown).toContain('<U+001B>[31mred<U+202E>');
  expect(markdown.split('\n').filter((line) => line.startsWith('# head'))).toHaveLength(4);
  expect(markdown).toContain('\\<script\\>');
  for (const one of [html, markdown]) expect(one).not.toMatch(/[\u001b\u202e]/);
});

it('lets no text out of its fence or its element, whatever it is', async () => {
  const characters = fc.constantFrom(
    '`',
    '``',
    '~~~',
    '\n',
    '<',
    '>',
    '&',
    '"',
    "'",
    '</pre>',
    '-->',
    'a',
    ' ',
    '\u0000',
    '\r',
  );
  const property = fc.asyncProperty(fc.array(characters, { maxLength: 30 }), async (parts) => {
    const { html, markdown } = await exported(parts.join(''));
    const body = html.slice(html.indexOf('<body>'));
    expect(
      (body.match(/<[^>]*>/g) ?? []).filter((tag) => !/^<\/?(body|html|h1|h2|h3|article[^>]*|pre)>$/.test(tag)),
    ).toEqual([]);
    // Every fence that opens is closed by one as long, and none of the text is as long.
    const fences = markdown.split('\n').filter((line) => /^`{3,}(text)?$/.test(line));
    const open = fences.filter((line) => line.endsWith('text'));
    for (const fence of open) expect(fences).toContain(fence.replace('text', ''));
  });
  await fc.assert(property, { numRuns: 100 });
});

it('shows a damaged line as what it is', async () => {
  await writeFile(path, `${JSON.stringify(entryOf({ text: 'first' }))}\n{"seq":2,"time\n`);
  const html = await whole(exportHtml('T', transcriptEntries(path)));
  expect(html).toContain('line 2 of its file is no entry');
  expect(html).toContain('{&quot;seq&quot;:2,&quot;time');
});
