# Thin calls of the scripts and the command line; `just` lists them.

# List the recipes
[private]
default:
    @just --list --unsorted

# From a bare machine to three rehearsed agents at work
quickstart *ARGS:
    scripts/quickstart "$@"

# Install what is missing and build
setup *ARGS:
    scripts/setup "$@"

# Everything CI runs
test *ARGS:
    scripts/test "$@"

# Format, types, lint, rooms, dead code, package shape
check:
    npm run check

# Measure, and write docs/benchmarks.md
bench *ARGS:
    npm run bench -- "$@"

set positional-arguments
