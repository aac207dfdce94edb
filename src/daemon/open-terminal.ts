import type { Attachments } from '../attach/attachments.js';
import { FilareError } from '../contract/errors.js';
import type { ExecTerminal } from '../engine/engine.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Session } from '../session/session.js';

/** What opening works with. */
export interface TerminalContext {
  readonly fleet: Fleet;
  readonly attachments: Attachments;
}

/** Opens what `?kind=` names: a shell, or Codex's login, in the container of the session; or Codex's own terminal interface on it. */
export async function openTerminal(
  context: TerminalContext,
  session: Session,
  query: URLSearchParams,
): Promise<ExecTerminal> {
  const size = { columns: Number(query.get('columns') ?? '80'), rows: Number(query.get('rows') ?? '24') };
  const kind = query.get('kind');
  if (kind === 'attach') return context.attachments.open(session, size);
  const { stage } = session.state;
  if (stage.phase !== 'running')
    throw new FilareError({
      code: 'bad_state',
      message: `session ${session.state.session_id} is ${stage.phase}, not running`,
    });
  const command = kind === 'login' ? ['/usr/local/bin/codex', 'login', '--device-auth'] : ['/bin/bash', '-l'];
  return context.fleet.surroundings.engine.terminal(stage.container.id, {
    command,
    working_dir: '/home/agent/workspace',
    ...size,
  });
}
