# Sourced by install.sh, rollback.sh and uninstall.sh: where things are on a post, and what they do with releases alike.
# Needs say and die of ready.sh.
# shellcheck shell=bash

opt=/opt/kengd
etc=/etc/kengd
state=/var/lib/kengd
systemd_etc=/etc/systemd
sbin=/usr/local/sbin
bin=/usr/local/bin
unit=kengd.service
restart_s=150 # more than the unit's TimeoutStartSec and TimeoutStopSec together
force=

# ---- before anything

be_root() {
    [ "$(id -u)" -eq 0 ] || die "lệnh này cần quyền quản trị." "chạy lại với sudo ở trước: sudo $0"
}

# One at a time; and whatever the post has to do meanwhile comes first: processor, card and memory.
take_turns() {
    exec 8>/run/lock/kengd-install.lock
    flock -n 8 || die "đang có một lần cài, quay lại hoặc gỡ khác chạy dở." "đợi nó xong rồi chạy lại"
    renice -n 15 -p $$ >/dev/null 2>&1 || true
    ionice -c 3 -p $$ 2>/dev/null || true
    choom -n 500 -p $$ >/dev/null 2>&1 || true
}

# ---- releases

# RELEASE is a directory below $opt/releases; `current` and `previous` are links to two of them.
release_at() { # current|previous : its directory, or nothing
    local found
    found=$(readlink -e -- "$opt/$1") || return 0
    if [ -e "$found/.complete" ]; then printf '%s' "$found"; fi
}

point() { # current|previous RELEASE : in one step, and on the card when this returns
    ln -sfn -- "$2" "$opt/.$1.new"
    mv -Tf -- "$opt/.$1.new" "$opt/$1"
    sync -- "$opt"
}

seal() { # RELEASE : from now on it counts as whole; a power cut before this leaves something that the next install removes
    (cd -- "$1" && find . -type f ! -name '*.pyc' ! -name .manifest -print0 | LC_ALL=C sort -z |
        xargs -0 sha256sum) >"$1.manifest"
    mv -- "$1.manifest" "$1/.manifest"
    sync -f -- "$1"
    : >"$1/.complete"
    sync -f -- "$1"
}

intact() { # RELEASE : every file as it was installed, so that a rotten card is not taken for a good program
    [ -e "$1/.complete" ] && (cd -- "$1" && sha256sum --quiet --strict --check .manifest >/dev/null 2>&1)
}

runs() { # RELEASE : its Python is still there and loads the program
    timeout 120 "$1/bin/python" -I -c 'import kengd.__main__' >/dev/null 2>&1
}

# Beside current and previous nothing is kept: neither releases nor the copies made before them.
prune() {
    local current previous old name
    current=$(release_at current) previous=$(release_at previous)
    for old in "$opt"/releases/*; do
        [ "$old" = "$current" ] || [ "$old" = "$previous" ] || rm -rf -- "$old"
    done
    for old in "$state"/before/*; do
        name=${old##*/}
        [ -e "$opt/releases/$name" ] || rm -rf -- "$old"
    done
}

# ---- what lies outside of /opt/kengd

put_file() { # FROM TO [MODE] : 0 when TO was changed; whole or not at all
    if cmp -s -- "$1" "$2"; then return 1; fi
    install -D -m "${3:-644}" -- "$1" "$2.kengd-new"
    mv -f -- "$2.kengd-new" "$2"
    sync -- "$2"
}

# The units of this release; systemd is told when one of them is new.
lay_out() { # RELEASE
    local from=$1/share/kengd/systemd changed=
    for name in kengd.service kengd-intake.service; do
        if put_file "$from/$name" "$systemd_etc/system/$name"; then changed=yes; fi
    done
    if put_file "$from/journald.conf" "$systemd_etc/journald.conf.d/kengd.conf"; then
        systemctl try-restart systemd-journald.service || true
    fi
    if put_file "$from/watchdog.conf" "$systemd_etc/system.conf.d/kengd.conf"; then
        systemctl daemon-reexec # only this reads the manager's own settings again
    elif [ -n "$changed" ]; then
        systemctl daemon-reload
    fi
    ln -sfn -- "$opt/current/bin/kengd" "$bin/kengd"
    ln -sfn -- "$opt/current/share/kengd/deploy/rollback.sh" "$sbin/kengd-rollback"
    ln -sfn -- "$opt/current/share/kengd/deploy/uninstall.sh" "$sbin/kengd-uninstall"
}

