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
# The pages are tried in a browser.
if ! command -v chromium >/dev/null; then
    needed+=(chromium)
fi
ready requirements-dev.lock "${needed[@]}"
cd -- "$checkout"
PATH=$venv/bin:$PATH

failed=()
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT

lint() { # all of it, so that one run tells everything
    local wrong=0
    ruff check . || wrong=1
    ruff format --check . || wrong=1
    mypy --strict || wrong=1
    lint-imports || wrong=1
    return "$wrong"
}

# These run beside the others, which use little more than one processor: rooms whose tests wait for nothing and start nothing,
# then the browser, which has patience.
apart=(bellcode belfry clock deploy duty firmware intercom journal office settings wire wiring web pages)

beside() {
    local wrong=0
    lint || wrong=1
    [ $# -gt 0 ] || python -m pytest "${apart[@]/#/tests/}" || wrong=1
    return "$wrong"
}

beside "$@" >"$scratch/beside" 2>&1 </dev/null &
besides=$!
printf '\n== tests\n'
others=("$@")
[ $# -gt 0 ] || others=("${apart[@]/#/--ignore=tests/}")
python -m pytest "${others[@]}" </dev/null || failed+=(tests)
wait "$besides" || failed+=("ruff, mypy, import rules or the tests beside")
printf '\n== ruff, mypy, import rules%s\n' "$([ $# -gt 0 ] || printf ', tests of %s' "${apart[*]}")"
cat -- "$scratch/beside"

if [ ${#failed[@]} -gt 0 ]; then
    printf '\nfailed: %s\n' "$(IFS=,; printf '%s' "${failed[*]}")" >&2
    exit 1
fi
