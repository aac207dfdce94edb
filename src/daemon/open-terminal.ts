import type { Attachments } from '../attach/attachments.js';
import { FilareError } from '../contract/errors.js';
import type { ExecPipes, ExecTerminal } from '../engine/engine.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Session } from '../session/session.js';

/** What opening works with. */
export interface TerminalContext {
  readonly fleet: Fleet;
  readonly attachments: Attachments;
}

/** Opens what `?kind=` names: a shell, or Codex's login, in the container of the session; or Codex's own terminal interface on it. `?tty=no`: pipes instead of a terminal. */
export async function openTerminal(
  context: TerminalContext,
  session: Session,
  query: URLSearchParams,
): Promise<ExecTerminal | ExecPipes> {
  const size = { columns: Number(query.get('columns') ?? '80'), rows: Number(query.get('rows') ?? '24') };
  const kind = query.get('kind');
  const tty = query.get('tty') !== 'no';
  if (kind === 'attach') {
    if (!tty) throw new FilareError({ code: 'usage', message: "Codex's own interface needs a terminal" });
    return context.attachments.open(session, size);
  }
  const { stage } = session.state;
  if (stage.phase !== 'running')
    throw new FilareError({
      code: 'bad_state',
      message: `session ${session.state.session_id} is ${stage.phase}, not running`,
    });
  const { engine } = context.fleet.surroundings;
  const command = kind === 'login' ? ['/usr/local/bin/codex', 'login', '--device-auth'] : ['/bin/bash', '-l'];
  const request = { command, working_dir: '/home/agent/workspace' };
  return tty ? engine.terminal(stage.container.id, { ...request, ...size }) : engine.pipes(stage.container.id, request);
}
