import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced block of a page. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** `docs/faq.md:12`, for messages. */
  readonly at: string;
}

/** A page of Markdown, as far as these tests look at it. */
export interface Page {
  /** Path below the repository. */
  readonly path: string;
  readonly blocks: readonly Block[];
  /** Its text without fenced blocks, line by line; a line of a block is empty. */
  readonly prose: readonly string[];
}

/** Every page that people read: README and its like, docs, examples. */
export function allPages(): Page[] {
  const top = readdirSync(ROOT).filter((name) => name.endsWith('.md'));
  const below = ['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !name.startsWith('sample-repo'))
      .map((name) => join(folder, name)),
  );
  return [...top, ...below].map(readPage);
}

/** One page. */
export function readPage(path: string): Page {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { indent: string; fence: string; language: string; from: number; lines: string[] } | undefined;
  for (const [at, line] of readFileSync(join(ROOT, path), 'utf8').split('\n').entries()) {
    const [, indent = '', fence, language = ''] = /^( *)(`{3,})(\w*)/.exec(line) ?? [];
    prose.push(open === undefined && fence === undefined ? line : '');
    if (open === undefined) {
      if (fence !== undefined) open = { indent, fence, language, from: at + 1, lines: [] };
    } else if (line.trimEnd() === open.indent + open.fence) {
      blocks.push({ language: open.language, text: `${open.lines.join('\n')}\n`, at: `${path}:${String(open.from)}` });
      open = undefined;
    } else open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
  }
  if (open !== undefined) throw new Error(`${path}: the block of line ${String(open.from)} does not end`);
  return { path: relative(ROOT, join(ROOT, path)), blocks, prose };
}

/** What stands in backticks, with its place. */
export function inlineCode(page: Page): { readonly text: string; readonly at: string }[] {
  return page.prose.flatMap((line, index) =>
    Array.from(line.matchAll(/`([^`]+)`/g), ([, text = '']) => ({
      text: text.replaceAll('\\|', '|'),
      at: `${page.path}:${String(index + 1)}`,
    })),
  );
}

/** The names that a page's headings have in links, as GitHub makes them. */
export function anchorsOf(page: Page): Set<string> {
  const anchors = new Set<string>();
  for (const line of page.prose) {
    const title = /^#+ (.*)$/.exec(line)?.[1];
    if (title === undefined) continue;
    const slug = title
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-');
    let name = slug;
    for (let count = 1; anchors.has(name); count += 1) name = `${slug}-${String(count)}`;
    anchors.add(name);
  }
  return anchors;
}
