import type { Notification } from './notification.js';

/** How telling the operator in one way went. */
export interface NotifyOutcome {
  readonly way: 'desktop' | 'webhook' | 'command';
  /** Where to, without credentials: `desktop`, `https://hooks.example/***`, the command's first word. */
  readonly target: string;
  /** `unavailable`: this machine has no such way now (no desktop); nothing failed. */
  readonly outcome: 'sent' | 'failed' | 'unavailable';
  /** How often it was tried. */
  readonly tries: number;
  /** What went wrong last, a phrase; without secrets. */
  readonly error?: string;
  /** One word for it: the same word is the same trouble (`http_503`, `ECONNREFUSED`, `exit_1`, `timeout`). */
  readonly error_kind?: string;
}

/** How one try went. `again`: another try may go better; `wait_ms`: not before that. */
export type Try =
  | { readonly outcome: 'sent' }
  | { readonly outcome: 'unavailable'; readonly error: string; readonly error_kind: string }
  | {
      readonly outcome: 'failed';
      readonly error: string;
      readonly error_kind: string;
      readonly again: boolean;
      readonly wait_ms?: number | undefined;
    };

/** One way to tell, ready to be tried with one notification. */
export interface Telling {
  readonly way: NotifyOutcome['way'];
  readonly target: string;
  readonly max_tries: number;
  /** Milliseconds to wait after so many tries; `random` is from 0 to 1. */
  readonly backOffMs: (tries: number, random: number) => number;
  /** Tries once. Has a deadline of its own, ends soon after `signal`, and does not reject. */
  readonly attempt: (made: Notification, signal: AbortSignal) => Promise<Try>;
}

/** Why something is given up from outside, as the reason of an AbortSignal. */
export class GivenUp extends Error {
  /** One word for it. */
  readonly kind: string;

  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}
