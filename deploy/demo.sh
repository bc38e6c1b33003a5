#!/usr/bin/env bash
# Cả xã Cộng Lạc trên một máy: cài những gì còn thiếu rồi chạy `kengd demo`. Ctrl-C để dừng.
# The whole commune of Cộng Lạc on one machine: installs what is missing, then runs `kengd demo`. Arguments go to it.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # started as `sh demo.sh`
set -euo pipefail
# shellcheck source=deploy/ready.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/ready.sh"
ready requirements-hub.lock
# -P: what lies in the caller's directory must not stand in for a module of ours.
exec "$venv/bin/python" -P -m kengd demo "$@"
