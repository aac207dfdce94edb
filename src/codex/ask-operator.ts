import type { DynamicToolSpec } from './generated/protocol.js';

/** Name of the tool with which an agent asks its operator. */
export const ASK_OPERATOR = 'ask_operator';

/** The tool that every agent gets at `thread/start`; a call of it becomes a question in the inbox, and its answer is what the operator said. */
export const ASK_OPERATOR_TOOL: DynamicToolSpec = {
  type: 'function',
  name: ASK_OPERATOR,
  description:
    'Ask the human operator one question. Use it when a decision is not yours to make, when instructions conflict, ' +
    'or when you lack something only a person can give. The answer may take a long time; with blocking: false you go on at once and get it as a ' +
    'message later. Do not use it to report progress.',
  inputSchema: {
    type: 'object',
    properties: {
      question: {
        type: 'string',
        description: 'The question, complete in itself: the operator may not have read the conversation.',
      },
      choices: { type: 'array', items: { type: 'string' }, description: 'Answers to choose from, when there are few.' },
      suggested_reply: { type: 'string', description: 'The answer you would give yourself.' },
      blocking: {
        type: 'boolean',
        description:
          'false: you can go on without the answer. Left out or true: the call ends when the operator has answered.',
      },
      severity: { type: 'string', enum: ['info', 'warning', 'critical'], description: 'How much depends on it.' },
    },
    required: ['question'],
    additionalProperties: false,
  },
};
