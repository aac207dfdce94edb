import type { Word } from './read-word.js';

/** A call of git: what it is told to do, with its words; `hides` says why it may run something that is not git. */
export interface GitCommand {
  /** Null where it is not written out. */
  readonly does: string | null;
  readonly args: readonly Word[];
  readonly hides: string | null;
  /** Why it may be something else than what it says. */
  readonly unread: string | null;
}

const GLOBAL_VALUES: ReadonlySet<string> = new Set([
  '-C',
  '-c',
  '--git-dir',
  '--work-tree',
  '--namespace',
  '--attr-source',
]);
/** Settings that run nothing and read nothing, whatever their value. */
const HARMLESS_SETTING =
  /^(?:user\.(?:name|email)|color\..*|advice\..*|init\.defaultbranch|(?:commit|tag)\.gpgsign|core\.(?:quotepath|autocrlf|safecrlf|abbrev)|log\.(?:date|decorate)|pull\.rebase|merge\.(?:ff|conflictstyle)|diff\.(?:algorithm|renames|context)|protocol\.version)(?:=|$)/i;
const RUNS_ANOTHER =
  /^--(?:upload-pack|receive-pack|exec|exec-path|config-env|extcmd|open-files-in-pager|ext-diff|template)(?:=|$)/;
const RUNS_ANOTHER_SHORT: Readonly<Record<string, RegExp>> = {
  rebase: /^-x/,
  clone: /^-[uc]/,
  'ls-remote': /^-u/,
  difftool: /^-x/,
  grep: /^-O/,
};
const RUNS_WORDS: ReadonlySet<string> = new Set([
  'bisect run',
  'submodule foreach',
  'filter-branch',
  'filter-repo',
  'instaweb',
  'send-email',
  'hook run',
  'for-each-repo',
]);

/** Commands of git itself; another word may be an alias, which the repository says the meaning of. */
const KNOWN: ReadonlySet<string> = new Set(
  `add am annotate apply archive bisect blame branch bundle cat-file check-attr check-ignore checkout cherry cherry-pick clean clone commit config
  count-objects describe diff diff-files diff-index diff-tree difftool fast-export fast-import fetch fetch-pack filter-branch filter-repo for-each-ref
  for-each-repo format-patch fsck gc grep hash-object help hook http-push index-pack init instaweb lfs log ls-files ls-remote ls-tree maintenance merge
  merge-base merge-file merge-tree mergetool mv name-rev notes p4 pack-objects patch-id prune pull push range-diff read-tree rebase reflog remote
  repack replace request-pull rerere reset restore rev-list rev-parse revert rm send-email send-pack shortlog show show-branch show-ref sparse-checkout
  stash status submodule subtree svn switch symbolic-ref tag update-index update-ref var verify-commit verify-tag version whatchanged worktree
  write-tree`.split(/\s+/),
);

/** Reads the words after `git`. */
export function gitCommand(words: readonly Word[]): GitCommand {
  let hides: string | null = null;
  for (let at = 0; at < words.length; at += 1) {
    const text = words[at]?.text;
    if (text === undefined || text === null) return { does: null, args: words.slice(at), hides, unread: null };
    if (GLOBAL_VALUES.has(text)) {
      at += 1;
      if (text === '-c') hides ??= settingHides(words[at]?.text ?? null);
      continue;
    }
    if (RUNS_ANOTHER.test(text)) hides ??= `git ${text} may run another program`;
    if (text.startsWith('-')) continue;
    const args = words.slice(at + 1);
    return {
      does: text,
      args,
      hides: hides ?? argsHide(text, args),
      unread: KNOWN.has(text) ? null : `git ${text} is no command of git, and may be an alias`,
    };
  }
  return { does: '', args: [], hides, unread: null };
}

function settingHides(setting: string | null): string | null {
  if (setting !== null && HARMLESS_SETTING.test(setting)) return null;
  return `git -c ${setting ?? '(not written out)'} may run another program`;
}

function argsHide(does: string, args: readonly Word[]): string | null {
  const first = args.find((arg) => arg.text?.startsWith('-') !== true)?.text ?? '';
  if (RUNS_WORDS.has(does) || RUNS_WORDS.has(`${does} ${first}`)) return `git ${does} runs the words that it is given`;
  const short = Object.hasOwn(RUNS_ANOTHER_SHORT, does) ? RUNS_ANOTHER_SHORT[does] : undefined;
  const option = args.find(({ text }) => text !== null && (RUNS_ANOTHER.test(text) || short?.test(text) === true));
  if (option !== undefined) return `git ${does} ${option.text ?? ''} may run another program`;
  if (args.some(({ text }) => text?.includes('::') === true))
    return `git ${does} may start a helper for an address with ::`;
  return does === 'config' ? configHides(args) : null;
}

/** Setting `alias.x`, `core.pager` and the like lets a later git run something. */
function configHides(args: readonly Word[]): string | null {
  const words = args.filter((arg) => arg.text?.startsWith('-') !== true);
  const reads = args.some(({ text }) => /^(?:--get.*|-l|--list|list|get|--unset.*|unset)$/.test(text ?? ''));
  if (reads || words.length < 2) return null;
  if (words.some(({ text }) => text !== null && HARMLESS_SETTING.test(text))) return null;
  return 'git config sets what git may run later';
}
