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
# shellcheck source=deploy/build.sh
. "$here/build.sh"

least_free_mib=350
first_settings=
scratch=
trial=
not_taken=

main() {
    read_arguments "$@"
    be_root
    cd / # what lies in the caller's directory must not stand in for a module of Python's
    take_turns
    sweep
    scratch=$(mktemp -d /var/tmp/kengd-install.XXXXXX)
    trap leave EXIT
    look_at_the_machine
    find_wheels
    refuse_while_ringing

    local new old older
    old=$(release_at current) older=$(release_at previous)
    new=$(release_for_this)
    make_user
    if intact "$new" && runs "$new"; then
        say "Bản ${new##*/} đã có sẵn và nguyên vẹn."
    else
        [ "$new" != "$old" ] || new=$new.$(date +%s) # the one in force is damaged: a fresh one beside it
        build "$new" "$old"
    fi
    take_settings "$new"
    if [ "$new" = "$old" ]; then
        stay_with "$old"
    else
        try_release "$new" "$old"
        change_over_or_wait "$new" "$old" "$older"
    fi
    prune
    tell_firmware "$new"
    keep_time "$new"
    farewell "$new"
    [ -z "$not_taken" ]
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

# What installations left that were cut short: each is as large as a release, and the card is small.
sweep() {
    local old
    rm -rf -- /var/tmp/kengd-install.* "$state"/trial.*
    for old in "$opt"/releases/*; do
        [ -e "$old/.complete" ] || [ "$old" = "$(readlink -m -- "$opt/current")" ] || rm -rf -- "$old"
    done
}

leave() { rm -rf -- "$scratch" ${trial:+"$trial"}; }

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
    id -nG kengd | grep -qw gpio || usermod --append --groups gpio kengd
    install -d -m 755 -- "$etc"
    install -d -m 700 -- "$etc/keys"
    install -d -m 750 -o kengd -g kengd -- "$state"
}

# ---- settings and start

# The first settings, and only those: later ones are edited in place, or dropped on the boot partition.
take_settings() { # RELEASE
    if [ -n "$first_settings" ] && ! as_taken "$1" "$first_settings" | cmp -s -- - "$etc/kengd.toml"; then
        [ ! -e "$etc/kengd.toml" ] || die "máy này đã có cài đặt, không ghi đè bằng --settings." \
            "sửa $etc/kengd.toml, hoặc chép tệp mới thành kengd.toml vào phân vùng boot rồi khởi động lại"
        install -D -m 600 -- "$first_settings" "$scratch/settings/kengd.toml"
        "$1/bin/kengd" intake --boot-dir "$scratch/settings" || die "tệp $first_settings chưa dùng được (xem ở trên)." "sửa rồi chạy lại"
        if grep -q '^[[:space:]]*\[keys\]' -- "$first_settings"; then
            say "Chú ý: $first_settings vẫn còn khoá trong đó; cất kỹ hoặc xoá đi."
        fi
    elif [ ! -e "$etc/kengd.toml" ]; then
        "$1/bin/kengd" intake || not_taken=yes
    fi
}

# What the intake makes of a file: keys, mark and line ends of Windows are gone.
as_taken() { # RELEASE FILE
    "$1/bin/python" -I -c 'import sys
from kengd.settings.dropped import read_dropped
sys.stdout.buffer.write((read_dropped(open(sys.argv[1], "rb").read(), "").settings or "").encode())' "$2" 2>/dev/null
}

# ---- is it good enough?

# Whatever is wrong, the release in force goes on untouched.
try_release() { # NEW OLD
    say "Đang thử bản ${1##*/} trên máy này (kẻng vẫn làm việc bình thường) …"
    if ! intact "$1" || ! runs "$1"; then refuse "$1" "$2" "tệp chương trình bị hỏng hoặc không nạp được."; fi
    [ "$(of_release "$1" --version)" = "kengd $(version_of_this)" ] || refuse "$1" "$2" "chương trình nói sai số bản của chính nó."
    trial=$(mktemp -d "$state/trial.XXXXXX")
    install -d -o kengd -g kengd -m 700 -- "$trial" "$trial/post" "$trial/book"
    if [ -e "$etc/kengd.toml" ]; then
        of_release "$1" check >"$scratch/check" 2>&1 || {
            cat -- "$scratch/check" >&2
            refuse "$1" "$2" "cài đặt của điểm kẻng này không dùng được với bản mới."
        }
    fi
    of_release "$1" trial post --dir "$trial/post" >&2 || refuse "$1" "$2" "điểm kẻng thử (chân mô phỏng) không chạy đúng."
    try_book "$1" "$2"
    rm -rf -- "$trial"
    trial=
}

