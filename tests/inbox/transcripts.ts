import type { TranscriptEntry } from '../../src/contract/transcript.js';
import { command, WORKSPACE } from './requests.js';

/** A transcript under construction: prompts with what was decided. */
export class Past {
  readonly entries: TranscriptEntry[] = [];

  /** An agent asked to run a script, and somebody answered; without an answer it stays open. */
  asked(script: string, answer?: { readonly choice: string; readonly by: string }, agent = 'docs'): this {
    const { action, method } = command(script, WORKSPACE);
    return this.prompt(agent, { method, kind: 'approval', reason: null, requested_action: action }, script, answer);
  }

  /** An agent asked for something else. */
  prompt(
    agent: string,
    data: Readonly<Record<string, unknown>>,
    text: string,
    answer?: { readonly choice: string; readonly by: string },
  ): this {
    const prompt_id = `p-${this.entries.length}`;
    this.#add(agent, 'prompt', text, { prompt_id, choices: ['accept', 'decline', 'cancel'], ...data });
    if (answer !== undefined)
      this.#add(answer.by, 'decision', answer.choice, { prompt_id, rule: null, reason: null, ...answer });
    return this;
  }

  #add(from: string, kind: 'prompt' | 'decision', text: string, data: Record<string, unknown>): void {
    const seq = this.entries.length + 1;
    this.entries.push({
      seq,
      timestamp: new Date(Date.UTC(2026, 6, 1) + seq * 3_600_000).toISOString(),
      session_id: 's-1',
      role: 'DOCUMENTATION',
      branch: null,
      attempt: 1,
      direction: kind === 'prompt' ? 'out' : 'system',
      from,
      kind,
      text,
      requires_operator: kind === 'prompt',
      tags: [],
      data,
    });
  }
}

export const YES = { choice: 'accept', by: 'operator' };
export const NO = { choice: 'decline', by: 'operator' };
