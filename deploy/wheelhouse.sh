#!/usr/bin/env bash
# For whoever prepares SD cards: makes kengd-bundle-VERSION.tar, all that a post without Internet needs; or, for a commune's
# hub without Internet, kengd-hub-bundle-VERSION.tar.
#
#   deploy/wheelhouse.sh [--hub] [--out DIR] [--for PYTHON-MACHINE]...
#
#   --hub       for deploy/hub-install.sh instead; default then 3.11-x86_64 and 3.13-x86_64 (a PC with Debian 12 or 13)
#   --out DIR   where the tar goes (default: here)
#   --for       Python and machine, may be repeated; default 3.11-aarch64 and 3.13-aarch64 (64-bit Raspberry Pi OS bookworm
#               and trixie); 3.13-x86_64 for a PC
#
# In it: the program, every wheel of requirements.lock (or of requirements-hub.lock; hashes checked), pip itself, the scripts,
# and SHA256SUMS over all of it. On the post: unpack, `sudo ./deploy/install.sh`; on the hub `sudo ./deploy/hub-install.sh …`. No key of any post or hub is ever in it: keys are made per unit.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
# shellcheck source=deploy/ready.sh
. "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/ready.sh"

out=$PWD
targets=()
lock=requirements.lock
name=kengd-bundle
newest_glibc_tags=(2_34 2_31 2_28 2_27 2_26 2_24 2_17) # bookworm has glibc 2.36
taken=(kengd deploy systemd firmware_config pyproject.toml requirements.lock requirements-hub.lock README.md LICENSE)
own_scripts=(deploy systemd firmware_config requirements.lock requirements-hub.lock README.md LICENSE)

main() {
    read_arguments "$@"
    local version scratch python bundle
    version=$(sed -nE 's/^version = "([^"]+)"$/\1/p' "$checkout/pyproject.toml")
    python=$(newest_python)
    [ -n "$python" ] || die "ở đây không có Python 3.11 trở lên với python3-venv." "sudo apt-get install python3-venv"
    scratch=$(mktemp -d)
    # shellcheck disable=SC2064  # this very directory
    trap "rm -rf -- '$scratch'" EXIT
    bundle=$scratch/kengd-$version
    mkdir -p -- "$bundle/wheels" "$out"

    say "Đang chép chương trình …"
    copy_checkout "$scratch/checkout"
    refuse_secrets "$scratch/checkout"
    for part in "${own_scripts[@]}"; do cp -r -- "$scratch/checkout/$part" "$bundle/"; done

    "$python" -m venv "$scratch/venv"
    venv=$scratch/venv
    for target in "${targets[@]}"; do fetch_wheels "$bundle" "$target"; done
    venv_pip download --no-deps --require-hashes -r "$checkout/deploy/pip.lock" -d "$bundle/wheels"
    say "Đang đóng gói kengd $version …"
    venv_pip wheel --no-deps --no-index --find-links "$bundle/wheels" -w "$bundle/wheels" "$scratch/checkout"

    (cd -- "$bundle" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) >"$scratch/SHA256SUMS"
    mv -- "$scratch/SHA256SUMS" "$bundle/"
    tar -C "$scratch" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go=rX \
        -cf "$out/$name-$version.tar" "kengd-$version"
    say "Xong: $out/$name-$version.tar ($(du -h -- "$out/$name-$version.tar" | cut -f1); ${targets[*]})"
}

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
        --hub) lock=requirements-hub.lock name=kengd-hub-bundle && shift ;;
        --out) out=$(readlink -m -- "${2:?}") && shift 2 ;;
        --for)
            [[ ${2:-} =~ ^3\.[0-9]+-(aarch64|x86_64)$ ]] || die "--for ${2:-} không phải là PYTHON-MÁY." "ví dụ: --for 3.13-aarch64"
            targets+=("$2") && shift 2
            ;;
        -h | --help) sed -n '2,/^\[/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" && exit 0 ;;
        *) die "không hiểu: $1" "$0 --help" ;;
        esac
    done
    if [ ${#targets[@]} -eq 0 ]; then
        case $name in
        kengd-hub-bundle) targets=(3.11-x86_64 3.13-x86_64) ;;
        *) targets=(3.11-aarch64 3.13-aarch64) ;;
        esac
    fi
}

# As a clone would have it, with what is not committed yet; a copy without git is taken as it is.
copy_checkout() { # TO
    mkdir -p -- "$1"
    cd -- "$checkout"
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files -z --cached --others --exclude-standard --deduplicate -- "${taken[@]}" |
            while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done
        SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
    else
        find "${taken[@]}" -type f ! -path '*/__pycache__/*' -print0
        SOURCE_DATE_EPOCH=1577836800
    fi >"$1.files"
    export SOURCE_DATE_EPOCH # the same program gives the same bytes, so the same release
    tar --null --files-from="$1.files" -cf - | tar -C "$1" -xf -
    mkdir -p -- "$1/firmware_config" # empty in an early checkout
    cd - >/dev/null
}

# A key that lies about in a checkout must not travel to every post on every card.
refuse_secrets() { # DIRECTORY
    local found
    found=$(find "$1" -type f \( -iname '*.key' -o -iname '*.pem' -o -iname '*.password' -o -iname '*.p12' -o -iname '*.pfx' \
        -o -iname 'kengd.toml*' \) -print -quit)
    [ -n "$found" ] || found=$(grep -rlaE -m1 -e '-----BEGIN ([A-Z]+ )*PRIVATE KEY-----' "$1" | head -n 1 || true)
    [ -n "$found" ] || found=$(grep -rlaE -m1 --include='*.toml*' '^[[:space:]]*\[[[:space:]]*"?keys"?[[:space:]]*\]' "$1" | head -n 1 || true)
    [ -z "$found" ] || die "trong thư mục chương trình có tệp bí mật: ${found#"$1"/}" \
        "cất nó ra chỗ khác; khoá làm riêng cho từng điểm kẻng, không bao giờ nằm trong bộ cài"
}

fetch_wheels() { # BUNDLE PYTHON-MACHINE
    local python=${2%-*} machine=${2#*-} tags=() tag
    for tag in "${newest_glibc_tags[@]}"; do tags+=(--platform "manylinux_${tag}_$machine"); done
    say "Đang tải các gói cho Python $python, $machine …"
    venv_pip download --no-deps --only-binary :all: --require-hashes -r "$checkout/$lock" -d "$1/wheels" \
        --implementation cp --python-version "$python" --abi "cp${python/./}" --abi abi3 --abi none \
        "${tags[@]}" --platform "manylinux2014_$machine" --platform "linux_$machine"
}

main "$@"
