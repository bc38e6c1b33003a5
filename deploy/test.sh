#!/usr/bin/env bash
# Lint, types, import rules and tests, from a clean clone; installs what they need. Arguments go to pytest.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # started as `sh test.sh`
set -euo pipefail
# shellcheck source=deploy/ready.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/ready.sh"

# The hub's tests run against PostgreSQL too: a server of their own, in a temporary directory.
needed=()
if ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
    needed=(postgresql)
fi
ready requirements-dev.lock "${needed[@]}"
cd -- "$checkout"
PATH=$venv/bin:$PATH

failed=()
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT

lint() { # beside the tests, which use little more than one processor; all of it, so that one run tells everything
    local wrong=0
    ruff check . || wrong=1
    ruff format --check . || wrong=1
    mypy --strict || wrong=1
    lint-imports || wrong=1
    return "$wrong"
}

lint >"$scratch/lint" 2>&1 </dev/null &
linting=$!
printf '\n== pytest\n'
python -m pytest "$@" </dev/null || failed+=(pytest)
wait "$linting" || failed+=(lint)
printf '\n== ruff, mypy, import rules\n'
cat -- "$scratch/lint"

if [ ${#failed[@]} -gt 0 ]; then
    printf '\nfailed: %s\n' "$(IFS=,; printf '%s' "${failed[*]}")" >&2
    exit 1
fi
