import { execFileSync } from 'node:child_process';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import type { AgentSpec } from '../../src/contract/agent-spec.js';
import { FEATURES_OFF } from '../../src/codex/config-guard.js';
import { configToml, type ConfigOptions } from '../../src/codex/config-toml.js';
import { CODEX_PROCESS_PATH } from '../../src/codex/guarded-files.js';
import { threadResumeParams, threadStartParams } from '../../src/codex/thread-params.js';
import { agentSpec } from './agents.js';
import { codexBinary, makeHome } from './rig.js';

const rehearsal = { base_url: 'http://rehearsal:8080/v1', agent: 'alpha', role: 'FEATURE' };
function config(
  codex: Partial<AgentSpec['codex']> = {},
  options: Partial<ConfigOptions> = {},
  rest: Partial<AgentSpec> = {},
) {
  const agent = agentSpec({ codex: { sandbox: 'danger-full-access', config: {}, ...codex }, ...rest });
  return parse(configToml(agent, { model_key_names: [], ...options }));
}

describe('the configuration of an agent', () => {
  it('leaves every decision with the operator', () => {
    expect(config({ model: 'gpt-x', effort: 'high' })).toMatchObject({
      model: 'gpt-x',
      model_reasoning_effort: 'high',
      approvals_reviewer: 'user',
      sandbox_mode: 'danger-full-access',
      allow_login_shell: false,
      notify: [],
      agents: { enabled: false },
      projects: { '/home/agent/workspace': { trust_level: 'untrusted' } },
      analytics: { enabled: false },
      check_for_update_on_startup: false,
    });
  });

  it('is what the pinned Codex takes, with every dangerous feature off', () => {
    const place = makeHome(configToml(agentSpec(), { model_key_names: [], rehearsal }));
    try {
      const listed = execFileSync(codexBinary(), ['features', 'list'], {
        env: { PATH: CODEX_PROCESS_PATH, HOME: place.home, CODEX_HOME: place.codex },
        encoding: 'utf8',
      });
      const on = listed
        .split('\n')
        .filter((text) => /\btrue$/.test(text))
        .map((text) => text.split(' ')[0] ?? '');
      expect(on.length).toBeGreaterThan(10);
      // Sub-agents are switched off by agents.enabled; the feature's own switch is deprecated.
      expect(on.filter((name) => FEATURES_OFF.some((off) => off === name && off !== 'multi_agent'))).toEqual([]);
    } finally {
      place.remove();
    }
  });

  it('takes the manifest’s own keys under that', () => {
    const toml = config({
      config: {
        model: 'mine',
        model_verbosity: 'low',
        history: { persistence: 'save-all' },
        features: { view_image: false },
        mcp_servers: { db: { command: 'db-mcp', env: { A: '1' } }, web: { url: 'https://x' } },
      },
    });
    expect(toml).toMatchObject({
      model: 'mine',
      model_verbosity: 'low',
      history: { persistence: 'save-all' },
      features: { view_image: false, hooks: false },
    });
    expect(toml['mcp_servers']).toMatchObject({
      db: { command: 'db-mcp', env: { A: '1', PATH: expect.stringContaining('/usr/bin') as string } },
      web: { url: 'https://x' },
    });
  });

  it.each([
    ['projects', { projects: { '/home/agent/workspace': { trust_level: 'trusted' } } }],
    ['approval_policy', { approval_policy: 'never' }],
    ['approvals_reviewer', { approvals_reviewer: 'auto_review' }],
    ['hooks', { hooks: { SessionStart: [] } }],
    ['notify', { notify: ['/bin/x'] }],
    ['profiles', { profiles: { x: { approval_policy: 'never' } } }],
    ['features.hooks', { features: { hooks: true } }],
    ['features.codex_hooks', { features: { codex_hooks: true } }],
    ['features.apps', { features: { apps: { enabled: true } } }],
    [
      'shell_environment_policy.ignore_default_excludes',
      { shell_environment_policy: { ignore_default_excludes: false } },
    ],
  ])('refuses a manifest that sets %s', (key, set) => {
    expect(() => config({ config: set })).toThrow(
      expect.objectContaining({ code: 'invalid_manifest', details: { keys: [key] } }),
    );
  });

  it('names every refused key at once', () => {
    expect(() => config({ config: { hooks: {}, notify: [], model: 'x' } })).toThrow(
      expect.objectContaining({ details: { keys: ['hooks', 'notify'] } }),
    );
  });

  it('keeps model keys from commands and hands on everything else', () => {
    const policy = config(
      { config: { shell_environment_policy: { exclude: ['MINE'], set: { EDITOR: 'vi' } } } },
      { model_key_names: ['AZURE_KEY'] },
    )['shell_environment_policy'];
    expect(policy).toMatchObject({ inherit: 'all', ignore_default_excludes: true, set: { EDITOR: 'vi' } });
    expect((policy as { exclude: string[] }).exclude).toEqual([
      'OPENAI_API_KEY',
      'CODEX_API_KEY',
      'CODEX_ACCESS_TOKEN',
      'AZURE_KEY',
      'MINE',
    ]);
  });

  it('uses a key that is told in the protocol, and never writes it down', () => {
    const provider = {
      cli_auth_credentials_store: 'ephemeral',
      model_provider: 'openai-key',
      model_providers: {
        'openai-key': { requires_openai_auth: true, wire_api: 'responses', base_url: 'https://api.openai.com/v1' },
      },
    };
    expect(config({}, { model_key_names: ['OPENAI_API_KEY'] })).toMatchObject(provider);
    expect(config({}, { model_key_names: [] })).not.toHaveProperty('model_provider');
    const own = {
      model_provider: 'azure',
      model_providers: { azure: { name: 'a', base_url: 'https://a', env_key: 'AZURE_KEY' } },
    };
    expect(config({ config: own }, { model_key_names: ['AZURE_KEY', 'OPENAI_API_KEY'] })).toMatchObject(own);
  });

  it('rehearses whatever provider the manifest names', () => {
    const toml = config(
      { model: 'gpt-x', config: { model_provider: 'azure' } },
      { rehearsal, model_key_names: ['OPENAI_API_KEY'] },
    );
    expect(toml).toMatchObject({
      model: 'rehearsal',
      model_provider: 'rehearsal',
      model_providers: {
        rehearsal: {
          base_url: rehearsal.base_url,
          http_headers: { 'x-filare-agent': 'alpha', 'x-filare-role': 'FEATURE' },
          supports_websockets: false,
        },
      },
    });
    expect(toml['model_providers']).not.toHaveProperty('openai-key');
  });

  it('searches the web only where the network is open', () => {
    expect(config()).not.toHaveProperty('web_search');
    expect(config({}, {}, { network: 'none' })).toMatchObject({ web_search: 'disabled' });
  });
});

