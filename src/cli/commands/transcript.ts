import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { findExistingProject } from '../../client/find-project.js';
import { FilareError } from '../../contract/errors.js';
import type { ProjectPaths } from '../../contract/project.js';
import { exportHtml } from '../../transcript/export-html.js';
import { exportMarkdown } from '../../transcript/export-markdown.js';
import { transcriptEntries } from '../../transcript/transcript-entries.js';
import { recordedSeals, verifyTranscript, type TranscriptVerdict } from '../../transcript/verify.js';
import { newCommand, withSubcommands } from '../command.js';
import type { CliContext } from '../context.js';
import { findOnDisk, sessionsOnDisk, type SessionOnDisk } from '../session-records.js';
import { styled } from '../style.js';

/** `transcript verify|export`: what can be done with records, without a daemon and beside one. */
export function transcriptCommand(context: CliContext): CommandUnknownOpts {
  const group = newCommand('transcript', 'Check and export what agents said and did; needs no daemon', [
    'filare-agents transcript verify --all',
    'filare-agents transcript export docs --format html --output docs.html',
  ]);
  return withSubcommands(group, [verify(context), exported(context)]);
}

function verify(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'verify',
    'Whether transcripts are what was written: exit status 1 when a line was cut, lost, edited or added',
    ['filare-agents transcript verify docs', 'filare-agents transcript verify --all --json'],
  )
    .argument('[id...]', 'agents (their newest session), sessions, or the beginning of a session id')
    .option('--all', 'every session of the project')
    .action(async (refs, options) => {
      if ((refs.length === 0) === (options.all !== true)) {
        throw new FilareError({
          code: 'usage',
          message: 'name sessions, or say --all',
          hint: 'filare-agents list --all',
        });
      }
      const paths = projectOf(context);
      const all = await sessionsOnDisk(paths.outputs);
      const sessions = options.all === true ? all : refs.map((ref) => findOnDisk(ref, all));
      const seals = await recordedSeals(paths.ledger);
      const verdicts: (TranscriptVerdict & { readonly session_id: string })[] = [];
      for (const { session_id, transcript } of sessions) {
        const verdict = await verifyTranscript(transcript, seals.get(session_id) ?? []);
        verdicts.push({ session_id, ...verdict });
        if (context.globals.json !== true) sayVerdict(context, session_id, verdict);
      }
      if (context.globals.json === true) context.out.json(verdicts);
      else if (sessions.length === 0) context.out.note(`there is no session yet in ${paths.root}`);
      if (verdicts.some((verdict) => verdict.problems.length > 0)) context.exit_code = 1;
    });
}

function sayVerdict({ out }: CliContext, session_id: string, verdict: TranscriptVerdict): void {
  const { problems, sealed_seq, last_seq } = verdict;
  if (problems.length > 0) {
    out.line(styled('red', '✗'), ` ${session_id}: not what was written`);
    for (const { text } of problems) out.line(`  ${text}`);
    return;
  }
  out.line(styled('green', '✓'), ` ${session_id}: ${last_seq} entries, in order and whole`);
  if (sealed_seq === 0) out.note('  no checksum of it is recorded yet: an edit could not be noticed');
  else if (sealed_seq < last_seq)
    out.note(
      `  entries ${sealed_seq + 1} to ${last_seq} came after the last recorded checksum: an edit of them could not be noticed`,
    );
}

function exported(context: CliContext): CommandUnknownOpts {
  return newCommand('export', 'A transcript to read: Markdown, or one HTML file that loads and runs nothing', [
    'filare-agents transcript export docs --format markdown > docs.md',
    'filare-agents transcript export docs --format html --output docs.html',
  ])
    .argument('<id>', 'an agent (its newest session), a session, or the beginning of a session id')
    .addOption(new Option('--format <format>', 'how').choices(['markdown', 'html'] as const).makeOptionMandatory())
    .option('--output <file>', 'write it there (default: standard output)')
    .action(async (ref, options) => {
      const session = findOnDisk(ref, await sessionsOnDisk(projectOf(context).outputs));
      const pieces = piecesOf(session, options.format);
      if (options.output === undefined) {
        for await (const piece of pieces) await context.out.writeAll(piece);
        return;
      }
      const path = resolve(context.cwd, options.output);
      const file = await open(path, 'w', 0o600);
      try {
        for await (const piece of pieces) await file.writeFile(piece);
      } finally {
        await file.close();
      }
      context.out.note(`${session.session_id} is in ${path}`);
    });
}

function piecesOf({ session_id, transcript }: SessionOnDisk, format: 'markdown' | 'html'): AsyncGenerator<string> {
  const entries = transcriptEntries(transcript);
  const title = `Transcript of ${session_id}`;
  return format === 'html' ? exportHtml(title, entries) : exportMarkdown(title, entries);
}

function projectOf(context: CliContext): ProjectPaths {
  return findExistingProject({ project: context.globals.project, cwd: context.cwd, env: context.env });
}
