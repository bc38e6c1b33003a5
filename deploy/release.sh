# Sourced by install.sh, rollback.sh and uninstall.sh: where things are on a post, and what they do with releases alike.
# Needs say and die of ready.sh.
# shellcheck shell=bash disable=SC2034 # some are read only by those three

opt=/opt/kengd
etc=/etc/kengd
state=/var/lib/kengd
systemd_etc=/etc/systemd
chrony_etc=/etc/chrony
sbin=/usr/local/sbin
bin=/usr/local/bin
unit=kengd.service
trial_s=600   # a whole post, started and stopped, on a Zero 2 W that has a bell to look after
patience=15   # times two seconds, for a post that is just starting to answer
restart_s=150 # more than the unit's TimeoutStartSec and TimeoutStopSec together
force=
book_told= # what became of the book, when a newer release's had to stay behind

# ---- before anything

be_root() {
    [ "$(id -u)" -eq 0 ] || die "lệnh này cần quyền quản trị." "chạy lại với sudo ở trước: sudo $0"
}

# One at a time; and whatever the post has to do meanwhile comes first: processor, card and memory.
take_turns() {
    exec 8>/run/kengd-install.lock # not in /run/lock, where anybody may make one
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
    (cd -- "$1" && find . -type f ! -name .manifest -print0 | LC_ALL=C sort -z |
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

runs_from() { # RELEASE : the post that runs was started from it
    [[ $(tr '\0' '\n' <"/proc/$(systemctl show -P MainPID "$unit")/cmdline" | head -n 1) == "$1"/* ]] 2>/dev/null
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

# A command of this release, on the settings in force, as the user of the post: no keys, no pins, no word of our environment.
of_release() { # RELEASE WORD...
    as_post "$1/bin/kengd" --config "$etc/kengd.toml" "${@:2}"
}

as_post() {
    setpriv --reuid kengd --regid kengd --clear-groups --no-new-privs --pdeathsig TERM \
        env -i PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 timeout -k 10 "$trial_s" "$@"
}

# Settings compiled now are not compiled between the bell's stop and its start.
compile_settings() { # RELEASE
    if [ ! -e "$etc/kengd.toml" ]; then return 0; fi
    as_post "$1/bin/python" -I -m kengd.settings.compile "$etc/kengd.toml" >/dev/null 2>&1 || true
}

# What `restart_bell` may need: the book and the settings as they are before RELEASE is in force. One copy per release.
keep_before() { # RELEASE
    local before=$state/before/${1##*/}
    install -d -m 700 -o kengd -g kengd -- "$state/before" "$before"
    of_release "$1" trial keep --dir "$before" >/dev/null || die "chưa chép lại được sổ kẻng trước khi đổi bản." \
        "xem thẻ nhớ còn chỗ trống không (df -h), rồi chạy lại"
    if [ -e "$etc/kengd.toml" ]; then install -m 600 -o kengd -g kengd -- "$etc/kengd.toml" "$before/"; fi
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
    while now=$(bell) && [ "$now" = silent ] && [ $((tries += 1)) -le "$patience" ]; do sleep 2; done
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

# The release whose book may be newer than the one about to start knows; what became of it is told afterwards.
restart_bell() { # [LEFT]
    local before=$state/before/${1##*/}
    book_told=
    if [ -z "${1:-}" ] || [ ! -e "$before/book.db" ] ||
        [ "$(of_release "$1" trial since --dir "$before" 2>/dev/null | head -n 1)" != newer ]; then
        timeout "$restart_s" systemctl restart "$unit"
        return
    fi
    timeout "$restart_s" systemctl stop "$unit"
    book_told=$(of_release "$1" trial back --dir "$before" 2>/dev/null | tail -n 1) || true
    timeout "$restart_s" systemctl start "$unit"
}

start_and_look() { # [LEFT] : 0 when armed within the time, answering, and the same process five seconds later
    local pid
    restart_bell "${1:-}" || return 1
    pid=$(systemctl show -P MainPID "$unit")
    for _ in 1 2 3 4 5; do
        sleep 1
        if [ "$(systemctl show -P MainPID "$unit")" != "$pid" ] || ! systemctl is-active --quiet "$unit"; then return 1; fi
    done
    ask_post >/dev/null
}

tell_of_the_book() {
    [ -n "$book_told" ] || return 0
    say "Sổ kẻng của bản mới hơn cất riêng, không mất: $state/book/book-aside-….db ($book_told)."
    say "Nếu có mục ghi thêm, bản này ghi tiếp vào một sổ mới, mục đầu nói rõ sổ nào đã cất; máy trực ban xã cũng thấy như vậy."
}

last_words() { journalctl -u "$unit" -n 15 -o cat --no-pager 2>/dev/null | sed 's/^/    /' >&2 || true; }

# Everything is ready before the bell is touched; between its stop and its start there is nothing but systemd's restart.
# From NEW back to OLD the book of before may have to come along; from OLD to NEW never, unless NEW is the elder (LEFT).
change_over() { # NEW OLD BEFORE_OLD [LEFT] : all but the first may be empty
    trap '' HUP INT PIPE # a lost terminal or an impatient key must not leave half of it
    trap : TERM          # not passed on to what is started from here
    put_in_force "$1" "$2"
    refuse_while_ringing go_back "$2" "$3"
    systemctl enable --quiet "$unit"
    if start_and_look "${4:-}"; then
        tell_of_the_book
        trap - HUP INT PIPE TERM
        return 0
    fi
    say "Bản ${1##*/} không sẵn sàng được. Lời cuối của nó:"
    last_words
    [ -n "$2" ] || die "bản ${1##*/} đã cài nhưng không chạy được." "xem: sudo kengd doctor; sudo journalctl -u kengd -n 50"
    go_back "$2" "$3"
    if start_and_look "$([ -n "${4:-}" ] || printf '%s' "$1")"; then
        tell_of_the_book
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
