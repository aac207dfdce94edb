import type { NotifyOutcome } from './outcome.js';

/** Remembers which troubles of which agent's ways have been told, until the way works again. */
export interface SaidOnce {
  /** Whether this outcome is trouble that has not been told since the way last worked. `lane` names the way. */
  isNews(agent_id: string, lane: string, outcome: NotifyOutcome): boolean;
}

/** Ways remembered at most; of more, the longest untouched is forgotten, and its trouble told again. */
const MAX_WAYS = 4096;

/** A memory that has heard of nothing yet. */
export function saidOnce(): SaidOnce {
  const said = new Map<string, Set<string>>();
  return {
    isNews(agent_id, lane, outcome) {
      const way = JSON.stringify([agent_id, lane]);
      const kinds = said.get(way) ?? new Set();
      said.delete(way);
      if (outcome.outcome === 'sent') return false;
      const kind = outcome.error_kind ?? outcome.outcome;
      const is_news = !kinds.has(kind);
      said.set(way, kinds.add(kind));
      const [oldest] = said.keys();
      if (said.size > MAX_WAYS && oldest !== undefined) said.delete(oldest);
      return is_news;
    },
  };
}