try_book() { # NEW OLD
    local code=0
    of_release "$1" trial book --dir "$trial/book" >&2 || code=$?
    [ "$code" -eq 0 ] || refuse "$1" "$2" "bản này không dùng tiếp được sổ kẻng của máy (mã $code). Về bản cũ hơn thì dùng: sudo kengd-rollback."
}

refuse() { # NEW OLD WHY : the release before stays, since it is what kengd-rollback goes back to
    [ "$1" = "$(release_at previous)" ] || rm -rf -- "$1"
    die "không cài bản ${1##*/}: $3" \
        "${2:+bản ${2##*/} vẫn đang chạy, không bị đụng tới. }Gửi các dòng ở trên cho người làm ra bản này, hoặc cài bản khác"
}

# ---- settled

# Nothing new: units in their place, and running if it can run. The bell is not touched, unless a change that was cut short left
# the release of before running.
stay_with() { # RELEASE
    lay_out "$1"
    systemctl enable --quiet "$unit"
    if ! has_settings || { systemctl is-active --quiet "$unit" && runs_from "$1"; }; then return 0; fi
    refuse_while_ringing
    start_and_look || { last_words && die "bản ${1##*/} không chạy được." "xem: sudo kengd doctor; về bản trước: sudo kengd-rollback"; }
}

change_over_or_wait() { # NEW OLD OLDER
    if has_settings; then
        compile_settings "$1"
        keep_before "$1"
        change_over "$@"
    else
        put_in_force "$1" "$2"
        systemctl enable --quiet "$unit"
    fi
}

# chrony is the better clock on a bad line, and takes the hub as a source. Without Internet what is there stays.
keep_time() { # RELEASE
    local keeper=chrony
    if [ ! -d "$chrony_etc" ]; then
        say "Đang cài chrony (giữ giờ) nếu có mạng …"
        timeout 300 env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=0 -o Acquire::http::Timeout=15 \
            install --no-install-recommends chrony >/dev/null 2>&1 </dev/null || keeper=systemd-timesyncd
    fi
    install -d -m 755 -- "$systemd_etc/timesyncd.conf.d" # the system brings none, and without it the hub is never asked
    if [ -e "$etc/kengd.toml" ]; then "$1/bin/kengd" --config "$etc/kengd.toml" time-source >&2 || true; fi
    if [ "$keeper" = chrony ]; then
        put_file "$1/share/kengd/deploy/chrony/kengd.conf" "$chrony_etc/conf.d/kengd.conf" || true
        systemctl --quiet try-restart chrony.service || true
    else
        say "Không cài được chrony (không có mạng?): đồng hồ vẫn do $keeper giữ. Có mạng thì chạy lại lệnh này."
        systemctl --quiet try-restart systemd-timesyncd.service 2>/dev/null || true
    fi
}

# What the firmware does with the pins before kengd is there. Counts from the next start on; without it the bell works too.
tell_firmware() { # RELEASE
    if ! has_settings || { [ ! -e /boot/firmware/config.txt ] && [ ! -e /boot/config.txt ]; }; then return 0; fi
    "$1/bin/kengd" --config "$etc/kengd.toml" firmware --write >&2 ||
        say "Cảnh báo: phân vùng khởi động chưa ghi được (xem ở trên); sau này: sudo kengd firmware --write, rồi sudo kengd doctor --boot"
}

farewell() { # RELEASE
    say "Xong: kengd ${1##*/}."
    if [ -n "$not_taken" ]; then
        say "Tệp cài đặt trên phân vùng boot CHƯA dùng được: xem kengd-loi.txt ở đó, sửa rồi khởi động lại."
    elif has_settings; then
        say "Điểm kẻng đang chạy. Xem: sudo kengd status; khám máy: sudo kengd doctor"
    else
        say "Chưa có tệp cài đặt, nên kẻng chưa chạy. Chép kengd.toml vào phân vùng boot của thẻ rồi khởi động lại, hoặc:"
        say "    sudo cp $opt/current/share/kengd/deploy/kengd.example.toml $etc/kengd.toml   (rồi sửa, và: sudo systemctl start kengd)"
    fi
}

main "$@"
