#!/bin/sh
# The bench of the whole post; arguments as for `python -m tests.bench`.
cd "$(dirname "$0")/../.." || exit 1
exec "${PYTHON:-.venv/bin/python}" -m tests.bench "$@"
