import type { AgentEvent } from '../contract/agent-event.js';
import { isRecord, numberOrNull, recordOf, recordsOf, textOf, textOrNull } from './fields.js';
import type { ServerNotification } from './generated/protocol.js';
import { messageText, readItem } from './items.js';

type Fields = Readonly<Record<string, unknown>>;
/** Events of one notification; undefined: of no interest to a reader of the story. */
type Reader = (params: Fields, emitted_ms: number | null) => AgentEvent | undefined;

/** Says of a notification that nobody needs to see it. */
const quiet: Reader = () => undefined;

/** Every notification of the pinned Codex; a new one in an upgraded Codex does not compile until somebody has decided about it. */
const READ_NOTIFICATION: Record<ServerNotification['method'], Reader> = {
  'thread/started': (params) => ({ type: 'thread_started', thread_id: textOf(recordOf(params, 'thread'), 'id') }),
  'turn/started': (params, emitted_ms) => ({
    type: 'turn_started',
    turn_id: textOf(recordOf(params, 'turn'), 'id'),
    time_ms: turnTime(params, 'startedAt', emitted_ms),
  }),
  'turn/completed': readTurnEnd,
  'item/started': (params, emitted_ms) => {
    const item = recordOf(params, 'item');
    const turn_id = textOf(params, 'turnId');
    const time_ms = numberOrNull(params, 'startedAtMs') ?? emitted_ms;
    if (textOf(item, 'type') !== 'userMessage') return { type: 'item_started', turn_id, item: readItem(item), time_ms };
    return {
      type: 'message_shown',
      turn_id,
      message_id: textOrNull(item, 'clientId'),
      text: messageText(item),
      time_ms,
    };
  },
  'item/completed': (params, emitted_ms) => {
    const item = recordOf(params, 'item');
    // A user's message starts and completes at once; its start has been told.
    if (textOf(item, 'type') === 'userMessage') return undefined;
    return {
      type: 'item_done',
      turn_id: textOf(params, 'turnId'),
      item: readItem(item),
      time_ms: numberOrNull(params, 'completedAtMs') ?? emitted_ms,
    };
  },
  'item/agentMessage/delta': (params) => piece(params, 'reply'),
  'item/plan/delta': (params) => piece(params, 'plan'),
  'item/commandExecution/outputDelta': (params) => piece(params, 'command'),
  'item/reasoning/summaryTextDelta': (params) => piece(params, 'reasoning'),
  'item/reasoning/textDelta': (params) => piece(params, 'reasoning'),
  'item/reasoning/summaryPartAdded': (params) =>
    numberOrNull(params, 'summaryIndex') === 0 ? undefined : piece({ ...params, delta: '\n\n' }, 'reasoning'),
  'turn/plan/updated': readPlan,
  'thread/tokenUsage/updated': (params) => {
    const total = recordOf(recordOf(params, 'tokenUsage'), 'total');
    return {
      type: 'tokens',
      turn_id: textOf(params, 'turnId'),
      total: numberOrNull(total, 'totalTokens') ?? 0,
      input: numberOrNull(total, 'inputTokens') ?? 0,
      cached_input: numberOrNull(total, 'cachedInputTokens') ?? 0,
      output: numberOrNull(total, 'outputTokens') ?? 0,
      reasoning: numberOrNull(total, 'reasoningOutputTokens') ?? 0,
    };
  },
  'serverRequest/resolved': (params) => {
    const id = params['requestId'];
    return typeof id === 'string' || typeof id === 'number' ? { type: 'request_closed', request_id: id } : undefined;
  },
  error: (params) => {
    const error = recordOf(params, 'error');
    const more = textOrNull(error, 'additionalDetails');
    return {
      type: 'error',
      text: more === null ? textOf(error, 'message') : `${textOf(error, 'message')}: ${more}`,
      will_retry: params['willRetry'] === true,
      turn_id: textOrNull(params, 'turnId'),
      data: { info: error['codexErrorInfo'] ?? null },
    };
  },

  warning: (params) => warning(textOf(params, 'message')),
  configWarning: (params) =>
    warning(textOf(params, 'summary'), { details: textOrNull(params, 'details'), path: textOrNull(params, 'path') }),
  deprecationNotice: (params) => warning(textOf(params, 'summary'), { details: textOrNull(params, 'details') }),
  guardianWarning: (params) => warning(textOf(params, 'message')),
  'model/rerouted': (params) =>
    warning(`another model answers: ${textOf(params, 'toModel')} instead of ${textOf(params, 'fromModel')}`),
  'modelProvider/authRecoveryStarted': (params) =>
    warning(`${textOf(params, 'provider')}: ${textOf(params, 'message')}`),
  'mcpServer/startupStatus/updated': (params) =>
    textOf(params, 'status') === 'failed'
      ? warning(`the MCP server ${textOf(params, 'name')} did not start: ${textOf(params, 'error')}`)
      : undefined,
  'account/login/completed': (params) =>
    params['success'] === false ? warning(`the login failed: ${textOf(params, 'error')}`) : undefined,
  'thread/environment/disconnected': () => warning('Codex lost its connection to the place where commands run'),
  'thread/closed': () => warning('Codex closed the thread'),

  // These cannot happen under the configuration that config-toml.ts writes: whoever sees one looks at an attempt to decide without the operator.
  'hook/started': (params) =>
    warning(`a hook of Codex ran although hooks are off: ${textOf(recordOf(params, 'run'), 'sourcePath')}`, {
      run: recordOf(params, 'run'),
    }),
  'item/autoApprovalReview/completed': (params) =>
    warning('Codex reviewed an approval by itself although that is off', { review: params }),
  'autoApprovalReview/strictReviewRequired': (params) =>
    warning('Codex wants to review an approval by itself although that is off', { review: params }),

  'hook/completed': quiet,
  'item/autoApprovalReview/started': quiet,
  'thread/status/changed': quiet,
  'thread/readState/changed': quiet,
  'thread/archived': quiet,
  'thread/deleted': quiet,
  'thread/unarchived': quiet,
  'thread/reverted': quiet,
  'skills/changed': quiet,
  'thread/name/updated': quiet,
  'thread/section/changed': quiet,
  'thread/attachment/updated': quiet,
  'thread/goal/updated': quiet,
  'thread/prediction/updated': quiet,
  'thread/goal/cleared': quiet,
  'thread/queue/changed': quiet,
  'project/changed': quiet,
  'thread/project/updated': quiet,
  'thread/environment/connected': quiet,
  'thread/settings/updated': quiet,
  'turn/diff/updated': quiet,
  'rawResponseItem/completed': quiet,
  'rawResponse/completed': quiet,
  'command/exec/outputDelta': quiet,
  'process/outputDelta': quiet,
  'process/exited': quiet,
  'item/commandExecution/terminalInteraction': quiet,
  'item/fileChange/outputDelta': quiet,
  'item/fileChange/patchUpdated': quiet,
  'item/mcpToolCall/progress': quiet,
  'mcpServer/oauthLogin/completed': quiet,
  'mcpServer/event/stream/notification': quiet,
  'account/updated': quiet,
  'account/gatewayOAuth/changed': quiet,
  'account/rateLimits/updated': quiet,
  'app/list/updated': quiet,
  'remoteControl/status/changed': quiet,
  'externalAgentConfig/import/progress': quiet,
  'externalAgentConfig/import/completed': quiet,
  'fs/changed': quiet,
  'thread/compacted': quiet,
  'model/verification': quiet,
  'modelProvider/authRecoveryCompleted': quiet,
  'turn/moderationMetadata': quiet,
  'model/safetyBuffering/updated': quiet,
  'fuzzyFileSearch/sessionUpdated': quiet,
  'fuzzyFileSearch/sessionCompleted': quiet,
  'thread/realtime/started': quiet,
  'thread/realtime/itemAdded': quiet,
  'thread/realtime/item/started': quiet,
  'thread/realtime/item/transcript/delta': quiet,
  'thread/realtime/item/completed': quiet,
  'thread/realtime/transcript/delta': quiet,
  'thread/realtime/transcript/done': quiet,
  'thread/realtime/outputAudio/delta': quiet,
  'thread/realtime/sdp': quiet,
  'thread/realtime/error': quiet,
  'thread/realtime/closed': quiet,
  'windows/worldWritableWarning': quiet,
  'windowsSandbox/setupCompleted': quiet,
};

