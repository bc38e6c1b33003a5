#!/usr/bin/env bash
# Cài hoặc nâng cấp máy trực ban xã trên Debian, Ubuntu hoặc Raspberry Pi OS 64 bit. Chạy lại bao nhiêu lần cũng được.
# Installs or upgrades the commune hub on Debian, Ubuntu or 64-bit Raspberry Pi OS. May be run again at any time.
#
#   sudo ./deploy/hub-install.sh [--commune ID --name NAME --address HOST_OR_IP ...] [--web HOST:PORT]
#
#   --commune, --name, --address   the first time only: they are handed to `kengd hub begin`, which prints the first
#                                  officer's password. --address: what the posts call this machine by; may be repeated.
#   --web                          where the desk listens (127.0.0.1:8080)
#
# Without Internet: from a bundle of `deploy/wheelhouse.sh --hub`, unpacked; mosquitto must be there then.
# The broker is Debian's mosquitto with our own settings, which the hub writes anew when something is revoked or renewed, and at
# its start.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -eEuo pipefail
umask 022
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source=deploy/ready.sh
. "$here/ready.sh"
# shellcheck source=deploy/build.sh
. "$here/build.sh"

opt=/opt/kengd-hub
etc=/etc/kengd
state=/var/lib/kengd-hub
units=/etc/systemd/system
begin=()
web=127.0.0.1:8080
scratch=
unfinished= # a release that is not complete yet

main() {
    read_arguments "$@"
    [ "$(id -u)" -eq 0 ] || die "cần quyền root." "sudo $0 $*"
    has_systemd || die "máy này không chạy systemd." "dùng Debian 12, Ubuntu 24.04 hoặc Raspberry Pi OS trở lên"
    local python release
    scratch=$(mktemp -d /var/tmp/kengd-hub-install.XXXXXX)
    trap leave EXIT
    find_wheels
    if [ -n "$wheels" ]; then # pip comes along, so ensurepip need not be there
        python=$system_python
        answers "$python" 'import ctypes, sqlite3, ssl, venv' || stop_if_hopeless
    else
        python=$(newest_python)
        [ -n "$python" ] || stop_if_hopeless
    fi
    install_missing_packages "$python"
    [ -n "$python" ] || python=$(newest_python)
    [ -n "$python" ] || die "Python ở đây không tạo được môi trường ảo." "sudo apt-get install python3-venv"
    make_user
    release=$opt/releases/$(date -u +%Y%m%d-%H%M%S)
    build_hub "$python" "$release"
    found_hub "$release"
    lay_out_units
    put_in_force "$release"
    farewell
}

