import { join, resolve } from 'node:path';
import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Fleet } from '../../client/fleet.js';
import { FilareError } from '../../contract/errors.js';
import type { SyncOptions, SyncResult } from '../../contract/homecoming.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { eachOne, requireChoice } from '../each-ref.js';
import { plural } from '../fleet-table.js';
import { showingSteps } from '../progress.js';
import { parseSize } from '../size.js';
import { styled } from '../style.js';
import { sayCheck } from '../sync-check.js';

const NAMED_FILES = 5;

/** `sync ID…`: bring branches of agents into the operator's repository, or say how they would merge. */
export function syncCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'sync',
    "Bring agents' work into your repository, each as the branch agents/<id>; your checkout is not touched",
    [
      'filare-agents sync docs',
      'filare-agents sync docs --commit "Draft of the manual"',
      'filare-agents sync --all --check',
      'filare-agents sync docs --patch patches',
    ],
  )
    .argument('[id...]', 'agent ids, session ids, or unique beginnings of them')
    .option('--all', 'the latest session of every agent')
    .option(
      '--check',
      'bring nothing: say which branches are in conflict with each other and with yours; exit code 1 when some are',
    )
    .option('--repo <path>', 'your repository (default: the one that the project lies in)')
    .option('--into <branch>', 'the branch there, moved by fast-forward only (default: agents/<id>)')
    .option('--onto <branch>', 'with --check: merge into this branch (default: what your repository has checked out)')
    .option('--commit [message]', 'first make a commit of what is in none, with this message or one of ours')
    .option('--force', 'replace what an earlier sync brought, where the agent has rewritten it; never commits of yours')
    .addOption(new Option('--patch <folder>', 'write patch files there instead').conflicts(['into', 'check', 'force']))
    .option('--max-size <size>', 'bring no more than this (default: 1g)')
    .addHelpText(
      'after',
      '\nExit codes: 0 brought, or there already · 1 with --check: conflicts · 4 nothing to bring, or not possible',
    )
    .action(async (ids, options) => {
      requireChoice(ids, options.all);
      await using fleet = await context.openFleet();
      const repo = options.repo === undefined ? {} : { repo: resolve(context.cwd, options.repo) };
      const bound = options.maxSize === undefined ? {} : { max_bytes: parseSize(options.maxSize, '--max-size') };
      if (options.check === true) {
        const refs = options.all === true ? {} : { refs: [...new Set(ids)] };
        const onto = options.onto === undefined ? {} : { onto: options.onto };
        sayCheck(context, await fleet.syncCheck({ ...refs, ...repo, ...onto, ...bound }));
        return;
      }
      if (options.onto !== undefined)
        throw new FilareError({
          code: 'usage',
          message: '--onto goes with --check',
          hint: '--into names the branch to bring the work into',
        });
      const latest = options.all === true ? await latestSessions(fleet) : null;
      const refs = latest === null ? [...new Set(ids)] : [...latest.keys()];
      if (options.into !== undefined && refs.length > 1)
        throw new FilareError({ code: 'usage', message: '--into takes the work of one agent' });
      const given: SyncOptions = {
        ...repo,
        ...bound,
        ...(options.into === undefined ? {} : { into: options.into }),
        ...(options.commit === undefined ? {} : { commit: options.commit === true ? '' : options.commit }),
        ...(options.force === true ? { force: true } : {}),
      };
      const patches = options.patch === undefined ? undefined : resolve(context.cwd, options.patch);
      let brought = 0;
      let tell: ((id: string, step: string) => void) | undefined;
      await eachOne<SyncResult>(context, {
        refs,
        name: (ref) => latest?.get(ref) ?? ref,
        verb: 'sync',
        during: (acts) =>
          showingSteps(context, 'sync', (on_step) => {
            tell = on_step;
            return acts();
          }),
        act: async (ref) => {
          const into = patches === undefined ? {} : { patch_dir: refs.length > 1 ? join(patches, ref) : patches };
          const on_step = tell === undefined ? undefined : (step: string) => tell?.(latest?.get(ref) ?? ref, step);
          const done = await syncOne(fleet, ref, { ...given, ...into, on_step }, options.all === true);
          if (done.outcome !== 'nothing') brought += 1;
          return done;
        },
        say: (done) => sayDone(context, done),
        id: (done) => done.commit ?? '',
      });
      if (brought === 0 && options.all !== true) context.exit_code = 4;
    });
}

/** With `--all`, one that has nothing that could be brought keeps nobody from the others. */
async function syncOne(
  fleet: Fleet,
  ref: string,
  options: NonNullable<Parameters<Fleet['sync']>[1]>,
  lenient: boolean,
): Promise<SyncResult> {
  try {
    return await fleet.sync(ref, options);
  } catch (failure) {
    if (!lenient || !(failure instanceof FilareError) || failure.code !== 'bad_state') throw failure;
    const { row } = await fleet.describe(ref);
    return {
      session_id: row.session_id,
      id: row.id,
      outcome: 'nothing',
      repo: null,
      into: null,
      commit: null,
      before: null,
      commits: 0,
      made_commit: null,
      uncommitted: [],
      patches: [],
      notes: [failure.message],
    };
  }
}

/** The latest session of every agent, with the agent's id. */
async function latestSessions(fleet: Fleet): Promise<ReadonlyMap<string, string>> {
  const latest = new Map<string, string>();
  for (const row of await fleet.sessions({ all: true })) latest.set(row.id, row.session_id);
  return new Map([...latest].map(([id, session_id]) => [session_id, id]));
}

function sayDone({ out }: CliContext, done: SyncResult): void {
  const id = styled('bold', done.id);
  const at = styled('dim', `  ${(done.commit ?? '').slice(0, 12)}`);
  switch (done.outcome) {
    case 'brought':
      out.line(
        id,
        `: ${plural(done.commits, 'commit')} into ${done.into ?? ''}`,
        done.before === null ? ' (new)' : '',
        at,
      );
      break;
    case 'up_to_date':
      out.line(id, `: ${done.into ?? ''} has all of it`, at);
      break;
    case 'patches':
      for (const path of done.patches) out.line(path);
      break;
    case 'nothing':
      out.line(id, ': there is no commit that your repository lacks');
      break;
  }
  if (done.made_commit !== null)
    out.note(`  ${done.id}: ${done.made_commit.slice(0, 12)} is the commit made of what was in none`);
  for (const note of done.notes) out.note(`  ${done.id}: ${note}`);
  if (done.uncommitted.length === 0) return;
  const shown = done.uncommitted.slice(0, NAMED_FILES).join(', ');
  const more = done.uncommitted.length - NAMED_FILES;
  out.complain(
    `  ${done.id}: `,
    styled('yellow', 'left behind'),
    `, for ${done.uncommitted.length === 1 ? 'it is' : 'they are'} in no commit: ${shown}${more > 0 ? ` and ${String(more)} more` : ''} (--commit brings ${done.uncommitted.length === 1 ? 'it' : 'them'} too)`,
  );
}
