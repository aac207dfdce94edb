import { z } from 'zod';
import type {
  CancelLoginAccountParams,
  CancelLoginAccountResponse,
  InitializeParams,
  InitializeResponse,
  LoginAccountParams,
  LoginAccountResponse,
  ThreadForkParams,
  ThreadForkResponse,
  ThreadLoadedListParams,
  ThreadLoadedListResponse,
  ThreadReadParams,
  ThreadReadResponse,
  ThreadResumeParams,
  ThreadResumeResponse,
  ThreadStartParams,
  ThreadStartResponse,
  TurnInterruptParams,
  TurnInterruptResponse,
  TurnStartParams,
  TurnStartResponse,
  TurnSteerParams,
  TurnSteerResponse,
} from './generated/protocol.js';

/** Parameters and answer of each request that we make, as the pinned Codex declares them. */
export interface ClientMethods {
  readonly initialize: { readonly params: InitializeParams; readonly result: InitializeResponse };
  readonly 'thread/start': { readonly params: ThreadStartParams; readonly result: ThreadStartResponse };
  readonly 'thread/resume': { readonly params: ThreadResumeParams; readonly result: ThreadResumeResponse };
  readonly 'thread/fork': { readonly params: ThreadForkParams; readonly result: ThreadForkResponse };
  readonly 'thread/read': { readonly params: ThreadReadParams; readonly result: ThreadReadResponse };
  readonly 'thread/loaded/list': { readonly params: ThreadLoadedListParams; readonly result: ThreadLoadedListResponse };
  readonly 'turn/start': { readonly params: TurnStartParams; readonly result: TurnStartResponse };
  readonly 'turn/steer': { readonly params: TurnSteerParams; readonly result: TurnSteerResponse };
  readonly 'turn/interrupt': { readonly params: TurnInterruptParams; readonly result: TurnInterruptResponse };
  readonly 'account/login/start': { readonly params: LoginAccountParams; readonly result: LoginAccountResponse };
  readonly 'account/login/cancel': {
    readonly params: CancelLoginAccountParams;
    readonly result: CancelLoginAccountResponse;
  };
}

/** A request that we make. */
export type ClientMethod = keyof ClientMethods;

const thread = z.looseObject({ id: z.string() });

/** What we read of each answer; the rest passes through. A test holds that the declared answers fit. */
export const RESULTS = {
  initialize: z.looseObject({ userAgent: z.string(), codexHome: z.string() }),
  'thread/start': z.looseObject({ thread, model: z.string() }),
  'thread/resume': z.looseObject({ thread, model: z.string() }),
  'thread/fork': z.looseObject({ thread, model: z.string() }),
  'thread/read': z.looseObject({ thread }),
  'thread/loaded/list': z.looseObject({ data: z.array(z.string()) }),
  'turn/start': z.looseObject({ turn: z.looseObject({ id: z.string() }) }),
  'turn/steer': z.looseObject({ turnId: z.string() }),
  'turn/interrupt': z.looseObject({}),
  'account/login/start': z.looseObject({
    type: z.string(),
    loginId: z.string().optional(),
    verificationUrl: z.string().optional(),
    userCode: z.string().optional(),
  }),
  'account/login/cancel': z.looseObject({}),
} satisfies Record<ClientMethod, z.ZodType>;

/** What `request` resolves with. */
export type ClientResult<M extends ClientMethod> = z.output<(typeof RESULTS)[M]>;

/** How long we wait for the answer to each request, in milliseconds. Starting a thread reads the disk and starts MCP servers. */
export const DEADLINES_MS: Readonly<Record<ClientMethod, number>> = {
  initialize: 30_000,
  'thread/start': 60_000,
  'thread/resume': 120_000,
  'thread/fork': 120_000,
  'thread/read': 30_000,
  'thread/loaded/list': 20_000,
  'turn/start': 30_000,
  'turn/steer': 30_000,
  'turn/interrupt': 30_000,
  'account/login/start': 60_000,
  'account/login/cancel': 30_000,
};

/** Codex refuses input of more than so many characters (`input_too_large`). */
export const MAX_INPUT_CHARS = 1_048_576;
