import { MAX_TOOL_WAIT_S } from '../contract/tools.js';

/** Clients whose configuration can be printed; `json` is the bare entry, for any other. */
export const MCP_CLIENTS = ['codex', 'claude', 'json'] as const;
/** A client whose configuration can be printed. */
export type McpClient = (typeof MCP_CLIENTS)[number];

/** How a client is to start the server. */
export interface McpEntry {
  readonly command: string;
  readonly args: readonly string[];
  /** What a client that clears the environment must hand on. */
  readonly env: Readonly<Record<string, string>>;
}

/** What a call may take beyond the longest wait of a tool, in seconds. */
const BEYOND_WAIT_S = 60;

/** Variables that decide where the engine is: the server may have to start the daemon, which inherits them. */
const HANDED_ON = ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'];

/** The variables of `env` that the server needs; `XDG_RUNTIME_DIR` where the project's socket is in it, for else it would look elsewhere. */
export function neededEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  socket: string,
): Record<string, string> {
  const runtime = env['XDG_RUNTIME_DIR'] ?? '';
  const names = runtime !== '' && socket.startsWith(`${runtime}/`) ? [...HANDED_ON, 'XDG_RUNTIME_DIR'] : HANDED_ON;
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => {
      const value = env[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

/** The snippet to add to the client's configuration, ending in a line break. */
export function clientConfig(client: McpClient, entry: McpEntry): string {
  const { command, args, env } = entry;
  const with_env = Object.keys(env).length === 0 ? {} : { env };
  switch (client) {
    case 'codex':
      return codexToml(entry);
    case 'claude':
      return json({ mcpServers: { filare: { type: 'stdio', command, args, ...with_env } } });
    case 'json':
      return json({ command, args, ...with_env });
  }
}

/** For `~/.codex/config.toml`. Codex gives up on a tool after a minute unless it is told otherwise. */
function codexToml({ command, args, env }: McpEntry): string {
  const variables = Object.entries(env).map(([name, value]) => `${name} = ${tomlString(value)}`);
  return [
    '[mcp_servers.filare]',
    `command = ${tomlString(command)}`,
    `args = [${args.map(tomlString).join(', ')}]`,
    `tool_timeout_sec = ${MAX_TOOL_WAIT_S + BEYOND_WAIT_S}`,
    ...(variables.length === 0 ? [] : [`env = { ${variables.join(', ')} }`]),
    '',
  ].join('\n');
}

/** JSON's strings are TOML's basic strings, but for DEL. */
function tomlString(value: string): string {
  return JSON.stringify(value).replaceAll('\u007f', '\\u007f');
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
