import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import type { Fleet } from '../../client/fleet.js';
import type { SendOptions } from '../../client/fleet-options.js';
import { asFilareError, EXIT_CODES, FilareError } from '../../contract/errors.js';
import type { SendResult } from '../../contract/session.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { parseDuration } from '../duration.js';
import { readMessage } from '../message-input.js';
import { styled } from '../style.js';
import { tellingPrompts } from '../tell-prompts.js';

/** Longest wait for a turn when no `--timeout` is given, in milliseconds. */
const WAIT_MAX_MS = 7 * 86_400_000;

/** `send ID TEXT`. */
export function sendCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('send', 'Send a message to an agent; while a turn runs it is queued unless you say otherwise', [
    'filare-agents send docs "Write the changelog" --wait',
    'git diff | filare-agents send judge - --wait --timeout 10m',
    'filare-agents send ui "Make it look like this" --file mockup.png',
    'filare-agents send feature "Stop that, do this instead" --steer',
  ])
    .argument('<id>', 'agent id, session id, or a unique beginning of one')
    .argument('[text...]', 'the message; - reads standard input')
    .option('-w, --wait', 'wait for the turn that takes it and print the reply')
    .option('-t, --timeout <duration>', 'with --wait: give up after so long, exit code 5')
    .option('-f, --file <path>', 'add a text file or an image; may be repeated', collect, [])
    .option('--from <name>', 'who says it', 'operator')
    .addOption(
      new Option('--queue', 'keep it until the running turn, or the open prompt, is over').conflicts([
        'steer',
        'interrupt',
      ]),
    )
    .addOption(new Option('--steer', 'hand it to the running turn').conflicts(['queue', 'interrupt']))
    .addOption(new Option('--interrupt', 'end the running turn first').conflicts(['queue', 'steer']))
    .addHelpText(
      'after',
      '\nExit codes: 0 taken or queued · 1 the turn failed · 3 no such session · 4 it has ended · 5 timed out · 7 a prompt is open',
    )
    .action(async (id, words, options) => {
      if (options.timeout !== undefined && options.wait !== true) {
        throw new FilareError({ code: 'usage', message: '--timeout goes with --wait' });
      }
      const wait_ms = options.timeout === undefined ? WAIT_MAX_MS : parseDuration(options.timeout, '--timeout');
      const message = await readMessage({ words, files: options.file, stdin: context.stdin, cwd: context.cwd });
      await using fleet = await context.openFleet();
      try {
        const request: SendOptions = {
          mode: modeOf(options),
          from: options.from,
          ...(message.images.length === 0 ? {} : { images: message.images }),
          ...(options.wait === true ? { wait_ms: Math.max(1, wait_ms) } : {}),
        };
        const result =
          options.wait === true
            ? await sendAndWait(context, fleet, { id, text: message.text, request })
            : await fleet.send(id, message.text, request);
        if (result.delivery === 'blocked') throw blockedFailure(id, result);
        sayResult(context, id, result);
      } catch (error) {
        const failure = asFilareError(error);
        if (failure.code === 'blocked_by_prompt' && context.globals.json === true)
          context.out.json(blockedDocument(failure));
        throw failure;
      }
    });
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function modeOf(options: { queue?: true; steer?: true; interrupt?: true }): NonNullable<SendOptions['mode']> {
  if (options.queue === true) return 'queue';
  if (options.steer === true) return 'steer';
  return options.interrupt === true ? 'interrupt' : 'default';
}

/** Sends and waits for the turn: prompts that hold it up are told, and on Ctrl-C that only the waiting ends. */
async function sendAndWait(
  context: CliContext,
  fleet: Fleet,
  { id, text, request }: { readonly id: string; readonly text: string; readonly request: SendOptions },
): Promise<SendResult> {
  const { row, prompts } = await fleet.describe(id);
  // A prompt that is open refuses the message, and the refusal says so; in the queue it is waited for.
  const known = request.mode === 'queue' ? [] : prompts.map(({ prompt_id }) => prompt_id);
  try {
    return await tellingPrompts(context, { fleet, session_ids: [row.session_id], known }, () =>
      fleet.send(id, text, request),
    );
  } catch (failure) {
    if (asFilareError(failure).code === 'interrupted')
      context.out.note(
        `no longer waiting: the message stays sent, and the turn of ${row.id} goes on: `,
        styled('bold', `filare-agents tail ${id}`),
      );
    throw failure;
  }
}

function sayResult(context: CliContext, id: string, result: SendResult): void {
  if (context.globals.json === true) context.out.json(result);
  else if (context.globals.quiet === true && result.reply === undefined) context.out.line(result.message_id);
  else if (result.reply !== undefined) context.out.line(result.reply);
  else if (result.delivery === 'queued')
    context.out.line(`queued for `, styled('bold', id), styled('dim', `  ${result.message_id}`));
  else context.out.line(`taken by `, styled('bold', id), styled('dim', `  ${result.message_id}`));
}

function blockedFailure(id: string, result: SendResult): FilareError {
  return new FilareError({
    code: 'blocked_by_prompt',
    message: `${id} waits for a person to decide; the message was not sent`,
    hint: `filare-agents feedback list shows what it asks; send --queue keeps the message until then`,
    details: { session_id: result.session_id, delivery: 'blocked' },
  });
}

/** What `send --json` prints of a message that was not kept: the documented fields, without a message. */
function blockedDocument(failure: FilareError): object {
  const details: object = typeof failure.details === 'object' && failure.details !== null ? failure.details : {};
  return { message_id: null, ...details, delivery: 'blocked', exit_code: EXIT_CODES.blocked_by_prompt };
}
