import { join, resolve } from 'node:path';
import type { AgentSpec } from '../contract/agent-spec.js';
import { absolutePath, at, expandedText, keyAt, type AgentDraft } from './agent-draft.js';
import { repoKind, whyNotBranch } from './check-names.js';
import { whyNotMountable, whyNotWorkspace } from './host-places.js';
import { valueAt, type Path } from './located.js';
import { codeOf, isWithin, realPlace, statIfThere } from './real-place.js';

/** The workspace of an agent, and its real place for comparing it with others. */
export interface ResolvedWorkspace {
  readonly spec: AgentSpec['workspace'];
  readonly real: string;
}

const OWN_FOLDER = 'give the agent a folder of its own, or leave the path out for .filare/workspaces';

/** Where the agent works and what an empty workspace is seeded from. Says what is wrong, and answers undefined when there is no usable path. */
export function resolveWorkspace(draft: AgentDraft, id: string): ResolvedWorkspace | undefined {
  const seed = resolveSeed(draft);
  const named = namedPath(draft, id);
  if (named === 'mistaken') return undefined;
  const path = named?.path ?? join(draft.around.project_root, '.filare', 'workspaces', id);
  const real = checkedPlace(draft, path, named?.from ?? ['id'], named === undefined);
  if (real === undefined) return undefined;
  const { reuse_existing = true, workspace } = draft.fields;
  const { sync = 'never', keep = 'always' } = typeof workspace === 'object' ? workspace : {};
  return { spec: { path, ...seed, reuse_existing, is_default: named === undefined, sync, keep }, real };
}

/** The path that the manifest gives: what the agent says itself before what the defaults say, a path before a pattern. */
function namedPath(draft: AgentDraft, id: string): { path: string; from: Path } | undefined | 'mistaken' {
  const { workspace, workspace_prefix: prefix, workspace_template: template } = draft.fields;
  const plain =
    typeof workspace === 'string'
      ? { text: workspace, from: ['workspace'] }
      : workspace?.path === undefined
        ? undefined
        : { text: workspace.path, from: ['workspace', 'path'] };
  const pattern =
    template !== undefined && isPattern(template)
      ? { text: template.replaceAll(/\{(n|id)\}/g, id), from: ['workspace_template'] }
      : undefined;
  const prefixed = prefix === undefined ? undefined : { text: prefix + id, from: ['workspace_prefix'] };
  const choices = [plain, pattern, prefixed].filter((choice) => choice !== undefined);
  const own = choices.filter((choice) => valueAt(draft.own, choice.from) !== undefined);
  // Defaults that name one folder for all, and a pattern beside it: the pattern, for a workspace is never shared.
  const chosen = own[0] ?? pattern ?? prefixed ?? plain;
  for (const other of own.slice(1)) {
    draft.findings.warning(keyAt(draft, ...other.from), {
      message: `${other.from.join('.')} is not used: ${own[0]?.from.join('.') ?? ''} names the workspace`,
    });
  }
  if (chosen === undefined) return undefined;
  const path = absolutePath(draft, chosen.text, chosen.from);
  return path === undefined ? 'mistaken' : { path, from: chosen.from };
}

function checkedPlace(draft: AgentDraft, path: string, from: Path, isDefault: boolean): string | undefined {
  const refuse = (message: string, hint: string): string | undefined => {
    draft.findings.mistake(at(draft, ...from), { message: `the workspace ${path} ${message}`, hint });
    return undefined;
  };
  try {
    const real = realPlace(path);
    if (isDefault) {
      const expected = join(realPlace(draft.around.project_root), '.filare', 'workspaces');
      if (isWithin(real, expected) && real !== expected) return real;
      return refuse(`leads to ${real} through a symbolic link`, 'remove that link');
    }
    const why = whyNotWorkspace(real, draft.places);
    if (why !== undefined) return refuse(`${why}${real === path ? '' : ` (it leads to ${real})`}`, OWN_FOLDER);
    const stats = statIfThere(real);
    if (stats !== undefined && !stats.isDirectory()) return refuse('is not a folder', OWN_FOLDER);
    return real;
  } catch (error) {
    return refuse(
      codeOf(error) === 'EACCES' ? 'cannot be looked at by you' : 'leads in a circle of symbolic links',
      'name another folder, or mend this one',
    );
  }
}

