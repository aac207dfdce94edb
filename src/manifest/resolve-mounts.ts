import type { AgentSpec } from '../contract/agent-spec.js';
import { absolutePath, at, type AgentDraft } from './agent-draft.js';
import { normalTarget, whyNotTarget } from './container-targets.js';
import { whyNotContents, whyNotMountable } from './host-places.js';
import { codeOf, isWithin, realPlace, statIfThere } from './real-place.js';

/** Folders of a home that hold keys and tokens. */
const CREDENTIALS = [
  '.ssh',
  '.gnupg',
  '.aws',
  '.azure',
  '.docker',
  '.kube',
  '.codex',
  '.config/gh',
  '.config/gcloud',
  '.netrc',
  '.password-store',
];

/** The mounts of an agent with real sources and plain targets. Says what may not be mounted, or covers what the container needs. */
export function resolveMounts(draft: AgentDraft): AgentSpec['mounts'] {
  const targets = new Map<string, number>();
  return (draft.fields.mounts ?? []).flatMap((mount, index) => {
    const source = realSource(draft, mount.source, index);
    const target = checkedTarget(draft, mount.target, index, targets);
    return source === undefined || target === undefined
      ? []
      : [{ source, target, read_only: mount.read_only ?? false }];
  });
}

function realSource(draft: AgentDraft, text: string, index: number): string | undefined {
  const from = ['mounts', index, 'source'];
  const path = absolutePath(draft, text, from);
  if (path === undefined) return undefined;
  const refuse = (message: string, hint?: string): string | undefined => {
    draft.findings.mistake(at(draft, ...from), { message: `the mount source ${path} ${message}`, hint });
    return undefined;
  };
  try {
    const real = realPlace(path);
    const leads = real === path ? '' : ` (it leads to ${real})`;
    const why = whyNotMountable(real, draft.places);
    if (why !== undefined) return refuse(`${why}${leads}`, 'mount a folder that holds only what the agent needs');
    if (statIfThere(real) === undefined) return refuse('does not exist', 'a path is relative to the manifest');
    const contents = whyNotContents(real);
    if (contents !== undefined)
      return refuse(`${contents}${leads}`, 'mount a folder that holds only what the agent needs');
    warnOfCredentials(draft, path, real, index);
    return real;
  } catch (error) {
    return refuse(codeOf(error) === 'EACCES' ? 'cannot be looked at by you' : 'leads in a circle of symbolic links');
  }
}

function warnOfCredentials(draft: AgentDraft, path: string, real: string, index: number): void {
  const found = CREDENTIALS.map((name) => `${draft.places.home}/${name}`).find((folder) => isWithin(real, folder));
  if (found === undefined) return;
  draft.findings.warning(at(draft, 'mounts', index, 'source'), {
    message: `${path} holds your own credentials, and the agent will be able to read them`,
    hint: 'give the agent keys of its own with ssh_key and env_file',
  });
}

function checkedTarget(
  draft: AgentDraft,
  text: string,
  index: number,
  targets: Map<string, number>,
): string | undefined {
  const place = at(draft, 'mounts', index, 'target');
  const why = whyNotTarget(text);
  if (why !== undefined) {
    draft.findings.mistake(place, {
      message: `the mount target "${text}" ${why}`,
      expected: 'an absolute path of its own, like /data or /home/agent/workspace/data',
    });
    return undefined;
  }
  const target = normalTarget(text);
  const other = targets.get(target);
  if (other !== undefined) {
    draft.findings.mistake(place, {
      message: `two mounts have the target ${target}`,
      hint: `the other one is mounts[${other}]`,
    });
    return undefined;
  }
  targets.set(target, index);
  return target;
}
