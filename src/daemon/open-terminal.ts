import type { Attachments } from '../attach/attachments.js';
import { z } from 'zod';
import { FilareError } from '../contract/errors.js';
import type { ExecPipes, ExecTerminal } from '../engine/engine.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Session } from '../session/session.js';

/** What opening works with. */
export interface TerminalContext {
  readonly fleet: Fleet;
  readonly attachments: Attachments;
}

/** A program and its arguments, handed over one by one: no shell reads them. */
const commandSchema = z.tuple([z.string().min(1)], z.string());

/** Opens what `?kind=` names: a shell (with `?command=` that instead), or Codex's login, in the container of the session; or Codex's own terminal interface on it. `?tty=no`: pipes instead of a terminal. */
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
  const request = { command: commandOf(kind, query.get('command')), working_dir: '/home/agent/workspace' };
  return tty ? engine.terminal(stage.container.id, { ...request, ...size }) : engine.pipes(stage.container.id, request);
}

function commandOf(kind: string | null, words: string | null): readonly string[] {
  if (kind === 'login') return ['/usr/local/bin/codex', 'login', '--device-auth'];
  if (words === null) return ['/bin/bash', '-l'];
  try {
    return commandSchema.parse(JSON.parse(words));
  } catch (cause) {
    const message = 'command is to be a list of words as JSON, the first of them a program';
    throw new FilareError({ code: 'usage', message, cause });
  }
}
