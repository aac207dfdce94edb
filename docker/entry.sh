#!/bin/bash -p
# First program of every agent container (below tini). FILARE_STAGE says which of two it is:
#
#   codex    /io holds in (FIFO), out, err (files): opens all three, removes their names, reads the bootstrap from `in`, becomes Codex.
#   startup  /io holds in (FIFO): opens it, removes the name, reads the bootstrap, becomes /run/filare-startup/script.
#
# Bootstrap, one entry a line, blank lines ignored, `.` ends it:
#   E <NAME> <base64>   an environment variable for what follows
#   K <base64>          a private key for ssh-agent at $SSH_AUTH_SOCK; it never becomes a file
#
# Exit codes: 64 no such stage · 70 channel · 71 key · 72 bootstrap · 73 workspace · else what it became.
#
# Before the last exec nothing runs here but programs of the image by absolute path, with no variable of the bootstrap exported:
# whatever the workspace or the home folder holds, it gets no chance.
set -u
umask 022
filare_workspace=/home/agent/workspace
filare_script=/run/filare-startup/script
filare_variables=()
filare_agent_runs=no
filare_decoded=

# Says why on the container's stderr and, where there is one, in the attempt's err file (descriptor 4).
fail() {
  local code=$1 text="filare-entry: $2"
  printf '%s\n' "$text" >&2
  [[ ! -e /proc/self/fd/4 ]] || printf '%s\n' "$text" >&4
  exit "$code"
}

open_channel() {
  local name
  [[ -p /io/in && ! -L /io/in ]] || fail 70 '/io/in is missing or no named pipe; the channel cannot be opened'
  if [[ $1 == codex ]]; then
    for name in out err; do
      [[ -f /io/$name && ! -L /io/$name && -w /io/$name ]] || fail 70 "/io/$name is missing or not a writable file; the channel cannot be opened"
    done
    exec 4>>/io/err || fail 70 '/io/err cannot be opened'
    exec 3>>/io/out || fail 70 '/io/out cannot be opened'
  fi
  exec 0<>/io/in || fail 70 '/io/in cannot be opened'
  if [[ $1 == codex ]]; then
    /bin/rm -f /io/in /io/out /io/err || fail 70 'the names in /io cannot be removed; the agent could reach its own channel'
  else
    /bin/rm -f /io/in || fail 70 'the name /io/in cannot be removed; the script could reach it'
  fi
}

# Decodes base64 $1 into `filare_decoded`, byte for byte; fails on anything that is not base64 of text without NUL.
decode() {
  local LC_ALL=C padding=${1##*[!=]}
  [[ $1 =~ ^[A-Za-z0-9+/]*=?=?$ ]] && ((${#1} % 4 == 0)) || return 1
  filare_decoded=$(printf '%s' "$1" | /usr/bin/base64 -d 2>/dev/null && printf .) 2>/dev/null || return 1
  filare_decoded=${filare_decoded%.}
  ((${#filare_decoded} == ${#1} * 3 / 4 - ${#padding}))
}

start_agent() {
  [[ $filare_agent_runs == no ]] || return 0
  [[ -n ${SSH_AUTH_SOCK:-} ]] || fail 71 'a key came, but SSH_AUTH_SOCK is not set'
  (umask 077 && exec /bin/mkdir -p "${SSH_AUTH_SOCK%/*}") || fail 71 "the folder of $SSH_AUTH_SOCK cannot be made"
  /usr/bin/ssh-agent -a "$SSH_AUTH_SOCK" </dev/null >/dev/null 3>&- 4>&- || fail 71 "ssh-agent cannot be started at $SSH_AUTH_SOCK"
  filare_agent_runs=yes
}

add_key() {
  local said
  start_agent
  decode "$1" || fail 72 'the bootstrap has a key that is not base64'
  if ! said=$({ printf '%s\n' "$filare_decoded" | SSH_ASKPASS_REQUIRE=never /usr/bin/ssh-add -q -; } 2>&1); then
    # A key that ssh-keygen opens with no passphrase is whole; the words for one that has a passphrase are its own.
    said+=$(printf '%s\n' "$filare_decoded" | /usr/bin/ssh-keygen -y -P '' -f /dev/stdin 2>&1 >/dev/null)
    filare_decoded=
    [[ $said != *passphrase* ]] || fail 71 'the SSH key has a passphrase; use a key without one (a deploy key made for this agent)'
    fail 71 'the SSH key is not a private key that ssh-add accepts'
  fi
  filare_decoded=
}

read_bootstrap() {
  local line kind rest value
  while IFS= read -r line; do
    kind=${line%% *}
    rest=${line#"$kind"}
    rest=${rest# }
    case $kind in
      '') [[ -z $line ]] || fail 72 'the bootstrap has a line that is neither E, K nor the end' ;;
      .) [[ $line == . ]] || fail 72 'the bootstrap has a line that is neither E, K nor the end'
        return ;;
      E)
        value=
        [[ $rest != *' '* ]] || value=${rest#* }
        add_variable "${rest%% *}" "$value" ;;
      K) add_key "$rest" ;;
      *) fail 72 'the bootstrap has a line that is neither E, K nor the end' ;;
    esac
  done
  fail 72 'the bootstrap ended before its end mark'
}

add_variable() {
  [[ $1 =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || fail 72 'the bootstrap has a variable whose name is no name'
  decode "$2" || fail 72 "the bootstrap has a value for $1 that is not base64 of text"
  filare_variables+=("$1=$filare_decoded")
  filare_decoded=
}

enter_workspace() {
  cd "$filare_workspace" 2>/dev/null || fail 73 "$filare_workspace is missing or cannot be entered"
  [[ -w . ]] || fail 73 "$filare_workspace is not writable for user $UID"
}

# Exports what the bootstrap gave. From here on only builtins run, and no variable of this script is used: the operator's may have any name.
# Those that belong to the shell are left alone: every shell below has its own.
export_variables() {
  set -- "${filare_variables[@]}"
  unset "${!filare_@}"
  while (($#)); do
    case ${1%%=*} in
      UID | EUID | PPID | BASHOPTS | SHELLOPTS | BASH_VERSINFO) ;;
      *) export "${1?}" ;;
    esac
    shift
  done
}

filare_stage=${FILARE_STAGE:-}
unset FILARE_STAGE
case $filare_stage in
  codex)
    open_channel codex
    read_bootstrap
    enter_workspace
    export_variables
    exec 1>&3 2>&4 3>&- 4>&-
    exec /usr/local/bin/codex app-server
    ;;
  startup)
    open_channel startup
    read_bootstrap
    exec 0</dev/null
    enter_workspace
    IFS= read -r -N 2 filare_start <"$filare_script" || filare_start=
    if [[ $filare_start == '#!' ]]; then
      export_variables
      exec /run/filare-startup/script
    fi
    export_variables
    exec /bin/bash /run/filare-startup/script
    ;;
  *) fail 64 "this image is started by filare-agents; FILARE_STAGE is '$filare_stage', not codex or startup" ;;
esac
