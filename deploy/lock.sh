#!/usr/bin/env bash
# For developers: makes requirements.lock and requirements-dev.lock anew from pyproject.toml. Needs uv on PATH (or UV=...).
# `deploy/lock.sh --upgrade` takes the newest versions; without it the locked versions stay where they still fit.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
uv=${UV:-uv}

lock() { # OUTPUT EXTRA... : hashed, for Linux on x86_64 and aarch64 and every Python from 3.11 on, wheels only
    local output=$1
    shift
    local extras=()
    for extra in "$@"; do extras+=(--extra "$extra"); done
    # setuptools is locked too: the editable install of kengd itself is built with it, without a download.
    printf 'setuptools>=77\n' | "$uv" pip compile --quiet --universal --generate-hashes --python-version 3.11 \
        --only-binary :all: --emit-build-options --no-emit-index-url --no-annotate \
        --custom-compile-command deploy/lock.sh "${extras[@]}" "${upgrade[@]}" "${constraint[@]}" \
        --output-file "$output" pyproject.toml -
}

upgrade=("$@")
constraint=()
lock requirements.lock gpio
upgrade=()
constraint=(--constraint requirements.lock)
lock requirements-hub.lock hub
constraint=(--constraint requirements.lock --constraint requirements-hub.lock)
lock requirements-dev.lock gpio hub dev
