import { z } from 'zod';

/** Variables that change what a program loads or runs before it does its own work, or that the container sets itself, with what to do instead. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^CODEX_(?!API_KEY$)/, 'set Codex up with the field codex'],
  [/^GIT_/, 'the field git names the author; configure the rest in the workspace'],
  [/^LD_/, 'programs of the container load their own libraries'],
  [/^NODE_OPTIONS$/, 'programs of the container run as they are'],
  [
    /^(?:BASH_.*|ENV|SHELLOPTS|BASHOPTS|IFS|PS4|PROMPT_COMMAND|CDPATH|GLOBIGNORE|ZDOTDIR)$/,
    'shells of the container run as they are',
  ],
  [
    /^(?:GCONV_PATH|GLIBC_TUNABLES|HOSTALIASES|LOCPATH|NLSPATH|RESOLV_HOST_CONF|RES_OPTIONS|OPENSSL_CONF|OPENSSL_ENGINES|OPENSSL_MODULES)$/,
    'programs of the container run as they are',
  ],
  [
    /^(?:PATH|HOME|USER|LOGNAME|SHELL|PWD|OLDPWD|TERM|SSH_AUTH_SOCK|SSH_AGENT_PID|SSH_ASKPASS)$/,
    'the container sets it',
  ],
  [/^FILARE_/, 'the container sets it'],
];
/** Keys that Codex itself looks for. */
const MODEL_KEYS = ['OPENAI_API_KEY', 'CODEX_API_KEY'];

/** What to do instead of setting this variable, or undefined when an env file may set it. */
export function whyNotVariable(name: string): string | undefined {
  return REFUSED.find(([pattern]) => pattern.test(name))?.[1];
}

/**
 * Names of variables that hold a model's key and stay with Codex: its own two, and what the providers of `codex.config` name in `env_key` and
 * `env_http_headers` (every provider: a key that is not used now is a secret too).
 */
export function modelKeyNames(codexConfig: Readonly<Record<string, unknown>>): string[] {
  const providers = Object.values(record(codexConfig['model_providers'])).map(record);
  const named = providers.flatMap((provider) => [
    provider['env_key'],
    ...Object.values(record(provider['env_http_headers'])),
  ]);
  return [...new Set([...MODEL_KEYS, ...named.filter((name) => typeof name === 'string')])];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  return parsed.success ? parsed.data : {};
}
