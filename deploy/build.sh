# Sourced by install.sh: makes a release below /opt/kengd/releases, from a bundle or from the Internet.
# Needs ready.sh and release.sh; `scratch` is a directory of the caller's.
# shellcheck shell=bash disable=SC2154,SC2034,SC2164 # set in the scripts named above, which also say `set -e`

system_python=/usr/bin/python3 # not a newer one from somewhere else: the service cannot see homes, and bundles are for this one
wheels=                        # a directory of wheels, when there is no Internet to be used
packages=()                    # what pip is asked for

# ---- the packages

find_wheels() {
    if [ -z "$wheels" ] && [ -e "$checkout/SHA256SUMS" ]; then wheels=$checkout; fi
    [ -n "$wheels" ] || return 0
    if [ -f "$wheels" ]; then
        tar -C "$scratch" --no-same-owner -xf "$wheels" || die "không mở được $wheels." "chép lại tệp này từ bản gốc"
        wheels=$(dirname -- "$(find "$scratch" -mindepth 2 -maxdepth 2 -name SHA256SUMS -print -quit)")
    fi
    if [ -e "$wheels/SHA256SUMS" ]; then
        (cd -- "$wheels" && sha256sum --quiet --strict --check SHA256SUMS >&2) ||
            die "bộ cài bị hỏng (có tệp không đúng như lúc đóng gói, xem ở trên)." "chép lại bộ cài từ bản gốc, hoặc đổi thẻ, đổi USB"
        wheels=$wheels/wheels
    fi
    compgen -G "$wheels/*.whl" >/dev/null || die "trong ${wheels:-bộ cài} không có gói nào." "chỉ đúng thư mục hoặc tệp kengd-bundle-….tar"
}

# ---- the release

version_of_this() {
    local wheel
    wheel=$(compgen -G "$checkout/wheels/kengd-*.whl" || true)
    if [ -n "$wheel" ]; then
        wheel=${wheel##*/kengd-}
        printf '%s' "${wheel%%-*}"
    else
        sed -nE 's/^version = "([^"]+)"$/\1/p' "$checkout/pyproject.toml"
    fi
}

# The same program for the same Python always has the same name; anything else has another.
release_for_this() {
    local mark
    mark=$(
        cd -- "$checkout"
        {
            "$system_python" -V
            find kengd deploy systemd firmware_config pyproject.toml requirements.lock wheels/kengd-*.whl -type f \
                ! -path '*/__pycache__/*' -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 sha256sum
        } | sha256sum
    )
    printf '%s/releases/%s-%s' "$opt" "$(version_of_this)" "${mark:0:8}"
}

# A venv at its final place (its scripts name it), counted only once it is sealed. OLD: the release in force, or nothing.
build() { # RELEASE OLD
    say "Đang dựng bản ${1##*/} …"
    rm -rf -- "$1"
    venv=$1
    packages=(-r "$checkout/requirements.lock")
    if [ -z "$wheels" ] && ! same_packages "$2"; then
        make_venv_online "$1"
    else
        "$system_python" -m venv --without-pip "$1" || die "không tạo được môi trường Python ở $1." "xem lời báo ở trên"
        if same_packages "$2"; then copy_packages "$1" "$2"; fi
    fi
    if [ -n "$wheels" ]; then fill_offline; else fill_online; fi
    # The service cannot write here, and compiling at each start costs a small Pi minutes. What no post ever loads is left out.
    "$1/bin/python" -I -m compileall -q -j 0 -x '/(tests?|testing|v1|mypy|setuptools|kengd/hub|dialects/(mssql|mysql|oracle|postgresql))/' \
        "$1"/lib/python*/site-packages >/dev/null || true
    mkdir -p -- "$1/share/kengd"
    cp -r -- "$checkout/deploy" "$checkout/systemd" "$checkout/firmware_config" "$checkout/requirements.lock" "$1/share/kengd/"
    seal "$1"
}

# The usual upgrade changes the program and none of its packages. Those of a release that is whole are then copied, which
# spares a small Pi minutes; copied, not linked: a block of the card that rots must not spoil two releases.
same_packages() { # OLD
    [ -n "$1" ] && cmp -s -- "$checkout/requirements.lock" "$1/share/kengd/requirements.lock" &&
        [ "$("$1/bin/python" -V 2>&1)" = "$("$system_python" -V)" ] && intact "$1" &&
        { [ -n "$wheels" ] || compgen -G "$1/lib/python*/site-packages/pip" >/dev/null; }
}

copy_packages() { # RELEASE OLD
    local from to
    from=$(compgen -G "$2/lib/python*/site-packages") to=$(compgen -G "$1/lib/python*/site-packages")
    cp -a -- "$from/." "$to/"
    rm -rf -- "$to/kengd" "$to"/kengd-*.dist-info
    packages=()
}

fill_offline() {
    local pip own
    pip=$(compgen -G "$wheels/pip-*.whl" | head -n 1 || true)
    [ -n "$pip" ] || die "trong $wheels thiếu gói pip." "đóng gói lại bằng deploy/wheelhouse.sh"
    own=$(compgen -G "$checkout/wheels/kengd-*.whl" || true)
    if [ -n "$own" ]; then
        printf '%s --hash=sha256:%s\n' "$own" "$(sha256sum -- "$own" | cut -d' ' -f1)" >"$scratch/own.txt"
        packages+=(-r "$scratch/own.txt")
    fi
    export PYTHONPATH=$pip # pip runs from its own wheel and is not left on the post
    [ ${#packages[@]} -eq 0 ] || in_venv --no-compile --no-deps --no-index --find-links "$wheels" --require-hashes "${packages[@]}" ||
        die "bộ cài không có đủ gói cho $("$system_python" -V) trên $(uname -m)." \
            "đóng gói lại: deploy/wheelhouse.sh --for $("$system_python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-$(uname -m)"
    [ -n "$own" ] || install_checkout --no-index
    unset PYTHONPATH
}

make_venv_online() { # RELEASE
    if ! answers "$system_python" 'import ensurepip'; then
        say "Đang cài python3-venv …"
        apt_install python3-venv || { apt update -q && apt_install python3-venv; } ||
            die "chưa cài được python3-venv." "xem mạng, hoặc dùng bộ cài không cần mạng: --wheelhouse kengd-bundle-….tar"
    fi
    "$system_python" -m venv "$1" || die "không tạo được môi trường Python ở $1." "xem lời báo ở trên"
}

fill_online() {
    [ ${#packages[@]} -eq 0 ] || in_venv --no-compile --require-hashes "${packages[@]}" ||
        die "chưa tải được các gói Python." "xem mạng rồi chạy lại, hoặc dùng bộ cài không cần mạng: --wheelhouse kengd-bundle-….tar"
    install_checkout
}

install_checkout() { # PIP_OPTION... : from a copy, since building leaves traces
    mkdir -p -- "$scratch/checkout"
    (cd -- "$checkout" && cp -r -- kengd pyproject.toml README.md LICENSE "$scratch/checkout/")
    in_venv --no-compile --no-deps --no-build-isolation "$@" "$scratch/checkout" || die "không dựng được kengd." "xem lời báo ở trên"
}