leave() { rm -rf -- "$scratch" ${unfinished:+"$unfinished"}; }

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
        --commune | --name | --address)
            [ $# -ge 2 ] || die "thiếu giá trị sau $1." "xem đầu tệp $0"
            begin+=("$1" "$2")
            shift
            ;;
        --web)
            [ $# -ge 2 ] || die "thiếu giá trị sau --web." "ví dụ --web 0.0.0.0:8080"
            web=$2
            shift
            ;;
        *) die "không hiểu $1." "xem đầu tệp $0" ;;
        esac
        shift
    done
    if [ ${#begin[@]} -eq 0 ] && [ ! -e "$etc/hub.toml" ]; then
        die "lần đầu phải nói xã nào." "sudo $0 --commune cong-lac --name 'Cộng Lạc' --address 10.0.0.5"
    fi
}

make_user() {
    id kengd-hub >/dev/null 2>&1 ||
        useradd --system --user-group --home-dir "$state" --shell /usr/sbin/nologin --comment 'kengd hub' kengd-hub
    install -d -m 0750 -o kengd-hub -g kengd-hub "$state"
    install -d -m 0755 "$etc" "$opt" "$opt/releases"
    # mosquitto reads what the hub writes here: the group comes with the directory, and nobody else may look
    chmod 0751 "$state"
    install -d -m 2750 -o kengd-hub -g mosquitto "$state/broker"
    install -d -m 0700 -o mosquitto -g mosquitto "$state/broker/data"
    install -d -m 0700 -o kengd-hub -g kengd-hub "$state/backup"
    chmod -f o= "$state"/ledger.sqlite* || true
}

build_hub() { # PYTHON RELEASE : complete and tried before anything in force is touched
    say "Đang dựng $2 (vài phút) …"
    unfinished=$2
    venv=$2
    packages=(-r "$checkout/requirements-hub.lock")
    if [ -n "$wheels" ]; then
        "$1" -m venv --without-pip "$2"
        fill_offline
    else
        "$1" -m venv "$2"
        fill_online
    fi
    "$2/bin/python" -I -m compileall -q -j 0 -x '/(tests?|testing|setuptools)/' "$2"/lib/python*/site-packages >/dev/null || true
    "$2/bin/python" -I -m kengd hub serve --help >/dev/null
    unfinished=
}

found_hub() { # RELEASE
    [ ${#begin[@]} -gt 0 ] || return 0
    if [ -e "$etc/hub.toml" ]; then
        say "Máy trực ban đã lập rồi ($etc/hub.toml): bỏ qua --commune, --name, --address."
        return
    fi
    install -d -m 0770 -o root -g kengd-hub "$etc.new"
    as_hub "$1/bin/python" -P -m kengd --config "$etc.new/hub.toml" hub begin --state "$state" --web "$web" "${begin[@]}"
    install -m 0640 -o root -g kengd-hub "$etc.new/hub.toml" "$etc/hub.toml"
    rm -rf -- "$etc.new"
}

# Nobody else on this machine may read the ledger: people's numbers are in it.
as_hub() { (cd "$state" && umask 0077 && setpriv --reuid kengd-hub --regid kengd-hub --init-groups env HOME="$state" "$@"); }

lay_out_units() {
    local unit
    for unit in kengd-hub.service kengd-hub-backup.service kengd-hub-backup.timer kengd-broker.path kengd-broker.service; do
        install -m 0644 "$checkout/systemd/$unit" "$units/$unit"
    done
    install -D -m 0644 "$checkout/systemd/mosquitto-kengd.conf" "$units/mosquitto.service.d/kengd.conf"
    systemctl daemon-reload
}

put_in_force() { # RELEASE
    ln -sfn -- "$1" "$opt/current.new" && mv -T -- "$opt/current.new" "$opt/current"
    printf '#!/bin/sh\nexec %s/current/bin/kengd "$@"\n' "$opt" >/usr/local/bin/kengd-hub.new
    chmod 0755 /usr/local/bin/kengd-hub.new && mv /usr/local/bin/kengd-hub.new /usr/local/bin/kengd-hub
    systemctl enable --quiet mosquitto.service kengd-hub.service kengd-hub-backup.timer kengd-broker.path
    systemctl restart mosquitto.service kengd-broker.path kengd-hub-backup.timer
    systemctl restart kengd-hub.service || {
        journalctl -u kengd-hub -n 20 -o cat --no-pager | sed 's/^/    /' >&2
        die "máy trực ban không khởi động được." "xem các dòng trên; bản trước vẫn ở $opt/releases"
    }
    # two releases are enough: this one and the one before
    find "$opt/releases" -mindepth 1 -maxdepth 1 -type d | sort | head -n -2 | xargs -r rm -rf --
}

farewell() {
    local scheme=http
    ! grep -q '^own_cert = true' "$etc/hub.toml" || scheme=https
    say "Máy trực ban đang chạy: $scheme://$web"
    say "  cài đặt: $etc/hub.toml   dữ liệu: $state   nhật ký: journalctl -u kengd-hub"
    [ -e "$etc/hub-backup.passphrase" ] ||
        say "  Sao lưu mỗi đêm chưa bật: ghi một câu mật khẩu vào $etc/hub-backup.passphrase (chmod 600) và cất một bản ở nơi khác."
}

main "$@"
