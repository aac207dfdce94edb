import type { Fleet } from '../../client/fleet.js';
import type { Prompt, PromptRecord } from '../../contract/session.js';
import { showHidden } from '../../transcript/sanitize.js';
import type { CliContext } from '../context.js';
import { decisionWords } from '../decision-words.js';
import { severitySpan } from '../prompt-table.js';
import { styled } from '../style.js';
import { inboxNews } from './inbox-feed.js';
import { asksWords } from '../asks-words.js';

/** Most characters of a summary in a line. */
const SUMMARY_CHARS = 1000;

/** The inbox where there is no terminal: a line when a prompt opens, changes or closes, with `--json` one of NDJSON, until Ctrl-C or until nobody reads. */
export async function printInbox(context: CliContext, fleet: Fleet): Promise<void> {
  const { out, interrupts } = context;
  for await (const news of inboxNews(fleet, AbortSignal.any([interrupts.signal, out.gone]))) {
    if (news.type === 'start') for (const prompt of news.prompts) sayOpened(context, prompt);
    else if (news.type === 'prompt') sayOpened(context, news.prompt);
    else if (news.type === 'closed') sayClosed(context, news.prompt_id, news.record);
    else if (news.type === 'lost') out.note('the daemon does not answer; any command starts it again');
    else out.note('the daemon answers again');
  }
  interrupts.signal.throwIfAborted();
}

function sayOpened(context: CliContext, prompt: Prompt): void {
  const { out, globals } = context;
  if (globals.json === true) {
    out.jsonLine({ type: 'prompt', prompt });
    return;
  }
  const summary = showHidden(asksWords(prompt).slice(0, SUMMARY_CHARS)).replaceAll(/\s+/g, ' ');
  out.line(
    clock(context),
    styled('yellow', prompt.prompt_id),
    ' ',
    styled('bold', prompt.id),
    ` ${prompt.kind}, `,
    severitySpan(prompt),
    `: ${summary}`,
  );
}

function sayClosed(context: CliContext, prompt_id: string, record: PromptRecord | null): void {
  const { out, globals } = context;
  const decision = record?.decision ?? null;
  if (globals.json === true) {
    out.jsonLine({ type: 'prompt_closed', prompt_id, decision });
    return;
  }
  const words = decision === null ? 'not open any more' : decisionWords(decision).replaceAll(/\s+/g, ' ');
  const who = record === null ? '' : ` ${record.id}`;
  out.line(clock(context), styled('yellow', prompt_id), styled('bold', who), ' closed: ', words);
}

function clock(context: CliContext): ReturnType<typeof styled> {
  return styled('dim', `${new Date(context.now_ms()).toISOString()} `);
}
