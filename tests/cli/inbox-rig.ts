import type { Prompt, PromptDecision } from '../../src/contract/session.js';
import { detailLines } from '../../src/cli/inbox/inbox-detail.js';
import type { InboxNews } from '../../src/cli/inbox/inbox-feed.js';
import { EMPTY_INBOX, viewedPrompt, type InboxEffect, type InboxState } from '../../src/cli/inbox/inbox-state.js';
import { KeyDecoder } from '../../src/cli/inbox/key-decoder.js';
import { renderInbox, type InboxPicture } from '../../src/cli/inbox/render-inbox.js';
import { takeKey } from '../../src/cli/inbox/take-key.js';
import { takeNews, type DecisionNews } from '../../src/cli/inbox/take-news.js';
import { textOf } from '../../src/cli/style.js';
import { promptOf } from './samples.js';

/** An inbox without a terminal: keys and news go in, a picture and effects come out. Time passes only as it is told to. */
export class PaperInbox {
  state: InboxState = EMPTY_INBOX;
  readonly effects: InboxEffect[] = [];
  now_ms = 1_000_000;
  columns = 80;
  rows = 24;
  #picture: InboxPicture;

  constructor(...prompts: readonly Prompt[]) {
    this.#picture = this.draw();
    this.hear({ type: 'start', prompts });
    this.wait(1000);
  }

  /** Bytes as a terminal sends them, each key drawn before the next one. */
  press(bytes: string): this {
    const decoder = new KeyDecoder();
    for (const key of [...decoder.push(bytes), ...decoder.flush()]) {
      const { shown, pane } = this.#picture;
      this.#take(takeKey(this.state, { key, now_ms: this.now_ms, shown, pane }));
      this.draw();
    }
    return this;
  }

  hear(news: InboxNews | DecisionNews): this {
    this.#take(takeNews(this.state, news, this.now_ms));
    this.draw();
    return this;
  }

  close(prompt_id: string, decision: Partial<PromptDecision> = {}): this {
    const at = new Date(this.now_ms).toISOString();
    const told: PromptDecision = {
      outcome: 'approved',
      choice: 'accept',
      by: 'judge',
      reason: null,
      rule: null,
      at,
      ...decision,
    };
    return this.hear({ type: 'closed', prompt_id, record: { ...promptOf({ prompt_id }), decision: told } });
  }

  wait(wait_ms: number): this {
    this.now_ms += wait_ms;
    this.draw();
    return this;
  }

  draw(): InboxPicture {
    const prompt = viewedPrompt(this.state);
    const detail = prompt === undefined ? [] : detailLines(prompt, this.columns, this.state.whole);
    this.#picture = renderInbox(this.state, { columns: this.columns, rows: this.rows, now_ms: this.now_ms, detail });
    return this.#picture;
  }

  /** What can be read, line by line. */
  get lines(): string[] {
    return this.draw().lines.map((line) => line.map(textOf).join(''));
  }

  /** Decisions that were sent, in short. */
  get decisions(): unknown[] {
    return this.effects.flatMap((effect) => {
      if (effect.type !== 'decide') return [];
      const { type: _, prompt, ...rest } = effect;
      return [{ prompt: prompt.prompt_id, revision: prompt.revision, ...rest }];
    });
  }

  get note(): string {
    return this.state.note?.words ?? '';
  }

  #take(step: { readonly state: InboxState; readonly effects: readonly InboxEffect[] }): void {
    this.state = step.state;
    this.effects.push(...step.effects);
  }
}

/** Prompts in this order, `p-1` the oldest. */
export function promptsOf(...patches: readonly Partial<Prompt>[]): Prompt[] {
  return patches.map((patch, at) =>
    promptOf({ prompt_id: `p-${at + 1}`, created_at: new Date(at * 1000).toISOString(), ...patch }),
  );
}
