/**
 * The interactive inbox on a terminal. Contract:
 * - the terminal is given back as it was (screen, cursor, raw mode) however this ends: q, Ctrl-C, a signal, a failure, the process leaving;
 * - a decision that was sent is not lost by leaving: its answer is waited for, at most LAST_WORDS_MS, and told below;
 * - the state is changed by keys and news only, one after another (take-key.ts, take-news.ts), and drawn after each.
 */
import type { Fleet } from '../../client/fleet.js';
import { asFilareError, FilareError } from '../../contract/errors.js';
import type { CliContext } from '../context.js';
import { decisionFailure } from '../decision-words.js';
import { FullScreen } from '../full-screen.js';
import { DetailCache } from './inbox-detail.js';
import { inboxNews, type InboxNews } from './inbox-feed.js';
import { EMPTY_INBOX, viewedPrompt, type InboxEffect, type InboxState, type InboxStep } from './inbox-state.js';
import { KeyDecoder, type Key } from './key-decoder.js';
import { renderInbox, type InboxPicture } from './render-inbox.js';
import { ringBytes } from './ring.js';
import { takeKey } from './take-key.js';
import { takeNews, type DecisionNews } from './take-news.js';

/** How often ages are drawn again, in milliseconds. */
const TICK_MS = 1000;
/** How long the rest of an escape sequence is waited for, in milliseconds. Over a slow line its parts may come apart. */
const ESCAPE_MS = 100;
/** How long the end of a paste is waited for, in milliseconds. */
const PASTE_MS = 2000;
/** How long answers to decisions are waited for after leaving, in milliseconds. */
const LAST_WORDS_MS = 5000;

/** See the top of this file. */
export async function runInbox(context: CliContext, fleet: Fleet, options: { readonly bell: boolean }): Promise<void> {
  const inbox = new TerminalInbox(context, fleet, options.bell);
  const { interrupted } = await inbox.run();
  await inbox.lastWords();
  if (interrupted) throw new FilareError({ code: 'interrupted', message: 'interrupted' });
}

class TerminalInbox {
  readonly #context: CliContext;
  readonly #fleet: Fleet;
  readonly #bell: boolean;
  readonly #screen: FullScreen;
  readonly #keys = new KeyDecoder();
  readonly #detail = new DetailCache();
  readonly #ending = new AbortController();
  readonly #deciding = new Set<Promise<void>>();
  #state: InboxState = EMPTY_INBOX;
  #picture: InboxPicture | undefined;
  #waiting: NodeJS.Timeout | undefined;
  #leave: (how: { readonly interrupted: boolean }) => void = () => undefined;
  #has_left = false;

  constructor(context: CliContext, fleet: Fleet, bell: boolean) {
    this.#context = context;
    this.#fleet = fleet;
    this.#bell = bell;
    this.#screen = new FullScreen(context.out);
  }

