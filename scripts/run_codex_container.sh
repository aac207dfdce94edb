#!/usr/bin/env bash
# Codex in a container of its own, without the daemon; the container is gone when you leave it.
# scripts/run_codex_container.sh [--workspace DIR] [--env-file PATH] [--ssh-key PATH] [--known-hosts PATH] [--image NAME] [-- COMMAND…]
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/../bin/filare-agents.js" container run "$@"
