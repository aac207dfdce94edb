import { styled, type Span } from './style.js';

/** What stands below a table whose daemon does not answer. */
export const DAEMON_AWAY: Span[] = [
  styled(
    'yellow',
    'the daemon does not answer; this was seen last. Agents keep running, and any command starts it again',
  ),
];

/** As DAEMON_AWAY, where every change is a line of its own. */
export const DAEMON_AWAY_LINE = 'the daemon does not answer: agents keep running, and any command starts it again';

/** After one of the above. */
export const DAEMON_BACK_LINE = 'the daemon answers again';
