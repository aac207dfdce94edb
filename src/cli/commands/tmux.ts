import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { findProject } from '../../client/find-project.js';
import { FilareError } from '../../contract/errors.js';
import { shellQuote } from '../../contract/shell-quote.js';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';
import type { ViewPlace } from '../tmux/arrange.js';
import type { OpenedView } from '../tmux/open-view.js';

/** Size of a session that nobody looks at yet, in characters. */
const UNSEEN = { columns: 200, rows: 50 };

interface TmuxFlags {
  readonly detach?: true | undefined;
  readonly kill?: true | undefined;
  readonly session?: string | undefined;
  readonly socket?: string | undefined;
  readonly show?: string | undefined;
}

/** `tmux`: a view of the fleet in tmux. */
export function tmuxCommand(context: CliContext): CommandUnknownOpts {
  return newCommand(
    'tmux',
    'The fleet in tmux: the inbox and the table in one window, a pane with the story of each agent in the next ones',
    ['filare-agents tmux', 'filare-agents tmux --detach --json', 'filare-agents tmux --kill'],
  )
    .option('-d, --detach', 'make it, do not attach; prints how to')
    .option('--kill', 'close the view; agents keep running')
    .option('--session <name>', 'the tmux session to use, made when it is not there (default filare-<project folder>)')
    .option('-L, --socket <name>', 'another tmux server, as tmux -L')
    .addOption(new Option('--show <what>', 'what a pane of the view shows').hideHelp())
    .addHelpText('after', ABOUT)
    .action(async (options) => {
      if (options.show !== undefined) await show(context, options.show);
      else if (options.kill === true) await kill(context, options);
      else await open(context, options);
    });
}

const ABOUT = `
It is for watching: no key reaches an agent, and closing panes, windows, the session or tmux itself stops none.
The inbox takes keys (? shows them). Inside tmux the view is windows of the session that you are in; elsewhere a session of its own, which
the next call finds again. Agents that come get a pane; stopped ones lose theirs, failed ones keep it.`;

async function open(context: CliContext, flags: TmuxFlags): Promise<void> {
  const { out, globals, env } = context;
  const detach = flags.detach === true;
  if (!detach && globals.json === true) {
    throw new FilareError({
      code: 'usage',
      message: '--json goes with --detach or --kill',
      hint: 'filare-agents tmux --detach --json',
    });
  }
  if (!detach && !(out.is_terminal && context.stdin.isTTY === true)) {
    throw new FilareError({
      code: 'usage',
      message: 'this is no terminal that tmux could be shown on',
      hint: 'add --detach to make the view without showing it',
    });
  }
  const is_inside = (env['TMUX'] ?? '') !== '' && flags.socket === undefined;
  if (!detach && !is_inside && (env['TMUX'] ?? '') !== '') {
    throw new FilareError({
      code: 'usage',
      message: `this is inside tmux: a view on another server (${flags.socket ?? ''}) would be a tmux in a tmux`,
      hint: 'leave --socket out, or add --detach and attach from another terminal',
    });
  }
  const { openView } = await import('../tmux/open-view.js');
  const place = await placeOf(context, flags);
  await place.tmux.requireUsable();
  const rows = await liveRows(context);
  const inside = is_inside && flags.session === undefined ? await sessionOfPane(place, env['TMUX_PANE']) : undefined;
  const size = out.is_terminal ? out.size : UNSEEN;
  const opened = await openView(place, rows, {
    session: flags.session,
    inside,
    ...size,
  });
  if (detach) report(context, place, opened);
  else await reveal(context, place, opened, is_inside);
}

async function show(context: CliContext, what: string): Promise<void> {
  const { INBOX, FLEET } = await import('../tmux/view-panes.js');
  if (what === INBOX) await (await import('../tmux/show-inbox.js')).showInbox(context);
  else if (what === FLEET) await (await import('../tmux/show-fleet.js')).showFleet(context, await placeOf(context, {}));
  else await (await import('../tmux/show-agent.js')).showAgent(context, what);
}

async function kill(context: CliContext, flags: TmuxFlags): Promise<void> {
  const { closeView } = await import('../tmux/open-view.js');
  const place = await placeOf(context, flags);
  await place.tmux.requireUsable();
  const panes = await closeView(place);
  if (context.globals.json === true) context.out.json({ closed: panes > 0, panes });
  else context.out.note(panes > 0 ? 'the view is closed; agents keep running' : 'no view was open');
}

async function placeOf(context: CliContext, flags: TmuxFlags): Promise<ViewPlace> {
  const { TmuxServer } = await import('../tmux/tmux-server.js');
  const { env } = context;
  const project = findProject({ project: context.globals.project, cwd: context.cwd, env });
  const tmux = new TmuxServer({ socket: flags.socket, cwd: project.root, env });
  return { tmux, project, env };
}

async function liveRows(context: CliContext): ReturnType<Awaited<ReturnType<CliContext['openFleet']>>['sessions']> {
  await using fleet = await context.openFleet();
  return await fleet.sessions();
}

async function sessionOfPane(place: ViewPlace, pane_id: string | undefined): Promise<string> {
  const target = pane_id === undefined ? [] : ['-t', pane_id];
  return (await place.tmux.run(['display-message', '-p', ...target, '#{session_id}'])).trim();
}

/** Shows the view on this terminal, or on the tmux client that one is in. */
async function reveal(context: CliContext, place: ViewPlace, opened: OpenedView, is_inside: boolean): Promise<void> {
  const { tmux } = place;
  await tmux.run(['select-window', '-t', opened.home]);
  if (!is_inside) {
    context.exit_code = await tmux.attach(opened.tmux_session, context.interrupts.signal);
    return;
  }
  if ((await sessionOfPane(place, context.env['TMUX_PANE'])) !== opened.tmux_session) {
    await tmux.run(['switch-client', '-t', opened.tmux_session]);
  }
}

function report(context: CliContext, place: ViewPlace, opened: OpenedView): void {
  const { out } = context;
  const attach = [...place.tmux.program, 'attach', '-t', `=${opened.session_name}`];
  const agents = opened.view.panes.filter(({ shows }) => shows !== 'inbox' && shows !== 'fleet').length;
  if (context.globals.json === true) {
    out.json({ session: opened.session_name, created: opened.created, attach, windows: windowsOf(opened) });
    return;
  }
  out.line(`session ${opened.session_name}: inbox, table and ${agents === 1 ? '1 agent' : `${agents} agents`}`);
  out.line(`attach with: ${attach.map(shellQuote).join(' ')}`);
}

function windowsOf({ view }: OpenedView): object[] {
  return view.windows.map(({ window_id, name }) => ({
    window_id,
    name,
    panes: view.panes
      .filter((pane) => pane.window_id === window_id)
      .map(({ pane_id, shows, title }) => ({ pane_id, shows, title })),
  }));
}
