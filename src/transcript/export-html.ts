import { createHash } from 'node:crypto';
import type { ExportEntry } from './export-entry.js';

const STYLE = `
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
article { border-left: 3px solid #8888; padding-left: 1rem; margin: 1.2rem 0; }
article.in { border-color: #38b; }
article.out { border-color: #3a5; }
h2 { font-size: 0.85rem; font-weight: 500; margin: 0; opacity: 0.75; }
h3 { font-size: 0.75rem; font-weight: 500; margin: 0.4rem 0 0; opacity: 0.6; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.2rem 0; font-size: 0.85rem; }
`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');
/** Nothing is loaded, nothing runs, no form goes anywhere; of styles only ours counts. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'`;

/** A transcript as one HTML file that loads nothing and runs nothing, piece by piece. Whatever an agent said is text in it. */
export async function* exportHtml(
  title: string,
  entries: AsyncIterable<ExportEntry>,
): AsyncGenerator<string, void, undefined> {
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(POLICY)}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
`;
  for await (const { seq, direction, title: head, parts } of entries) {
    yield `<article id="s${seq}" class="${direction}">\n<h2>${escaped(head)}</h2>\n`;
    // A newline right after <pre> is not text: one of ours keeps one of theirs.
    for (const { label, text } of parts) yield `<h3>${escaped(label)}</h3>\n<pre>\n${escaped(text)}</pre>\n`;
    yield '</article>\n';
  }
  yield '</body>\n</html>\n';
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
