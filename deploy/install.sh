#!/usr/bin/env bash
# Cài hoặc nâng cấp một điểm kẻng trên Raspberry Pi OS 64 bit (bookworm, trixie). Chạy lại bao nhiêu lần cũng được.
# Installs or upgrades a bell post on 64-bit Raspberry Pi OS. May be run again at any time.
#
#   sudo ./deploy/install.sh [--wheelhouse DIR_OR_TAR] [--settings FILE] [--force]
#
#   --wheelhouse  the packages from here instead of the Internet: a bundle of deploy/wheelhouse.sh, packed or unpacked.
#                 In an unpacked bundle itself it need not be said.
#   --settings    the first settings of this post (kengd.toml, with [keys] or without); later they are in /etc/kengd
#   --force       go on although the post runs and does not say whether it rings
#
# A new release is built and tried beside the one in force. Only then is the bell stopped and started, once; if the new one
# is not ready in time, the old one is put back.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
umask 022
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source=deploy/ready.sh
. "$here/ready.sh"
# shellcheck source=deploy/release.sh
. "$here/release.sh"

system_python=/usr/bin/python3
least_free_mib=350
wheels= # a directory of wheels, when there is no Internet to be used
first_settings=
scratch=

main() {
    read_arguments "$@"
    be_root
    take_turns
    scratch=$(mktemp -d /var/tmp/kengd-install.XXXXXX)
    trap leave EXIT
    look_at_the_machine
    find_wheels
    refuse_while_ringing

    local new old older
    old=$(release_at current) older=$(release_at previous)
    new=$(release_for_this)
    make_user
    if [ "$new" = "$old" ] && intact "$new" && runs "$new"; then
        say "Bản ${new##*/} đã có sẵn và nguyên vẹn."
    else
        [ "$new" != "$old" ] || new=$new.$(date +%s) # the one in force is damaged: a fresh one beside it
        build "$new"
    fi
    take_settings "$new"
    if [ "$new" = "$old" ]; then
        stay_with "$old"
    else
        change_over_or_wait "$new" "$old" "$older"
    fi
    prune
    farewell "$new"
}

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
        --wheelhouse) wheels=$(readlink -e -- "${2:-}") || die "không có $1 ${2:-}." "xem lại đường dẫn" ;;
        --settings) first_settings=$(readlink -e -- "${2:-}") || die "không có $1 ${2:-}." "xem lại đường dẫn" ;;
        --force) force=yes ;;
        -h | --help) sed -n '2,/^\[/{/^#/s/^# \{0,1\}//p}' "$here/install.sh" && exit 0 ;;
        *) die "không hiểu: $1" "sudo $0 --help" ;;
        esac
        case $1 in --wheelhouse | --settings) shift 2 ;; *) shift ;; esac
    done
}

leave() { rm -rf -- "$scratch"; }

# ---- the machine

look_at_the_machine() {
    case $(uname -m) in
    aarch64) ;;
    x86_64) say "Cảnh báo: máy này là PC (x86-64), không phải Raspberry Pi. Cài được để thử; điểm kẻng thật cần Raspberry Pi 64 bit." ;;
    *) die "kengd không chạy trên loại máy này ($(uname -m))." "dùng Raspberry Pi Zero 2 W, 3, 4 hoặc 5 với Raspberry Pi OS (64-bit)" ;;
    esac
    has_systemd || die "hệ điều hành này không chạy systemd." "dùng Raspberry Pi OS (64-bit) bookworm hoặc trixie"
    if ! answers "$system_python" 'import ctypes, sqlite3, ssl, venv'; then
        stop_if_hopeless
        die "không dùng được $system_python (cần Python 3.11 trở lên của hệ điều hành)." "sudo apt-get install python3 python3-venv"
    fi
    local id=
    id=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    [[ $id =~ ^(bookworm|trixie)$ ]] || say "Cảnh báo: chưa thử trên hệ điều hành này (${id:-không rõ tên}); đã thử trên bookworm và trixie."
    refuse_read_only
    local free
    mkdir -p -- "$opt/releases"
    free=$(df --output=avail -m -- "$opt" | tail -n 1)
    [ "$free" -ge "$least_free_mib" ] || die "thẻ nhớ chỉ còn $free MiB trống, cần $least_free_mib MiB." "xoá bớt, hoặc dùng thẻ lớn hơn"
}

# With a read-only root everything written now would be gone after the next start.
refuse_read_only() {
    local kind
    kind=$(findmnt -n -o FSTYPE -T "$opt" 2>/dev/null || findmnt -n -o FSTYPE /)
    [[ ! $kind =~ ^(overlay|tmpfs|ramfs)$ ]] || die "thẻ nhớ đang ở chế độ chỉ đọc (overlay): cài vào lúc này thì khởi động lại là mất." \
        "tắt chế độ chỉ đọc (bỏ overlayroot=… trong /boot/firmware/cmdline.txt), khởi động lại, cài, rồi bật lại"
}

