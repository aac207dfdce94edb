/** Where an agent's things are inside its container, as Codex is told. */
export const IN_CONTAINER = {
  home: '/home/agent',
  workspace: '/home/agent/workspace',
  codex_home: '/home/agent/.codex',
} as const;
