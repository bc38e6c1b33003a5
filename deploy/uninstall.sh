#!/usr/bin/env bash
# Gỡ kengd. Sổ kẻng, cài đặt và khoá ở lại, trừ khi ghi --purge.
# Removes kengd. Duty book, settings and keys stay unless --purge is given.
#
#   sudo kengd-uninstall [--purge [--yes]] [--force]
#
#   --purge   the book, the settings and the keys too; asks on a terminal
#   --yes     do not ask
#   --force   go on although the post runs and does not say whether it rings
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source=deploy/ready.sh
. "$here/ready.sh"
# shellcheck source=deploy/release.sh
. "$here/release.sh"
purge=
yes=

main() {
    local word
    for word in "$@"; do
        case $word in
        --purge) purge=yes ;;
        --yes) yes=yes ;;
        --force) force=yes ;;
        *) sed -n '2,/^\[/{/^#/s/^# \{0,1\}//p}' "$here/uninstall.sh" && exit 2 ;;
        esac
    done
    be_root
    cd /
    take_turns
    [ -z "$purge" ] || make_sure
    refuse_while_ringing
    rest_the_relay
    remove_units
    remove_program
    if [ -n "$purge" ]; then remove_what_is_kept; else tell_what_is_kept; fi
    say "Đã gỡ kengd. Nếu config.txt có dòng include kengd.txt, nên để nguyên: nó giữ chân rơ-le nghỉ khi máy bật."
}

make_sure() {
    [ -z "$yes" ] || return 0
    local answer=
    [ -t 0 ] || die "--purge xoá cả sổ kẻng và khoá, không lấy lại được." "chạy trên bàn phím để được hỏi, hoặc thêm --yes"
    read -r -p "Xoá cả sổ kẻng, cài đặt và khoá của điểm kẻng này, không lấy lại được. Gõ XOA rồi Enter: " answer
    [ "$answer" = XOA ] || die "chưa gõ XOA: không gỡ gì cả." "muốn giữ sổ thì chạy lệnh này không có --purge"
}

# The unit's own ExecStopPost does it; asked once more, since nothing will be left to ask afterwards.
rest_the_relay() {
    systemctl disable --quiet --now "$unit" 2>/dev/null || true
    if [ ! -x "$opt/current/bin/python" ] || { [ ! -e /run/kengd/relay.json ] && [ ! -e "$state/relay.json" ]; }; then return 0; fi
    timeout 30 "$opt/current/bin/python" -I -m kengd.belfry.off /run/kengd "$state" >&2 || [ -n "$force" ] ||
        die "chưa đưa được rơ-le về nghỉ, nên chưa gỡ chương trình." "ngắt cầu dao nguồn của búa hoặc còi, rồi chạy lại với --force"
}

remove_units() {
    rm -f -- "$systemd_etc/system/kengd.service" "$systemd_etc/system/kengd-intake.service" \
        "$systemd_etc/system/kengd-first-boot.service" "$systemd_etc/system/multi-user.target.wants/kengd-first-boot.service" \
        "$systemd_etc/journald.conf.d/kengd.conf" "$systemd_etc/timesyncd.conf.d/kengd.conf" \
        "$chrony_etc/conf.d/kengd.conf" "$chrony_etc/sources.d/kengd.sources"
    if [ -e "$systemd_etc/system.conf.d/kengd.conf" ]; then
        rm -f -- "$systemd_etc/system.conf.d/kengd.conf"
        systemctl daemon-reexec
    else
        systemctl daemon-reload
    fi
    systemctl --quiet try-restart systemd-journald.service chrony.service systemd-timesyncd.service 2>/dev/null || true
    systemctl reset-failed "$unit" 2>/dev/null || true
}

remove_program() {
    rm -f -- "$bin/kengd" "$sbin/kengd-rollback" "$sbin/kengd-uninstall"
    rm -rf -- "$opt" /run/kengd "$state/before"
}

remove_what_is_kept() {
    rm -rf -- "$state" "$etc"
    if id kengd >/dev/null 2>&1; then userdel kengd; fi
    say "Đã xoá sổ kẻng, cài đặt và khoá. Thẻ nhớ không chứng minh được là đã xoá sạch: báo xã thu hồi khoá của điểm kẻng này."
}

tell_what_is_kept() {
    say "Còn giữ: $state (sổ kẻng), $etc (cài đặt, khoá), người dùng kengd. Xoá nốt: cài lại rồi sudo kengd-uninstall --purge."
}

main "$@"
exit # what is below this line, and this file itself, may be gone by now