describe('what a thread is started with', () => {
  it('has every command asked about, unless the manifest says otherwise', () => {
    expect(threadStartParams(agentSpec(), { dynamic_tools: [] })).toMatchObject({
      approvalPolicy: 'untrusted',
      approvalsReviewer: 'user',
      sandbox: 'danger-full-access',
      cwd: '/home/agent/workspace',
    });
    const approving = agentSpec({ escalation: { approvals: 'approve', rules: [], on_deadline: 'reject', notify: [] } });
    expect(threadResumeParams(approving, 't')).toMatchObject({ threadId: 't', approvalPolicy: 'untrusted' });
    const chosen = agentSpec({ codex: { sandbox: 'workspace-write', approval_policy: 'on-request', config: {} } });
    expect(threadStartParams(chosen, { dynamic_tools: [] })).toMatchObject({
      approvalPolicy: 'on-request',
      sandbox: 'workspace-write',
    });
    const gone = agentSpec({ codex: { sandbox: 'workspace-write', approval_policy: 'on-failure', config: {} } });
    expect(() => configToml(gone, { model_key_names: [] })).toThrow(
      expect.objectContaining({ code: 'invalid_manifest' }),
    );
  });

  it('carries the role’s instructions first', () => {
    expect(
      threadStartParams(agentSpec({ instructions: 'You write features.\n' }), { dynamic_tools: [] })
        .developerInstructions,
    ).toMatch(/^You write features\.\n\n/);
  });
});
