import type { ExportEntry } from './export-entry.js';

/** A transcript as Markdown, piece by piece. Whatever an agent said stands in a fence that is longer than any in it: it is shown, never rendered. */
export async function* exportMarkdown(
  title: string,
  entries: AsyncIterable<ExportEntry>,
): AsyncGenerator<string, void, undefined> {
  yield `# ${inline(title)}\n`;
  for await (const entry of entries) {
    yield `\n## ${inline(entry.title)}\n`;
    for (const { label, text } of entry.parts) {
      const fence = fenceFor(text);
      yield `\n${label}:\n\n${fence}text\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}\n`;
    }
  }
}

function fenceFor(text: string): string {
  const longest = (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  return '`'.repeat(longest + 1);
}

/** Text of ours and of others on one line, without meaning to Markdown or HTML. */
function inline(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]()#+!|<>&~]/g, (character) => `\\${character}`);
}
