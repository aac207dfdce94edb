# Thin calls of the scripts and the command line; `just` lists them.
import 'agents/justfile'

set positional-arguments

# List the recipes
[private]
default:
    @just --justfile {{ quote(justfile()) }} --list --unsorted

# From a bare machine to three rehearsed agents at work
[group('project')]
quickstart *ARGS:
    scripts/quickstart "$@"

# Install what is missing and build
[group('project')]
setup *ARGS:
    scripts/setup "$@"

# Everything CI runs
[group('project')]
test *ARGS:
    scripts/test "$@"

# agent: safe
# Format, types, lint, rooms, dead code, package shape, the catalogue of commands
[group('project')]
check:
    npm run check

# Measure, and write docs/benchmarks.md
[group('project')]
bench *ARGS:
    npm run bench -- "$@"

# Write agents/commands.yml anew from the recipes and agents/extra_commands.yml
[group('project')]
commands *FLAGS:
    bin/filare-agents.js commands generate --project . "$@"
