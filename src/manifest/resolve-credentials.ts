import { absolutePath, at, keyAt, type AgentDraft } from './agent-draft.js';
import type { Diagnostic } from './diagnostic.js';
import { checkEnvFile } from './env-file.js';
import { modelKeyNames, whyNotVariable } from './env-names.js';
import { readText } from './read-text.js';
import { whyNotKey } from './ssh-key.js';

/** The files with an agent's secrets, as absolute paths; their contents are checked and dropped. */
export interface Credentials {
  readonly env_file?: string;
  readonly ssh_key?: string;
  readonly known_hosts?: string;
}

/** What was said about env files: it stands in their own lines. */
export interface EnvFileFindings {
  readonly mistakes: Diagnostic[];
  readonly warnings: Diagnostic[];
}

/** Finds and checks the env file, SSH key and known hosts of an agent. What is wrong inside an env file goes to `env`. */
export function resolveCredentials(draft: AgentDraft, env: EnvFileFindings): Credentials {
  const { fields } = draft;
  checkKeyNames(draft);
  const env_file = fields.env_file === undefined ? undefined : resolveEnvFile(draft, fields.env_file, env);
  const ssh_key = fields.ssh_key === undefined ? undefined : resolveKey(draft, fields.ssh_key);
  const known_hosts = fields.known_hosts === undefined ? undefined : resolveKnownHosts(draft, fields.known_hosts);
  if (ssh_key !== undefined && fields.known_hosts === undefined) {
    draft.findings.warning(keyAt(draft, 'ssh_key'), {
      message: 'ssh_key without known_hosts: no host is known, so git over SSH will refuse every one',
      hint: 'add known_hosts: FILE, with the lines of ssh-keyscan HOST once you have checked them',
    });
  }
  return {
    ...(env_file === undefined ? {} : { env_file }),
    ...(ssh_key === undefined ? {} : { ssh_key }),
    ...(known_hosts === undefined ? {} : { known_hosts }),
  };
}

function resolveEnvFile(draft: AgentDraft, text: string, env: EnvFileFindings): string | undefined {
  const path = absolutePath(draft, text, ['env_file']);
  if (path === undefined) return undefined;
  const place = at(draft, 'env_file');
  const checked = checkEnvFile(path, draft.fields.codex?.config ?? {});
  if (checked.refusal !== undefined) {
    draft.findings.mistake(place, {
      message: `the env file ${path} ${checked.refusal.refusal}`,
      hint: checked.refusal.hint,
    });
    return undefined;
  }
  env.mistakes.push(...checked.mistakes);
  env.warnings.push(...checked.warnings);
  if ((checked.mode & 0o004) !== 0) {
    draft.findings.warning(place, {
      message: `everybody on this machine can read the env file ${path}`,
      hint: `chmod 600 ${path}`,
    });
  }
  return path;
}

function resolveKey(draft: AgentDraft, text: string): string | undefined {
  const path = absolutePath(draft, text, ['ssh_key']);
  if (path === undefined) return undefined;
  const problem = whyNotKey(path, path);
  if (problem === undefined) return path;
  draft.findings.mistake(at(draft, 'ssh_key'), { message: `the SSH key ${path} ${problem.why}`, hint: problem.hint });
  return undefined;
}

function resolveKnownHosts(draft: AgentDraft, text: string): string | undefined {
  const path = absolutePath(draft, text, ['known_hosts']);
  if (path === undefined) return undefined;
  const file = readText(path);
  if ('text' in file) return path;
  draft.findings.mistake(at(draft, 'known_hosts'), {
    message: `the known hosts file ${path} ${file.refusal}`,
    hint: file.hint,
  });
  return undefined;
}

/** A provider whose key has a name that no env file may set would never get one. */
function checkKeyNames(draft: AgentDraft): void {
  for (const name of modelKeyNames(draft.fields.codex?.config ?? {})) {
    const instead = whyNotVariable(name);
    if (instead === undefined) continue;
    draft.findings.mistake(at(draft, 'codex', 'config', 'model_providers'), {
      message: `a provider's key cannot come from ${name}: no env file may set it`,
      hint: 'take another name for env_key',
    });
  }
}
