import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { allPages, anchorsOf, ROOT, type Page } from './pages.js';

const pages = allPages();
const byPath = new Map(pages.map((page) => [page.path, page]));

function linksOf(page: Page): { address: string; at: string }[] {
  return page.prose.flatMap((line, index) =>
    Array.from(line.replaceAll(/`[^`]*`/g, 'code').matchAll(/\]\(([^)\s]+)\)/g), ([, address = '']) => ({
      address,
      at: `${page.path}:${String(index + 1)}`,
    })),
  );
}

test('every relative link leads to a file, and every anchor to a heading', () => {
  const broken: string[] = [];
  let looked = 0;
  for (const page of pages) {
    for (const { address, at } of linksOf(page)) {
      if (/^[a-z]+:/.test(address)) continue;
      looked += 1;
      const [path = '', anchor] = address.split('#');
      const target = path === '' ? page.path : relative(ROOT, resolve(ROOT, dirname(page.path), path));
      if (!existsSync(join(ROOT, target))) broken.push(`${at}: ${address}: no such file`);
      else if (anchor !== undefined) {
        const named = byPath.get(target);
        if (named === undefined || !anchorsOf(named).has(anchor)) broken.push(`${at}: ${address}: no such heading`);
      }
    }
  }
  expect(broken).toEqual([]);
  expect(looked).toBeGreaterThan(100);
});

test('the index of the documentation has every page, and the README has the index', () => {
  const index = byPath.get('docs/README.md');
  if (index === undefined) throw new Error('there is no index');
  const linked = linksOf(index).map(({ address }) => address);
  const missing = readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .filter((name) => !linked.includes(name));
  expect(missing).toEqual([]);
  const readme = byPath.get('README.md');
  expect(readme === undefined ? [] : linksOf(readme).map(({ address }) => address)).toContain('docs/README.md');
});
