// Writes docs/manifest-reference.md from the schema that the loader itself uses (src/manifest/json-schema.ts): every field with what it is, what it takes,
// its default and examples. `--check` writes nothing and fails when the stored page is stale.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { tsImport } from 'tsx/esm/api';
import { stringify } from 'yaml';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(project, 'docs/manifest-reference.md');
const source = (name) => tsImport(join(project, 'src/manifest', name), import.meta.url);

const { manifestJsonSchema } = await source('json-schema.ts');
const { expectedAt } = await source('schema-walk.ts');
const { NOT_YET, NOT_ENFORCED } = await source('not-yet.ts');

const { agent, fields } = manifestJsonSchema().$defs;
const required = new Set(agent.allOf.flatMap((part) => part.required ?? []));

const text = await format(page(), { ...(await resolveConfig(target)), parser: 'markdown' });
const name = relative(project, target);
if (process.argv.includes('--check')) {
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    process.stderr.write(`${name} is stale: run npm run documents\n`);
    process.exit(1);
  }
} else if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
  writeFileSync(target, text);
  process.stderr.write(`${name} written\n`);
}

function page() {
  const names = Object.keys(fields.properties);
  return `# Manifest reference

Every field of a manifest: what it is, what it takes, and what holds without it. Made from the schema that manifests are checked with
(\`npm run documents\`); do not edit. How manifests are found, read and merged, and how values are written: [the guide](manifest.md).

${table(
  ['field', 'meaning'],
  names.map((field) => [`[\`${field}\`](#${field})`, prose(fields.properties[field].description)]),
)}

${names.map(section).join('\n\n')}
`;
}

/** One field of an agent: what it is, then a table of what stands in it. */
function section(field) {
  const node = fields.properties[field];
  const facts = [
    `- **Takes:** ${prose(takes(node, [field]))}`,
    required.has(field) ? '- **Required.**' : undefined,
    node.default === undefined ? undefined : `- **Default:** \`${inline(node.default)}\``,
    ...notes(field),
  ];
  const rows = below(node, [field]);
  return [
    `## ${field}`,
    prose(node.description),
    facts.filter((fact) => fact !== undefined).join('\n'),
    examples(field, node.examples),
    rows.length === 0 ? '' : table(['field', 'meaning', 'takes', 'default'], rows),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** A row for every field below a field, through lists and alternatives. */
function below(node, path) {
  return mappings(node, path).flatMap(({ mapping, at }) => {
    const must = new Set(mapping.required ?? []);
    const entries = Object.entries(mapping.properties ?? {});
    const free = mapping.additionalProperties;
    if (typeof free === 'object' && free !== null && Object.keys(free).length > 0) entries.push(['NAME', free]);
    return entries.flatMap(([key, child]) => {
      const here = [...at, key];
      const dotted = here.filter((step) => typeof step === 'string').join('.');
      // Every text may be in a file instead; the field itself says so.
      if (key === 'file' && entries.length === 1) return [];
      const meaning = [prose(child.description ?? ''), ...notes(dotted).map((note) => note.slice(2))];
      const example = child.examples?.length > 0 ? ` Like \`${inline(child.examples[0])}\`.` : '';
      const preset = child.default === undefined ? (must.has(key) ? 'required' : '') : `\`${inline(child.default)}\``;
      return [
        [`\`${dotted}\``, `${meaning.join(' ')}${example}`.trim(), prose(takes(child, here)), preset],
        ...below(child, here),
      ];
    });
  });
}

/** The mappings that a node takes, and their paths: itself, its alternatives, the items of a list. */
function mappings(node, at) {
  const own = node.properties !== undefined || typeof node.additionalProperties === 'object';
  return [
    ...(own ? [{ mapping: node, at }] : []),
    ...(node.anyOf ?? []).flatMap((option) => mappings(option, at)),
    ...(node.items === undefined ? [] : mappings(node.items, [...at, 0])),
  ];
}

function notes(dotted) {
  return [
    ...NOT_YET.filter(({ path }) => path === dotted).map(({ meanwhile }) => `- Not acted on yet: ${prose(meanwhile)}.`),
    ...NOT_ENFORCED.filter(({ path }) => path === dotted).map(({ instead }) => `- Instead, ${prose(instead)}.`),
  ];
}

/** What a value may be, in words: those of the loader's own messages, else what the schema says. */
function takes(node, path) {
  return expectedAt(path) ?? kind(node);
}

function kind(node) {
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(kind))].join(', or ');
  if (node.enum !== undefined) return node.enum.join(', ');
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.type === 'array') return `a list of ${kind(node.items ?? {})}`;
  return (
    { string: 'text', boolean: 'true or false', integer: 'a whole number', number: 'a number', object: 'a mapping' }[
      node.type
    ] ?? 'any value'
  );
}

function examples(field, values = []) {
  // Roles stand in what it takes.
  if (values.length === 0 || values.length > 5) return '';
  return values.map((value) => `\`\`\`yaml\n${field}: ${inline(value)}\n\`\`\``).join('\n\n');
}

/** A value as it is written on one line of a manifest. */
function inline(value) {
  const written = stringify({ value }, { lineWidth: 0, collectionStyle: 'flow', singleQuote: true }).trim();
  return written.replace(/^\{ value: ([\s\S]*) \}$/, '$1');
}

function table(head, rows) {
  const row = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}

/** Text of the schema as Markdown: what stands in backticks is code, all else means itself. */
function prose(words) {
  return words
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll(/[<*_]/g, '\\$&')))
    .join('');
}
