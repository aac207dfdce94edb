#!/usr/bin/env bash
# Hands a task to each of two agents, waits for both, and collects what they answered, as JSON on standard output.
# Needs filare-agents and jq in PATH, and a project whose manifests declare the agents. Exit status: that of the first thing that failed.
set -euo pipefail

left=${1:-left}
right=${2:-right}

filare-agents start --session "$left" "$right" --json >/dev/null

# Both at once; `send` without --wait answers as soon as the message was taken.
filare-agents send "$left" "write the first half" --from two-tasks --json >/dev/null
filare-agents send "$right" "write the second half" --from two-tasks --json >/dev/null

# 0 both are idle · 5 too late · 4 one has ended
filare-agents wait "$left" "$right" --until idle --timeout 5m >/dev/null

# Does one of them wait for a decision? A script does not decide blindly: it leaves that to a person, and says so.
open=$(filare-agents feedback list --json | jq length)
if [ "$open" -gt 0 ]; then
  echo "two-tasks: $open prompts wait for you: filare-agents feedback watch" >&2
  exit 7
fi

reply() {
  filare-agents tail "$1" --lines 50 --json | jq -rs 'map(select(.kind == "reply")) | last | .text'
}

jq -n --arg left "$(reply "$left")" --arg right "$(reply "$right")" '{left: $left, right: $right}'