function resolveSeed(draft: AgentDraft): Pick<AgentSpec['workspace'], 'template' | 'repo' | 'ref'> {
  const { workspace, workspace_template } = draft.fields;
  const given = typeof workspace === 'object' ? workspace : {};
  const older = workspace_template !== undefined && !isPattern(workspace_template) ? workspace_template : undefined;
  const template = given.template ?? older;
  const templateFrom: Path = given.template === undefined ? ['workspace_template'] : ['workspace', 'template'];
  if (template !== undefined && given.repo !== undefined) {
    draft.findings.mistake(keyAt(draft, 'workspace', 'repo'), {
      message: 'a workspace is seeded from a template or from a repo, not from both',
      hint: 'keep one; to undo one that the defaults give, leave its value empty (template:)',
    });
  }
  if (given.ref !== undefined && given.repo === undefined) {
    draft.findings.mistake(keyAt(draft, 'workspace', 'ref'), {
      message: 'workspace.ref says what of a repo to take, and there is no repo',
      hint: 'add repo: beside it',
    });
  }
  if (given.ref !== undefined) {
    const why = whyNotBranch(given.ref);
    if (why !== undefined)
      draft.findings.mistake(at(draft, 'workspace', 'ref'), {
        message: `workspace.ref ${why}`,
        expected: 'a branch, tag or commit',
      });
  }
  const folder = template === undefined ? undefined : resolveTemplate(draft, template, templateFrom);
  const repo = given.repo === undefined ? undefined : resolveRepo(draft, given.repo);
  return {
    ...(folder === undefined ? {} : { template: folder }),
    ...(repo === undefined ? {} : { repo }),
    ...(given.ref === undefined ? {} : { ref: given.ref }),
  };
}

function resolveTemplate(draft: AgentDraft, text: string, from: Path): string | undefined {
  const path = absolutePath(draft, text, from);
  if (path === undefined) return undefined;
  const why = whyNotFolder(path);
  const refused = why === undefined ? whyNotSeed(draft, path) : undefined;
  if (why !== undefined)
    draft.findings.mistake(at(draft, ...from), {
      message: `the template ${path} ${why}`,
      hint: 'name a folder; a path is relative to the manifest',
    });
  else if (refused !== undefined)
    draft.findings.mistake(at(draft, ...from), {
      message: `the template ${path} ${refused}`,
      hint: 'copy what the agent needs into a folder of its own',
    });
  return path;
}

/** The project's folder may be a template although it holds `.filare`: seeding leaves that out. */
function whyNotSeed(draft: AgentDraft, path: string): string | undefined {
  const real = realPlace(path);
  return isWithin(realPlace(draft.around.project_root), real) &&
    !draft.places.homes.some((home) => isWithin(home, real))
    ? undefined
    : whyNotMountable(real, draft.places);
}

function resolveRepo(draft: AgentDraft, text: string): string | undefined {
  const from = ['workspace', 'repo'];
  const expanded = expandedText(draft, text, from);
  if (expanded === undefined) return undefined;
  const kind = repoKind(expanded);
  if (kind.kind === 'refused') {
    draft.findings.mistake(at(draft, ...from), { message: `workspace.repo ${kind.why}`, hint: kind.hint });
    return undefined;
  }
  if (kind.kind === 'address') return expanded;
  const path = resolve(draft.folder, expanded);
  if (statOrClosed(path) === undefined) {
    draft.findings.mistake(at(draft, ...from), {
      message: `the repository ${path} does not exist`,
      hint: 'a path is relative to the manifest; an address is https://…, ssh://… or user@host:path',
    });
  }
  return path;
}

function isPattern(template: string): boolean {
  return /\{(n|id)\}/.test(template);
}

function whyNotFolder(path: string): string | undefined {
  const stats = statOrClosed(path);
  if (stats === undefined) return 'does not exist';
  return stats === 'closed' || stats.isDirectory() ? undefined : 'is not a folder';
}

function statOrClosed(path: string) {
  try {
    return statIfThere(path);
  } catch {
    // Seeding says what is closed to whom.
    return 'closed' as const;
  }
}
