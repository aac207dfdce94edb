import { findExistingProject } from '../client/find-project.js';
import type { CliContext } from './context.js';
import { plural } from './fleet-table.js';
import { readPastEntries, type PastEntries } from './past-entries.js';
import { styled } from './style.js';

/** Prompts and decisions of the project's past, with a word on lines that could not be read. */
export async function readPast(context: CliContext, since: string | undefined): Promise<PastEntries> {
  const project = findExistingProject({ project: context.globals.project, cwd: context.cwd, env: context.env });
  const past = await readPastEntries(project.outputs, { since, signal: context.interrupts.signal });
  if (past.damaged > 0) {
    const lines = plural(past.damaged, 'line');
    context.out.note(styled('yellow', `${lines} of transcripts could not be read, and nothing in them counts`));
  }
  return past;
}