/** Every notification method of the pinned Codex, with what reads it. A Map, so that no hostile method (`constructor`) is found. */
export const NOTIFICATION_READERS: ReadonlyMap<string, Reader> = new Map(Object.entries(READ_NOTIFICATION));

function piece(params: Fields, kind: 'reply' | 'reasoning' | 'plan' | 'command'): AgentEvent {
  return {
    type: 'item_piece',
    turn_id: textOf(params, 'turnId'),
    item_id: textOf(params, 'itemId'),
    kind,
    text: textOf(params, 'delta'),
  };
}

function warning(text: string, data: Fields = {}): AgentEvent {
  return { type: 'warning', text, data };
}

function readTurnEnd(params: Fields, emitted_ms: number | null): AgentEvent {
  const turn = recordOf(params, 'turn');
  const status = textOf(turn, 'status');
  const error = turn['error'];
  return {
    type: 'turn_ended',
    turn_id: textOf(turn, 'id'),
    status: status === 'completed' || status === 'interrupted' ? status : 'failed',
    error: isRecord(error) ? textOf(error, 'message') : null,
    time_ms: turnTime(params, 'completedAt', emitted_ms),
  };
}

/** The moment the notification was sent, in milliseconds; a turn's own times are whole seconds. */
function turnTime(params: Fields, key: 'startedAt' | 'completedAt', emitted_ms: number | null): number | null {
  if (emitted_ms !== null) return emitted_ms;
  const seconds = numberOrNull(recordOf(params, 'turn'), key);
  return seconds === null ? null : seconds * 1000;
}

const STEP_MARKS: Readonly<Record<string, string>> = { completed: '[x]', inProgress: '[>]', pending: '[ ]' };

function readPlan(params: Fields): AgentEvent {
  const steps = recordsOf(params, 'plan').map((step) => ({
    step: textOf(step, 'step'),
    status: textOf(step, 'status'),
  }));
  const explanation = textOrNull(params, 'explanation');
  const lines = steps.map(({ step, status }) => `${STEP_MARKS[status] ?? '[ ]'} ${step}`);
  return {
    type: 'plan',
    turn_id: textOf(params, 'turnId'),
    text: [...(explanation === null ? [] : [explanation]), ...lines].join('\n'),
    data: {
      explanation,
      steps: steps.map(({ step, status }) => ({ step, status: status === 'inProgress' ? 'running' : status })),
    },
  };
}