  async run(): Promise<{ readonly interrupted: boolean }> {
    const { stdin, stdout, out, interrupts } = this.#context;
    const restore = (): void => this.#screen.leave();
    const left = new Promise<{ readonly interrupted: boolean }>((settle) => (this.#leave = settle));
    const away = (): void => this.#leave({ interrupted: false });
    const signal = AbortSignal.any([interrupts.signal, out.gone, this.#ending.signal]);
    const tick = setInterval(this.#draw, TICK_MS);
    process.once('exit', restore);
    signal.addEventListener('abort', away);
    try {
      stdin.setRawMode?.(true);
      this.#screen.enter();
      stdin.on('data', this.#type);
      // An inbox that was left before has paused it.
      stdin.resume();
      stdin.once('end', away);
      stdin.once('error', away);
      stdout.on('resize', this.#resize);
      this.#draw();
      const how = await Promise.race([left, this.#listen(signal)]);
      interrupts.signal.throwIfAborted();
      return how;
    } finally {
      this.#has_left = true;
      clearInterval(tick);
      clearTimeout(this.#waiting);
      signal.removeEventListener('abort', away);
      this.#ending.abort();
      stdout.off('resize', this.#resize);
      stdin.off('data', this.#type);
      stdin.off('end', away);
      stdin.off('error', away);
      restore();
      process.off('exit', restore);
      stdin.setRawMode?.(false);
      stdin.pause();
    }
  }

  /** What became of the decisions that were on their way, and of the whole. */
  async lastWords(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((settle) => (timer = setTimeout(settle, LAST_WORDS_MS)));
    await Promise.race([Promise.allSettled(this.#deciding), late]);
    clearTimeout(timer);
    const { decided, prompts } = this.#state;
    this.#context.out.note(`${decided} decided, ${prompts.length} open`);
  }

  async #listen(signal: AbortSignal): Promise<never> {
    for await (const news of inboxNews(this.#fleet, signal)) this.#hear(news);
    // The signal has ended it: whoever raised it says how to leave.
    return new Promise<never>(() => undefined);
  }

  #hear(news: InboxNews | DecisionNews): void {
    this.#take(takeNews(this.#state, news, this.#context.now_ms()));
  }

  readonly #type = (chunk: Buffer | string): void => {
    clearTimeout(this.#waiting);
    for (const key of this.#keys.push(chunk)) this.#press(key);
    const { waits } = this.#keys;
    if (waits === null || this.#has_left) return;
    const flush = (): void => this.#keys.flush().forEach((key) => this.#press(key));
    this.#waiting = setTimeout(flush, waits === 'escape' ? ESCAPE_MS : PASTE_MS);
  };

  #press(key: Key): void {
    if (this.#has_left) return;
    const { shown, pane } = this.#picture ?? { shown: null, pane: { height: 0, lines: 0 } };
    this.#take(takeKey(this.#state, { key, now_ms: this.#context.now_ms(), shown, pane }));
  }

  #take(step: InboxStep): void {
    this.#state = step.state;
    for (const effect of step.effects) this.#do(effect);
    this.#draw();
  }

  #do(effect: InboxEffect): void {
    switch (effect.type) {
      case 'decide': {
        const work = this.#decide(effect).finally(() => this.#deciding.delete(work));
        this.#deciding.add(work);
        return;
      }
      case 'ring':
        if (this.#bell && !this.#has_left) this.#context.out.write(ringBytes(effect.prompt));
        return;
      case 'redraw':
        this.#resize();
        return;
      case 'leave':
        this.#has_left = true;
        this.#leave({ interrupted: effect.interrupted });
        return;
    }
  }

  async #decide(effect: Extract<InboxEffect, { type: 'decide' }>): Promise<void> {
    const { prompt, choice, reason, remember } = effect;
    const { prompt_id, revision } = prompt;
    try {
      const decision = { choice, reason, remember, revision, by: 'operator' };
      const record = await this.#fleet.decide(prompt_id, decision);
      this.#hear({ type: 'decided', record });
    } catch (error) {
      const failure = decisionFailure(asFilareError(error), prompt_id);
      this.#hear({ type: 'refused', prompt_id, words: failure.message });
      if (this.#has_left) this.#context.out.complain(failure.message);
    }
  }

  readonly #resize = (): void => {
    this.#screen.redraw();
    this.#draw();
  };

  readonly #draw = (): void => {
    if (this.#has_left) return;
    const { out, now_ms, stdout } = this.#context;
    // What is on the way has not been seen: keys go by the picture before. The next tick, key or event draws again.
    if (stdout.writableNeedDrain) return;
    const { columns, rows } = out.size;
    const detail = this.#detail.lines(viewedPrompt(this.#state), columns, this.#state.whole);
    this.#picture = renderInbox(this.#state, { columns, rows, now_ms: now_ms(), detail });
    this.#screen.draw(this.#picture.lines, this.#picture.cursor);
  };
}
