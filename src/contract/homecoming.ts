/** What bringing an agent's work home answers: what it changed, what became of it in the operator's repository, which branches get in each other's way. */
import { z } from 'zod';

/** What of an agent's work a diff shows: all since it began, its commits alone, or what it has not committed. */
export const DIFF_SCOPES = ['all', 'committed', 'uncommitted'] as const;
/** What of an agent's work a diff shows. */
export type DiffScope = (typeof DIFF_SCOPES)[number];

/** A commit, as a list shows it. */
export const commitLineSchema = z.object({
  commit: z.string(),
  author: z.string(),
  /** RFC 3339. */
  at: z.string(),
  subject: z.string(),
});
/** A commit, as a list shows it. */
export type CommitLine = z.infer<typeof commitLineSchema>;

/** A file that differs. */
export const changedFileSchema = z.object({
  path: z.string(),
  /** Where it was before a rename or copy. */
  old_path: z.string().nullable(),
  status: z.enum(['added', 'modified', 'deleted', 'renamed', 'copied', 'type_changed']),
  /** Lines; null for a binary file. */
  added: z.number().int().nullable(),
  deleted: z.number().int().nullable(),
  /** It names a commit of another repository. */
  submodule: z.boolean(),
});
/** A file that differs. */
export type ChangedFile = z.infer<typeof changedFileSchema>;

/** What an agent changed. */
export const sessionDiffSchema = z.object({
  session_id: z.string(),
  id: z.string(),
  scope: z.enum(DIFF_SCOPES),
  branch: z.string().nullable(),
  /** The commit it began at; null: there was none. */
  base: z.string().nullable(),
  /** The last commit of its branch; null: there is none. */
  head: z.string().nullable(),
  /** Commits of the branch since `base`, newest first. */
  commits: z.array(commitLineSchema),
  files: z.array(changedFileSchema),
  /** Files with changes that are in no commit, new ones among them. */
  uncommitted: z.array(z.string()),
  /** Null where none was asked for. */
  patch: z.string().nullable(),
  /** Parts that were longer than their bound and were cut: `commits`, `files`, `uncommitted`, `patch`. */
  cut: z.array(z.string()),
  notes: z.array(z.string()),
});
/** What an agent changed. */
export type SessionDiff = z.infer<typeof sessionDiffSchema>;

/** What bringing one agent's work home came to. */
export const syncResultSchema = z.object({
  session_id: z.string(),
  id: z.string(),
  /** `brought`: the branch has moved; `up_to_date`: it had all of it; `patches`: files were written; `nothing`: there is no commit that the repository lacks. */
  outcome: z.enum(['brought', 'up_to_date', 'patches', 'nothing']),
  /** The operator's repository; null with `patches`. */
  repo: z.string().nullable(),
  into: z.string().nullable(),
  commit: z.string().nullable(),
  /** Where the branch was before; null: it is new. */
  before: z.string().nullable(),
  /** How many commits came. */
  commits: z.number().int(),
  /** The commit that was made of uncommitted work, because that was asked for. */
  made_commit: z.string().nullable(),
  /** Files with work that is in no commit and was left behind; at most 1000 of them. */
  uncommitted: z.array(z.string()),
  patches: z.array(z.string()),
  notes: z.array(z.string()),
});
/** What bringing one agent's work home came to. */
export type SyncResult = z.infer<typeof syncResultSchema>;

/** How to bring one agent's work home. */
export const syncOptionsSchema = z.strictObject({
  /** Absolute path of the operator's repository; the one that the project lies in when absent. */
  repo: z.string().optional(),
  /** A branch there; `agents/<id>` when absent. */
  into: z.string().max(250).optional(),
  /** Make a commit of what is in none, with this message; empty: one of ours. */
  commit: z.string().max(100_000).optional(),
  /** Replace what an earlier sync brought, where the agent has rewritten its history. Commits of anybody else are never replaced. */
  force: z.boolean().optional(),
  /** Absolute path of a folder: write patch files there, and leave the repository alone. */
  patch_dir: z.string().optional(),
  /** Most bytes that are brought; 1 GiB when absent. */
  max_bytes: z.number().int().positive().optional(),
});
/** How to bring one agent's work home. */
export type SyncOptions = z.infer<typeof syncOptionsSchema>;

/** One branch that was looked at, or why it was not. */
export const checkedBranchSchema = z.object({
  session_id: z.string(),
  id: z.string(),
  branch: z.string().nullable(),
  commit: z.string().nullable(),
  /** Commits that the base lacks. */
  commits: z.number().int(),
  uncommitted: z.number().int(),
  /** Why it takes no part; null when it does. */
  left_out: z.string().nullable(),
});
/** One branch that was looked at. */
export type CheckedBranch = z.infer<typeof checkedBranchSchema>;

/** Two branches merged with each other, in a place of ours: `b` null is the base. */
export const mergeTrialSchema = z.object({
  a: z.string(),
  b: z.string().nullable(),
  /** Files in conflict; empty: they merge. */
  files: z.array(z.string()),
  /** They share no commit: git does not merge them, and they count as in conflict. */
  unrelated: z.boolean(),
});
/** Two branches merged with each other. */
export type MergeTrial = z.infer<typeof mergeTrialSchema>;

/** Which branches get in each other's way. */
export const syncCheckSchema = z.object({
  repo: z.string(),
  base: z.object({ name: z.string(), commit: z.string() }),
  branches: z.array(checkedBranchSchema),
  trials: z.array(mergeTrialSchema),
  conflicts: z.number().int(),
});
/** Which branches get in each other's way. */
export type SyncCheck = z.infer<typeof syncCheckSchema>;
