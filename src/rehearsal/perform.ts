import { itemId, summary, type Conversation } from './conversation.js';
import type { Scene } from './cue.js';
import { DEFAULT_PACE, type Step } from './plan.js';
import type { ResponseStream } from './response-stream.js';
import type { Tally } from './tally.js';
import { fill } from './template.js';
import { pollCall, toolCall, type ToolStep } from './tool-call.js';

/** What a turn ends with when its script says nothing after its last tool call. */
const DEFAULT_ENDING = 'Done.';

/** What is played, where the agent stands in it, and the count of failures already played. */
export interface Performance {
  readonly scene: Scene;
  readonly conversation: Conversation;
  readonly tally: Tally;
  /** Names this turn of this agent in the tally. */
  readonly key: string;
}

/** Plays one answer: from the first unplayed step up to and including the next tool call (or a failure), else to the end of the turn.
 * Returns the kinds of the steps that were played. */
export async function perform(performance: Performance, stream: ResponseStream): Promise<string[]> {
  const { scene, conversation } = performance;
  if (conversation.purpose === 'compaction') {
    await stream.message(
      itemId('msg', conversation, conversation.step),
      summary(conversation),
      DEFAULT_PACE,
      'final_answer',
    );
    await stream.complete(conversation.tokens);
    return ['summary'];
  }
  const played: string[] = [];
  const before = scene.steps[conversation.step - 1];
  if (conversation.running && before?.kind === 'run' && !before.background) {
    await stream.call(pollCall(conversation, conversation.running));
    await stream.complete(conversation.tokens);
    return ['poll'];
  }
  for (let index = conversation.step; index < scene.steps.length; index++) {
    const step = scene.steps[index];
    if (!step) break;
    played.push(step.kind);
    if ((await playStep(performance, stream, step, index)) === 'ended') return played;
  }
  if (!saysAnything(scene.steps.slice(lastToolStep(scene.steps) + 1))) {
    played.push('ending');
    const id = itemId('msg', conversation, Math.max(conversation.step, scene.steps.length));
    await stream.message(id, DEFAULT_ENDING, DEFAULT_PACE, 'final_answer');
  }
  await stream.complete(conversation.tokens);
  return played;
}

async function playStep(
  { scene, conversation, tally, key }: Performance,
  stream: ResponseStream,
  step: Step,
  index: number,
): Promise<'ended' | 'go on'> {
  const words = (text: string): string => fill(text, scene.values);
  switch (step.kind) {
    case 'say': {
      const phase =
        index > lastToolStep(scene.steps) && !saysAnything(scene.steps.slice(index + 1))
          ? 'final_answer'
          : 'commentary';
      await stream.message(itemId('msg', conversation, index), words(step.text), step.pace, phase);
      return 'go on';
    }
    case 'reason':
      await stream.reasoning(itemId('rs', conversation, index), words(step.text), step.pace);
      return 'go on';
    case 'wait':
      await stream.wait(step.ms);
      return 'go on';
    case 'hang':
      await stream.silence(step.ms);
      return step.ms === null ? 'ended' : 'go on';
    case 'fail':
      if (!tally.due(`${key} ${index}`, step.times)) return 'go on';
      await stream.fail(step.status, words(step.message), step.retry_after_ms);
      return 'ended';
    case 'stream_cut':
      if (!tally.due(`${key} ${index}`, step.times)) return 'go on';
      if (step.text !== '')
        await stream.brokenMessage(itemId('msg', conversation, index), words(step.text), DEFAULT_PACE);
      await stream.cut();
      return 'ended';
    case 'run':
    case 'write':
    case 'patch':
    case 'call':
      await stream.call(toolCall(step, scene.values, conversation, index));
      await stream.complete(conversation.tokens);
      return 'ended';
  }
}

function lastToolStep(steps: readonly Step[]): number {
  return steps.findLastIndex((step) => isToolStep(step));
}

function isToolStep(step: Step): step is ToolStep {
  return step.kind === 'run' || step.kind === 'write' || step.kind === 'patch' || step.kind === 'call';
}

function saysAnything(steps: readonly Step[]): boolean {
  return steps.some((step) => step.kind === 'say');
}
