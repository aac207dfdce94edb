import type { StorySource } from '../transcript/story-fact.js';
import type { SessionRecord } from './record.js';
import type { SessionState } from './state.js';
import { tell, tellPauseQuestion, tellSuperseded } from './story.js';

/** What a record of the ledger gives the story to tell, in order; `before` and `after` are the states around it. */
export function recordSources(
  { fact, time_ms }: SessionRecord,
  before: SessionState,
  after: SessionState,
): readonly StorySource[] {
  const { attempt } = after;
  const sources: StorySource[] = [];
  if (fact.type === 'workspace_ready') sources.push({ from: 'branch', branch: fact.branch });
  if (fact.type === 'message') {
    const { message_id, from, text, mode } = fact;
    sources.push({ from: 'fact', attempt, time_ms, fact: { type: 'message', message_id, from, text, mode } });
  }
  for (const told of [tellSuperseded(fact, before), tell(fact, after), tellPauseQuestion(fact)]) {
    if (told !== null) sources.push({ from: 'fact', attempt, time_ms, fact: told });
  }
  return sources;
}
