import type { NotifyWay } from '../contract/agent-spec.js';
import { absolutePath, at, type AgentDraft } from './agent-draft.js';
import { readText } from './read-text.js';

/** The ways to tell the operator, in the order written; files with a webhook's secret are looked at, their contents dropped. */
export function resolveNotify(draft: AgentDraft): NotifyWay[] {
  return (draft.fields.escalation?.notify ?? []).map((way, index) => {
    if (way.command !== undefined) return { command: way.command };
    if (way.webhook === undefined) return { desktop: way.desktop ?? true };
    const secret_file = way.secret_file === undefined ? undefined : resolveSecret(draft, way.secret_file, index);
    return { webhook: way.webhook, ...(secret_file === undefined ? {} : { secret_file }) };
  });
}

function resolveSecret(draft: AgentDraft, text: string, index: number): string | undefined {
  const from = ['escalation', 'notify', index, 'secret_file'];
  const path = absolutePath(draft, text, from);
  if (path === undefined) return undefined;
  const place = at(draft, ...from);
  const file = readText(path);
  if ('refusal' in file) {
    draft.findings.mistake(place, { message: `the secret file ${path} ${file.refusal}`, hint: file.hint });
    return undefined;
  }
  if (file.text.trim() === '') {
    draft.findings.mistake(place, {
      message: `the secret file ${path} is empty`,
      hint: `make one: (umask 077; echo "whsec_$(openssl rand -base64 32)" > ${path})`,
    });
    return undefined;
  }
  if ((file.mode & 0o044) !== 0) {
    draft.findings.warning(place, {
      message: `others on this machine can read the secret file ${path}`,
      hint: `chmod 600 ${path}`,
    });
  }
  return path;
}
