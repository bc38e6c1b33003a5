#!/usr/bin/env bash
# Quay lại bản kengd ngay trước bản đang chạy. Sổ kẻng đi theo, không mất mục nào.
# Back to the release before the one in force; called again, forth again. The duty book comes along.
#
#   sudo kengd-rollback [--force]
#
#   --force   go on although the post runs and does not say whether it rings
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -euo pipefail
umask 022
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source=deploy/ready.sh
. "$here/ready.sh"
# shellcheck source=deploy/release.sh
. "$here/release.sh"
trial=

main() {
    case ${1:-} in
    "") ;;
    --force) force=yes ;;
    *) sed -n '2,/^\[/{/^#/s/^# \{0,1\}//p}' "$here/rollback.sh" && exit 2 ;;
    esac
    be_root
    cd /
    take_turns
    local now before
    now=$(release_at current) before=$(release_at previous)
    if [ -z "$now" ] || [ -z "$before" ] || [ "$now" = "$before" ]; then
        die "trên máy này không có bản nào trước đó để quay lại." "cài bản cần dùng bằng install.sh của bản đó"
    fi
    refuse_while_ringing
    look_at "$before"
    compile_settings "$before"
    keep_before "$before"
    if has_settings; then
        change_over "$before" "$now" "$before" "$now"
    else
        put_in_force "$before" "$now"
    fi
    say "Xong: đang dùng bản ${before##*/}. Chạy lại lệnh này thì về bản ${now##*/}."
}

# A release that once was good may have lost its Python in an upgrade of the system, or a file to a bad card.
look_at() { # RELEASE
    say "Đang xem bản ${1##*/} còn dùng được không …"
    if ! intact "$1" || ! runs "$1"; then
        die "bản ${1##*/} không còn nguyên vẹn hoặc không chạy được nữa; bản đang dùng vẫn chạy." "cài lại bản cần dùng bằng install.sh của bản đó"
    fi
    if [ -e "$etc/kengd.toml" ] && ! of_release "$1" check >&2; then
        die "cài đặt hiện nay không dùng được với bản ${1##*/} (xem ở trên); bản đang dùng vẫn chạy." \
            "sửa $etc/kengd.toml, hoặc lấy lại tệp lúc nâng cấp: sudo cp $state/before/$(basename -- "$(release_at current)")/kengd.toml $etc/"
    fi
    trial=$(mktemp -d "$state/trial.XXXXXX")
    # shellcheck disable=SC2064  # this very directory
    trap "rm -rf -- '$trial'" EXIT
    chown kengd:kengd -- "$trial"
    of_release "$1" trial book --dir "$trial" >&2 || tell_what_comes "$1"
}

# It will set today's book aside and begin another, as the hub sees it too: one entry never has two contents.
tell_what_comes() { # RELEASE
    local now told
    now=$(release_at current)
    told=$(of_release "$now" trial since --dir "$state/before/${now##*/}" 2>/dev/null | tail -n 1) || true
    say "Bản ${1##*/} không đọc được sổ kẻng của bản mới hơn: sổ đó sẽ được cất riêng, không mất (${told:-không rõ số mục})."
}

main "$@"