make_user() {
    getent group gpio >/dev/null || groupadd --system gpio
    getent group kengd >/dev/null || groupadd --system kengd
    id kengd >/dev/null 2>&1 || useradd --system --gid kengd --no-create-home --home-dir "$state" --shell /usr/sbin/nologin \
        --comment "kengd bell post" kengd
    install -d -m 755 -- "$etc"
    install -d -m 700 -- "$etc/keys"
    install -d -m 750 -o kengd -g kengd -- "$state"
}

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

# A venv at its final place (its scripts name it), counted only once it is sealed.
build() { # RELEASE
    say "Đang dựng bản ${1##*/} …"
    rm -rf -- "$1"
    venv=$1
    if [ -n "$wheels" ]; then build_offline "$1"; else build_online "$1"; fi
    # The service cannot write here, and compiling at each start costs a small Pi minutes. What no post ever loads is left out.
    "$1/bin/python" -I -m compileall -q -j 0 -x '/(tests?|testing|v1|mypy|dialects/(mssql|mysql|oracle|postgresql))/' \
        "$1"/lib/python*/site-packages >/dev/null || true
    mkdir -p -- "$1/share/kengd"
    cp -r -- "$checkout/deploy" "$checkout/systemd" "$1/share/kengd/"
    cp -r -- "$checkout/firmware_config" "$1/share/kengd/"
    seal "$1"
}

build_offline() { # RELEASE
    local pip own
    "$system_python" -m venv --without-pip "$1" || die "không tạo được môi trường Python ở $1." "xem lời báo ở trên"
    pip=$(compgen -G "$wheels/pip-*.whl" | head -n 1 || true)
    [ -n "$pip" ] || die "trong $wheels thiếu gói pip." "đóng gói lại bằng deploy/wheelhouse.sh"
    export PYTHONPATH=$pip # pip runs from its own wheel and is not left on the post
    in_venv --no-compile --no-index --find-links "$wheels" --require-hashes -r "$checkout/requirements.lock" ||
        die "bộ cài không có đủ gói cho $("$system_python" -V) trên $(uname -m)." \
            "đóng gói lại: deploy/wheelhouse.sh --for $("$system_python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-$(uname -m)"
    own=$(compgen -G "$checkout/wheels/kengd-*.whl" || true)
    if [ -n "$own" ]; then
        printf '%s --hash=sha256:%s\n' "$own" "$(sha256sum -- "$own" | cut -d' ' -f1)" >"$scratch/own.txt"
        in_venv --no-compile --no-index --no-deps --require-hashes -r "$scratch/own.txt" || die "không cài được $own." "xem lời báo ở trên"
    else
        install_checkout --no-index
    fi
    unset PYTHONPATH
}

build_online() { # RELEASE
    if ! answers "$system_python" 'import ensurepip'; then
        say "Đang cài python3-venv …"
        apt_install python3-venv || { apt update -q && apt_install python3-venv; } ||
            die "chưa cài được python3-venv." "xem mạng, hoặc dùng bộ cài không cần mạng: --wheelhouse kengd-bundle-….tar"
    fi
    "$system_python" -m venv "$1" || die "không tạo được môi trường Python ở $1." "xem lời báo ở trên"
    in_venv --no-compile --require-hashes -r "$checkout/requirements.lock" ||
        die "chưa tải được các gói Python." "xem mạng rồi chạy lại, hoặc dùng bộ cài không cần mạng: --wheelhouse kengd-bundle-….tar"
    install_checkout
}

install_checkout() { # PIP_OPTION... : from a copy, since building leaves traces
    mkdir -p -- "$scratch/checkout"
    (cd -- "$checkout" && cp -r -- kengd pyproject.toml README.md LICENSE "$scratch/checkout/")
    in_venv --no-compile --no-deps --no-build-isolation "$@" "$scratch/checkout" || die "không dựng được kengd." "xem lời báo ở trên"
}

# ---- settings and start

take_settings() { # RELEASE
    [ -n "$first_settings" ] || return 0
    install -D -m 640 -o root -g kengd -- "$first_settings" "$etc/kengd.toml"
}

# Nothing new: units in their place, and running if it can run. The bell is not touched.
stay_with() { # RELEASE
    lay_out "$1"
    systemctl enable --quiet "$unit"
    if has_settings && ! systemctl is-active --quiet "$unit"; then
        start_and_look || { last_words && die "bản ${1##*/} không chạy được." "xem: sudo kengd doctor"; }
    fi
}

change_over_or_wait() { # NEW OLD OLDER
    if has_settings; then
        change_over "$@"
    else
        put_in_force "$1" "$2"
        systemctl enable --quiet "$unit"
    fi
}

farewell() { # RELEASE
    say "Xong: kengd ${1##*/}."
    if has_settings; then
        say "Điểm kẻng đang chạy. Xem: sudo kengd status; khám máy: sudo kengd doctor"
    else
        say "Chưa có tệp cài đặt, nên kẻng chưa chạy. Chép kengd.toml vào phân vùng boot của thẻ rồi khởi động lại, hoặc:"
        say "    sudo cp $opt/current/share/kengd/deploy/kengd.example.toml $etc/kengd.toml   (rồi sửa, và: sudo systemctl start kengd)"
    fi
}

main "$@"
