/** A page of the documentation that `help TOPIC` prints. */
export interface Topic {
  /** Never the name of a command: `help NAME` is that command's help. */
  readonly name: string;
  /** The file in `docs/`, which is part of the package. */
  readonly file: string;
  readonly summary: string;
}

/** Every page, in the order a reader needs them. */
export const TOPICS: readonly Topic[] = [
  { name: 'getting-started', file: 'getting-started.md', summary: 'a first fleet: rehearsed, then with a real model' },
  { name: 'manifest', file: 'manifest.md', summary: 'how agents are declared' },
  { name: 'manifest-reference', file: 'manifest-reference.md', summary: 'every field, with its default and examples' },
  { name: 'operating', file: 'operators-guide.md', summary: 'a day with a fleet, from start to backup' },
  { name: 'start-order', file: 'start-order.md', summary: 'who waits for whom, and how many run at once' },
  { name: 'inbox', file: 'inbox.md', summary: 'what agents ask, and how you answer' },
  { name: 'escalation', file: 'escalation.md', summary: 'rules: what is decided without you' },
  { name: 'notifications', file: 'notifications.md', summary: 'how you are told of a prompt' },
  { name: 'watching-in-tmux', file: 'tmux.md', summary: 'inbox, table and a pane for each agent in tmux' },
  { name: 'attaching', file: 'attach.md', summary: "Codex's own terminal interface on a running session" },
  {
    name: 'bringing-home',
    file: 'bringing-work-home.md',
    summary: 'what an agent changed, and its branch in your repository',
  },
  { name: 'forking', file: 'forking.md', summary: 'a second session from the same point' },
  { name: 'recipes', file: 'recipes.md', summary: "just recipes, and the catalogue of a project's commands" },
  { name: 'project-commands', file: 'project-commands.md', summary: 'commands of the project that agents may run' },
  { name: 'orchestrating', file: 'orchestrating.md', summary: 'agents and programs that direct agents' },
  { name: 'tools', file: 'mcp.md', summary: 'the agents as tools over MCP' },
  { name: 'rehearsal', file: 'rehearsal.md', summary: 'play a script: no account, no network, no cost' },
  { name: 'transcripts', file: 'transcripts.md', summary: 'what is recorded, and how to check it' },
  { name: 'files', file: 'files.md', summary: 'every file and folder that a project has' },
  { name: 'exit-codes', file: 'exit-codes.md', summary: 'what each exit code says, for scripts' },
  { name: 'leaks', file: 'cleanup.md', summary: 'nothing left: what is ours, and how to prove it' },
  { name: 'security', file: 'security.md', summary: 'what holds against an agent, and what does not' },
  { name: 'faults', file: 'faults.md', summary: 'what each fault does, and the test that shows it' },
  { name: 'library', file: 'library.md', summary: 'the same from TypeScript' },
  { name: 'api', file: 'api.md', summary: 'the control API on the unix socket' },
  { name: 'migrating', file: 'migrating-from-filare.md', summary: 'from the Filare Python orchestrator' },
  { name: 'faq', file: 'faq.md', summary: 'short answers' },
  { name: 'troubleshooting', file: 'troubleshooting.md', summary: 'by symptom: cause and command' },
];

/** The topic of that name, or whose page has it as its file's, with `.md` or without, as links and the table of contents name it. */
export function findTopic(name: string): Topic | undefined {
  const file = name.replace(/^docs\//, '').replace(/(\.md)?$/, '.md');
  return TOPICS.find((topic) => topic.name === name) ?? TOPICS.find((topic) => topic.file === file);
}

/** The names that pages have as files, where they are not those of their topics. */
export function pageNames(): string[] {
  return TOPICS.map(({ file }) => file.replace(/\.md$/, '')).filter((page) =>
    TOPICS.every(({ name }) => name !== page),
  );
}
