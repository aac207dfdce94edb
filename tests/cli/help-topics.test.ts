import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS, findCommand } from '../../src/cli/commands.js';
import { pageLines } from '../../src/cli/help/page-lines.js';
import { pageNames, TOPICS } from '../../src/cli/help/topics.js';
import { textOf } from '../../src/cli/style.js';
import type { ProjectPaths } from '../../src/contract/project.js';
import { newProject, removeProject, run } from './rig.js';

/** The index, and what programs write. */
const NO_TOPIC = ['README.md', 'benchmarks.md', 'reliability.md'];

let project: ProjectPaths;
beforeEach(() => {
  project = newProject();
});
afterEach(() => removeProject(project));

const shown = (markdown: string, columns: number): string =>
  pageLines(markdown, columns)
    .map((line) => line.map(textOf).join(''))
    .join('\n');

describe('help TOPIC', () => {
  it('is there for every page of the documentation, under a name that is no command', () => {
    const pages = readdirSync(new URL('../../docs/', import.meta.url)).filter((name) => name.endsWith('.md'));
    expect([...TOPICS.map(({ file }) => file), ...NO_TOPIC].sort()).toEqual(pages.sort());
    expect(TOPICS.filter(({ name }) => findCommand(name) !== undefined)).toEqual([]);
  });

  it.each(TOPICS.map(({ name }) => [name]))(
    '%s fits the terminal, but for code and what has no spaces',
    async (name) => {
      const { code, stdout, stderr } = await run(project, ['help', name], { columns: 80, env: { NO_COLOR: '1' } });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const lines = stdout.split('\n');
      expect(lines[0]).toBe(lines[0]?.toUpperCase());
      const is_code = (line: string): boolean => line.startsWith('    ');
      expect(lines.filter((line) => line.length > 80 && !is_code(line) && line.trim().includes(' '))).toEqual([]);
      expect(stdout).not.toMatch(/\]\(|^#|^\|/m);
    },
  );

  it('is a document for programs, and names what there is', async () => {
    const page: unknown = JSON.parse((await run(project, ['help', 'faq', '--json'])).stdout);
    expect(page).toMatchObject({
      topic: 'faq',
      title: 'FAQ',
      file: 'docs/faq.md',
      text: expect.stringMatching(/^# FAQ\n/) as unknown,
    });
    const list = JSON.parse((await run(project, ['help', '--json'])).stdout) as Record<string, { name: string }[]>;
    expect(list['topics']?.map(({ name }) => name)).toEqual(TOPICS.map(({ name }) => name));
    expect(list['commands']?.map(({ name }) => name)).toEqual(COMMANDS.map(({ name }) => name));
  });

  it("is found by its page's file name too, where that is no command", async () => {
    expect(pageNames()).toEqual(expect.arrayContaining(['bringing-work-home', 'operators-guide']));
    for (const { name, file } of TOPICS) {
      const page = file.replace(/\.md$/, '');
      const by_page = (await run(project, ['help', '--json', findCommand(page) === undefined ? page : file])).stdout;
      expect(JSON.parse(by_page)).toMatchObject({ topic: name, file: `docs/${file}` });
    }
    const by_path = await run(project, ['help', '--json', 'docs/bringing-work-home.md']);
    expect(JSON.parse(by_path.stdout)).toMatchObject({ topic: 'bringing-home' });
    expect((await run(project, ['help', 'operator-guide'])).stderr).toContain('did you mean operators-guide?');
    expect((await run(project, ['help', 'clenup'])).stderr).toContain('did you mean cleanup?');
    // A command keeps its own help.
    expect((await run(project, ['help', 'cleanup'])).stdout).toContain('Usage: filare-agents cleanup');
  });

  it('says what was meant, and is listed after the commands', async () => {
    const wrong = await run(project, ['help', 'manifst']);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain('did you mean manifest?');
    const { stdout } = await run(project, ['help']);
    for (const { name } of TOPICS) expect(stdout.slice(stdout.indexOf('\nTopics:'))).toContain(name);
  });

  it('of a command and its subcommand is their --help, wherever the project is named', async () => {
    const help = (await run(project, ['feedback', 'approve', '--help'])).stdout;
    expect((await run(project, ['help', 'feedback', 'approve'])).stdout).toBe(help);
    expect((await run(project, ['--project', project.root, 'help', 'feedback', 'approve'])).stdout).toBe(help);
  });
});

describe('a page in the terminal', () => {
  it('has headings, wrapped text, lists, code as it is, and no marks', () => {
    const page =
      '# Title\n\nSome **strong** `code`, a [link](x.md) and\n[one out](https://a.example).\n\n- one two three four\n  five\n- six\n\n```sh\nlong   code   that   is   left   as   it   is\n```\n';
    expect(shown(page, 24)).toBe(
      'TITLE\n\nSome strong code, a link\nand one out\n<https://a.example>.\n\n  - one two three four\n    five\n  - six\n\n    long   code   that   is   left   as   it   is',
    );
  });

  it('has a table as a table where it fits, else row by row', () => {
    const page =
      '| name | meaning | default |\n| --- | --- | --- |\n| `a` | the first \\| one | `1` |\n| b\\<id> | the second one | |\n';
    expect(shown(page, 60)).toBe('name   meaning          default\na      the first | one  1\nb<id>  the second one');
    expect(shown(page, 24)).toBe(
      'a\n    meaning: the first |\n    one\n    default: 1\n\nb<id>\n    meaning: the second\n    one',
    );
  });
});
