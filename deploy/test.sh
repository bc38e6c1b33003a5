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
check() { # NAME COMMAND... : goes on after a failure, so that one run tells everything
    local name=$1
    shift
    printf '\n== %s\n' "$name"
    "$@" </dev/null || failed+=("$name")
}

check "ruff check" ruff check .
check "ruff format" ruff format --check .
check "mypy" mypy --strict
check "import rules" lint-imports
# One worker for each processor: much of a run is waiting for real brokers, posts and databases.
check "pytest" python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile "$@"

if [ ${#failed[@]} -gt 0 ]; then
    printf '\nfailed: %s\n' "$(IFS=,; printf '%s' "${failed[*]}")" >&2
    exit 1
fi