has_settings() { [ -e "$etc/kengd.toml" ] || [ -e "$state/settings/last-good" ]; }

# ---- the bell

# off: no post runs, and systemd has put the relay to rest; quiet, sounding: by its own word; silent: it runs and does not answer.
bell() {
    local active sub said
    active=$(systemctl show -P ActiveState "$unit")
    sub=$(systemctl show -P SubState "$unit")
    if said=$(ask_post) && [ -n "$said" ]; then
        printf '%s' "$said"
    elif [[ $active =~ ^(inactive|failed)$ ]] || [ "$sub" = auto-restart ]; then
        printf off
    else
        printf silent
    fi
}

ask_post() { # quiet or sounding
    local kengd=$opt/current/bin/kengd
    [ -x "$kengd" ] || return 1
    timeout 20 "$kengd" --config "$etc/kengd.toml" status --json 2>/dev/null |
        "$opt/current/bin/python" -I -c 'import json, sys
print("quiet" if json.load(sys.stdin)["sounding"] is None else "sounding")' 2>/dev/null
}

# A post that is just starting is given time to answer. `--force` counts for a post that does not answer, never for one that rings.
refuse_while_ringing() { # UNDO... : what is undone before it dies
    local now tries=0
    while now=$(bell) && [ "$now" = silent ] && [ $((tries += 1)) -le 15 ]; do sleep 2; done
    case $now in
    quiet | off) return 0 ;;
    silent)
        if [ -n "$force" ]; then
            say "Kẻng không trả lời, không biết có đang kêu hay không; vẫn làm vì có --force."
            return 0
        fi
        "$@"
        die "điểm kẻng đang chạy nhưng không trả lời, nên không biết kẻng có đang kêu hay không." \
            "xem: sudo journalctl -u kengd -n 50. Nếu đứng cạnh kẻng và biết chắc kẻng không kêu: chạy lại với --force"
        ;;
    *)
        "$@"
        die "kẻng đang kêu; lúc này không cài, không quay lại, không gỡ." "đợi kẻng dứt (hoặc: sudo kengd hush) rồi chạy lại"
        ;;
    esac
}

start_and_look() { # 0: armed within the time, answers, and is the same process five seconds later
    local pid
    timeout "$restart_s" systemctl restart "$unit" || return 1
    pid=$(systemctl show -P MainPID "$unit")
    for _ in 1 2 3 4 5; do
        sleep 1
        [ "$(systemctl show -P MainPID "$unit")" = "$pid" ] && systemctl is-active --quiet "$unit" || return 1
    done
    ask_post >/dev/null
}

last_words() { journalctl -u "$unit" -n 15 -o cat --no-pager 2>/dev/null | sed 's/^/    /' >&2 || true; }

# Everything is ready before the bell is touched; between its stop and its start there is nothing but systemd's restart.
change_over() { # NEW OLD BEFORE_OLD : the last two may be empty
    put_in_force "$1" "$2"
    refuse_while_ringing go_back "$2" "$3"
    systemctl enable --quiet "$unit"
    if start_and_look; then return 0; fi
    say "Bản ${1##*/} không sẵn sàng được. Lời cuối của nó:"
    last_words
    [ -n "$2" ] || die "bản ${1##*/} đã cài nhưng không chạy được." "xem: sudo kengd doctor; sudo journalctl -u kengd -n 50"
    go_back "$2" "$3"
    if start_and_look; then
        die "bản ${1##*/} không chạy được trên máy này; đã tự quay lại bản ${2##*/}, kẻng đang sẵn sàng." \
            "giữ lại các dòng ở trên và gửi cho người làm ra bản này"
    fi
    last_words
    die "bản ${1##*/} không chạy được, và bản ${2##*/} cũng không chạy lại được: NÚT BẤM KHÔNG CÓ TÁC DỤNG." \
        "đánh kẻng bằng tay; xem: sudo kengd doctor; sudo journalctl -u kengd -n 50"
}

put_in_force() { # NEW OLD
    [ -z "$2" ] || point previous "$2"
    point current "$1"
    lay_out "$1"
}

go_back() { # OLD BEFORE_OLD : the links and units as they were
    if [ -z "${1:-}" ]; then return 0; fi
    if [ -n "${2:-}" ]; then point previous "$2"; else rm -f -- "$opt/previous"; fi
    point current "$1"
    lay_out "$1"
}
