/**
 * The attach room: Codex's own terminal interface on a session that runs.
 *
 * Contract:
 * - the daemon stays the only writer of an agent's pipe, and the journal the only source of what Codex said: a relay (relay.ts) stands between;
 * - what is decided, written or interrupted there is a decision, message or interrupt of the session, in its ledger before it reaches Codex;
 * - the relay's socket is reachable from the container of the terminal alone, never from an agent's;
 * - what an attachment needs is booked before it is made and gone after it; what a killed daemon left, the next one removes.
 */
import { FilareError } from '../contract/errors.js';
import type { ExecTerminal } from '../engine/engine.js';
import { removeBooked } from '../session/booking.js';
import { removeOfPurpose } from '../session/remove-of-purpose.js';
import type { Session } from '../session/session.js';
import { Attachment, ATTACH_DETAIL, type AttachSurroundings } from './attachment.js';
import { ATTACH_PURPOSE } from './helper-container.js';

/** All attached terminals of this daemon. */
export class Attachments {
  readonly #around: AttachSurroundings;
  readonly #open = new Set<Attachment>();

  constructor(around: AttachSurroundings) {
    this.#around = around;
  }

  /** Opens a terminal. Rejects with `bad_state` when the session does not run. */
  async open(session: Session, size: { readonly columns: number; readonly rows: number }): Promise<ExecTerminal> {
    const attachment: Attachment = new Attachment(this.#around, session, () => this.#open.delete(attachment));
    this.#open.add(attachment);
    return attachment.open(size);
  }

  /** Ends them all; resolves when nothing of them is left. */
  async end(): Promise<void> {
    const why = new FilareError({
      code: 'ended',
      message: 'the daemon ends, and this terminal with it; the session goes on',
    });
    await Promise.all([...this.#open].map((attachment) => attachment.end(why)));
  }

  /** Removes what a daemon that was killed has left; its sockets ended with it. An engine that does not answer is tried again by the next daemon. */
  async removeLeft(): Promise<void> {
    const { resources, log } = this.#around;
    for (const { kind, name, detail } of resources.open())
      if (kind === 'folder' && detail?.['what'] === ATTACH_DETAIL.what) await removeBooked(resources, 'folder', name);
    try {
      await removeOfPurpose(this.#around, ATTACH_PURPOSE, { reason: 'its daemon is gone' });
    } catch (failure) {
      log.warn({ err: failure }, 'terminals that a daemon left could not be removed');
    }
  }
}
