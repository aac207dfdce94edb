/** The name of the model that a rehearsed Codex is given; `codexModelCatalog` describes it. */
export const REHEARSAL_MODEL = 'rehearsal';

/** Where the rehearsal server is for one agent, and as whom it speaks there. */
export interface RehearsalSetup {
  /** Ends in `/v1`, e.g. `http://rehearsal:8080/v1`. */
  readonly base_url: string;
  readonly agent: string;
  readonly role: string;
  /** Path of the file with `codexModelCatalog()`, as Codex sees it. */
  readonly model_catalog: string;
}

/** What the agent's `config.toml` says so that its Codex plays a rehearsal: merge it, and write it as TOML. No key is needed. */
export function codexConfig(setup: RehearsalSetup): Record<string, unknown> {
  return {
    model: REHEARSAL_MODEL,
    model_provider: 'rehearsal',
    model_catalog_json: setup.model_catalog,
    model_providers: {
      rehearsal: {
        name: 'Rehearsal',
        base_url: setup.base_url,
        wire_api: 'responses',
        http_headers: { 'x-filare-agent': setup.agent, 'x-filare-role': setup.role },
      },
    },
    features: { enable_request_compression: false, plugins: false },
    analytics: { enabled: false },
  };
}

/** The catalogue file that makes `rehearsal` a model Codex knows: without it every turn begins with a warning, and edits are shown as commands.
 * The fields are those that Codex 0.169 requires. */
export function codexModelCatalog(): unknown {
  return {
    models: [
      {
        slug: REHEARSAL_MODEL,
        display_name: 'Rehearsal',
        description: 'Plays a script; no model is called.',
        base_instructions: 'You play a scripted part.',
        supported_reasoning_levels: [],
        shell_type: 'unified_exec',
        apply_patch_tool_type: 'freeform',
        visibility: 'list',
        supported_in_api: true,
        priority: 0,
        support_verbosity: false,
        supports_parallel_tool_calls: true,
        truncation_policy: { mode: 'tokens', limit: 10_000 },
        context_window: 272_000,
        experimental_supported_tools: [],
      },
    ],
  };
}
