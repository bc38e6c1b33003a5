# Sourced by the other scripts here: makes this checkout ready to run. Debian or Raspberry Pi OS, Python 3.11 or newer.
# shellcheck shell=bash
#
#   ready LOCKFILE [PACKAGE...]   system packages (only what is missing; PACKAGEs in any case), .venv, the locked
#                                 dependencies, kengd itself
#
# Afterwards "$checkout/.venv/bin/python" runs kengd. Each step is skipped when there is nothing to do.

checkout=$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")
venv=$checkout/.venv
become=() # the words that make a command run as root

say() { printf '%s\n' "$*" >&2 || true; } # nobody there to read it is no reason to stop

die() { # SENTENCE CURE
    printf 'lỗi: %s\n  cách sửa: %s\n' "$1" "$2" >&2
    exit 1
}

ready() {
    local python
    python=$(newest_python)
    [ -n "$python" ] || stop_if_hopeless
    install_missing_packages "$python" "${@:2}"
    python=$(newest_python)
    [ -n "$python" ] || stop_if_hopeless
    [ -n "$python" ] || die "Python ở đây không tạo được môi trường ảo." "sudo apt-get install python3-venv"
    # Two starts at once must not build one .venv together; the lock file itself is what they take turns on.
    (
        flock 9
        install_locked "$python" "$1"
    ) 9<"$checkout/$1" || exit 1
}

# ---- Python

# Newest name first; a name that is only a shim, or a Python built without what we need, fails its trial and is passed over.
newest_python() { # prints the newest Python of 64 bits that can make a virtual environment; nothing when there is none
    local name found
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        for found in "$(command -v "$name")" "/usr/bin/$name"; do
            if [ -n "$found" ] && answers "$found" 'import ctypes, ensurepip, sqlite3, ssl, venv'; then
                printf '%s' "$found"
                return
            fi
        done
    done
}

answers() { # PYTHON CODE : runs, is one that the locked packages have wheels for, and the code works
    "$1" -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15) or sys.maxsize < 2**32)" >/dev/null 2>&1 &&
        "$1" -c "$2" >/dev/null 2>&1
}

# No package of apt's makes an old system new, nor one of 32 bits wide.
stop_if_hopeless() {
    local name
    for name in python3 /usr/bin/python3; do
        command -v "$name" >/dev/null || return 0
        answers "$name" pass && return 0
    done
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || die \
        "Python ở đây cũ quá ($(python3 -V 2>&1)); kengd cần Python 3.11 trở lên." \
        "dùng Debian 12 hoặc Raspberry Pi OS (bookworm) trở lên"
    python3 -c 'import sys; sys.exit(sys.version_info >= (3, 15))' >/dev/null 2>&1 || die \
        "Python ở đây mới quá ($(python3 -V 2>&1)); kengd cần Python 3.11 đến 3.14." \
        "cài thêm python3.13 hoặc python3.14 (kèm gói venv của nó)"
    die "hệ điều hành ở đây là bản 32 bit." "cài lại thẻ nhớ bằng Raspberry Pi OS (64-bit)"
}

# ---- system packages

find_mosquitto() { PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v mosquitto; }

install_missing_packages() { # PYTHON or "", PACKAGE...
    local missing=("${@:2}") new_broker=
    [ -n "$1" ] || missing+=(python3-venv)
    if ! find_mosquitto >/dev/null; then
        missing+=(mosquitto)
        new_broker=yes
    fi
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "máy này thiếu ${missing[*]} và không có apt." \
        "dùng Debian 12 hoặc Raspberry Pi OS (bookworm) trở lên, hoặc tự cài: ${missing[*]}"
    find_the_way_to_root "${missing[@]}"
    say "Đang cài: ${missing[*]} …"
    apt_install "${missing[@]}" || { apt update -q && apt_install "${missing[@]}"; } || die "chưa cài được ${missing[*]}." \
        "xem mạng và lời báo ở trên, rồi chạy: sudo apt-get update && sudo apt-get install ${missing[*]}"
    [ -z "$new_broker" ] || rest_system_broker
}

find_the_way_to_root() { # PACKAGE... : sudo only where it asks nothing, or where there is a terminal to ask on
    [ "$(id -u)" -ne 0 ] || return 0
    if ! command -v sudo >/dev/null || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
        die "máy thiếu $*, mà ở đây không có quyền root để cài." \
            "nhờ người quản trị máy chạy: sudo apt-get install $*   rồi chạy lại lệnh này"
    fi
    become=(sudo)
}

apt() { "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@" >&2 </dev/null; }

apt_install() { apt install -q -y --no-install-recommends "$@"; }

has_systemd() { [ -d /run/systemd/system ]; }

# Debian starts a broker on port 1883 as soon as the package is there. Nobody asked for one: the demo and the tests run
# their own. Only a broker that came with this very installation is put to rest, never one that was there before.
rest_system_broker() {
    has_systemd || return 0
    "${become[@]}" systemctl disable --quiet --now mosquitto.service >&2 || true
    say "Đã cài mosquitto; dịch vụ mosquitto của hệ thống để tắt (bật lại: sudo systemctl enable --now mosquitto)."
}

# ---- the virtual environment

install_locked() { # PYTHON LOCKFILE
    local stamp=$venv/.installed-$2 mark
    mark=$("$1" -V && printf '%s\n' "$checkout" && cat -- "$checkout/$2" "$checkout/pyproject.toml" | sha256sum)
    if [ -x "$venv/bin/python" ] && [ "$(cat -- "$stamp" 2>/dev/null)" = "$mark" ]; then return; fi
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 || ! same_python "$1"; then
        say "Đang tạo môi trường Python ở $venv …"
        rm -rf -- "$venv"
        "$1" -m venv "$venv" || die "không tạo được $venv." "xem quyền ghi và chỗ trống của thư mục này"
    fi
    say "Đang cài các gói Python đã khoá phiên bản (lần đầu mất vài phút) …"
    if ! in_venv --require-hashes --requirement "$checkout/$2" ||
        ! in_venv --no-deps --no-build-isolation --editable "$checkout"; then
        die "chưa cài được các gói Python." "xem mạng và lời báo ở trên, rồi chạy lại lệnh này"
    fi
    printf '%s\n' "$mark" >"$stamp"
}

same_python() { [ "$("$venv/bin/python" -V 2>&1)" = "$("$1" -V 2>&1)" ]; }

in_venv() { venv_pip install "$@"; }

# Raspberry Pi OS adds an index that rebuilds wheels, so their hashes are others than the locked ones: without its settings then.
venv_pip() { # COMMAND...
    local settings=()
    if grep -qs piwheels /etc/pip.conf; then settings=(PIP_CONFIG_FILE=/dev/null); fi
    env "${settings[@]}" "$venv/bin/python" -m pip --disable-pip-version-check --quiet --no-input "$@" >&2 </dev/null
}
