import { chmodSync, existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { git } from './playground.js';

const HOOKS = [
  ...[
    'applypatch-msg',
    'commit-msg',
    'fsmonitor-watchman',
    'post-applypatch',
    'post-checkout',
    'post-commit',
    'post-index-change',
  ],
  ...[
    'post-merge',
    'post-receive',
    'post-rewrite',
    'post-update',
    'pre-applypatch',
    'pre-auto-gc',
    'pre-commit',
    'pre-merge-commit',
  ],
  ...[
    'pre-push',
    'pre-rebase',
    'pre-receive',
    'prepare-commit-msg',
    'proc-receive',
    'push-to-checkout',
    'reference-transaction',
  ],
  ...['sendemail-validate', 'update'],
];

/** Makes of an ordinary repository one that tries to have programs run wherever git lets it: each leaves a file in `markers`. */
export function makeHostile(repository: string, markers: string): void {
  mkdirSync(markers, { recursive: true, mode: 0o777 });
  chmodSync(markers, 0o777);
  const tools = join(repository, '.git', 'tools');
  mkdirSync(tools, { recursive: true });
  const program = (name: string, body = 'cat'): string => {
    const path = join(tools, name);
    writeFileSync(path, `#!/bin/sh\n: > ${markers}/${name}\n${body}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const included = join(repository, '.git', 'included');
  writeFileSync(
    included,
    `[core]\n\tfsmonitor = ${program('included-fsmonitor', 'echo /')}\n[filter "more"]\n\tclean = ${program('included-clean')}\n`,
  );
  const settings: Record<string, string> = {
    'core.fsmonitor': program('fsmonitor', 'echo /'),
    'core.sshCommand': program('ssh-command', 'exit 1'),
    'core.askPass': program('askpass', 'echo x'),
    'core.pager': program('pager'),
    'core.editor': program('editor', 'true'),
    'core.gitProxy': program('proxy', 'exit 1'),
    'core.alternateRefsCommand': program('alternate-refs', 'true'),
    'core.hooksPath': join(repository, '.git/hooks'),
    'credential.helper': `!${program('credential', 'true')}`,
    'diff.external': program('external-diff', 'true'),
    'diff.evil.textconv': program('textconv'),
    'diff.evil.command': program('diff-command', 'true'),
    'filter.evil.clean': program('clean'),
    'filter.evil.smudge': program('smudge'),
    'filter.evil.required': 'true',
    'filter.long.process': program('process', 'exit 1'),
    'merge.evil.driver': program('merge-driver', 'true'),
    'uploadpack.packObjectsHook': program('pack-objects', '"$@"'),
    'uploadpack.hideRefs': 'refs/none',
    'gpg.program': program('gpg', 'exit 1'),
    'alias.status': `!${program('alias', 'true')}`,
    'alias.st': `!${program('alias-st', 'true')}`,
    'submodule.nested.update': `!${program('submodule-update', 'true')}`,
    'remote.origin.uploadpack': program('remote-uploadpack', 'exit 1'),
    'include.path': included,
    'includeIf.gitdir:/**.path': included,
  };
  writeFileSync(join(repository, 'evil.txt'), 'evil\n');
  writeFileSync(join(repository, 'long.txt'), 'long\n');
  writeFileSync(
    join(repository, '.gitattributes'),
    '*.txt filter=evil diff=evil merge=evil\nlong.txt filter=long\n*.md filter=more\n',
  );
  writeFileSync(join(repository, '.gitmodules'), '[submodule "nested"]\n\tpath = nested\n\turl = ./nested\n');
  makeNested(join(repository, 'nested'), program('nested-fsmonitor', 'echo /'));
  git(repository, '-c', 'protocol.file.allow=always', 'add', '-A');
  git(repository, 'commit', '-q', '-m', 'hostile');
  mkdirSync(join(repository, '.git/hooks'), { recursive: true });
  for (const hook of HOOKS) {
    const path = join(repository, '.git/hooks', hook);
    writeFileSync(path, `#!/bin/sh\n: > ${markers}/hook-${hook}\nexit 0\n`);
    chmodSync(path, 0o755);
  }
  for (const [name, value] of Object.entries(settings)) git(repository, 'config', '--add', name, value);
}

/** Makes every file look changed, so that git has to look inside and would ask the filters. */
export function touchAll(repository: string): void {
  for (const name of readdirSync(repository)) {
    if (name !== '.git' && name !== 'nested') utimesSync(join(repository, name), 1_000_000_000, 1_000_000_000);
  }
}

/** What came to run. */
export function markersIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

function makeNested(path: string, fsmonitor: string): void {
  mkdirSync(path);
  git(path, 'init', '-q', '-b', 'main');
  writeFileSync(join(path, 'inner.txt'), 'inner\n');
  git(path, 'add', '-A');
  git(path, 'commit', '-q', '-m', 'inner');
  git(path, 'config', 'core.fsmonitor', fsmonitor);
}
