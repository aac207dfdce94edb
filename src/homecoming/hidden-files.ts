import { OUT } from './helper.js';

const LIST = `${OUT}/hidden`;

/**
 * Shell functions for scripts in which `"$@"` is git: files that are there and that git was told not to look at (`update-index --assume-unchanged`,
 * `--skip-worktree`). What is in them is as good as any other work, and would go unseen.
 */
export const HIDDEN_FILES = `
hidden() {
  "$@" ls-files -v -z | sed -zn 's/^[a-zS] //p' |
    xargs -0r sh -c 'for f; do [ -e "$f" ] || [ -L "$f" ] || continue; printf "%s\\0" "$f"; done' sh >${LIST}
  [ -s ${LIST} ]
}
unhide() {
  for bit in no-assume-unchanged no-skip-worktree; do
    "$@" -c core.splitIndex=false update-index -z --$bit --stdin <${LIST} || return
  done
}
`;
