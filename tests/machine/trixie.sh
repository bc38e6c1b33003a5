#!/usr/bin/env bash
# For developers, as root: run deploy/test.sh on Debian trixie (Python 3.13), from a clean copy of this checkout.
#
#   TRIXIE_ROOT   where the trixie lives (default /var/tmp/trixie); made by debootstrap when it is not there
#   TRIXIE_RUN    what is run there instead (default "deploy/test.sh"); arguments go to it
#
# The copy's .venv is kept between runs; remove TRIXIE_ROOT/srv/kengd for one from nothing. The system is a minimal one:
# Python and mosquitto come by the very steps that deploy/ takes on a village's machine. Everything runs in process and
# mount namespaces of its own, so nothing stays mounted or running, however it ends.
set -euo pipefail
checkout=$(dirname -- "$(dirname -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")")")
root=${TRIXIE_ROOT:-/var/tmp/trixie}
run=${TRIXIE_RUN:-deploy/test.sh}
copy=$root/srv/kengd

[ "$(id -u)" -eq 0 ] || { echo "needs root (debootstrap, chroot)" >&2; exit 1; }

# The mirror that this machine's own apt uses.
mirror() { sed -nE 's/^URIs:[[:space:]]*(\S+).*/\1/p; s/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([a-z]+:\S+).*/\2/p' \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1 || true; }

make_trixie() {
    command -v debootstrap >/dev/null || apt-get install -y -q --no-install-recommends debootstrap
    local from
    from=$(mirror)
    debootstrap --variant=minbase --include=ca-certificates trixie "$root" ${from:+"$from"}
}

# What lets this machine's apt and pip reach their indexes lets the chroot's do the same.
lend_settings() {
    local path
    for path in /etc/resolv.conf /etc/pip.conf /etc/xdg/pip "$HOME/.config/pip" /usr/local/share/ca-certificates; do
        [ -e "$path" ] || continue
        mkdir -p -- "$root$(dirname -- "$path")"
        cp -rL -- "$path" "$root$(dirname -- "$path")/"
    done
    chroot "$root" update-ca-certificates >/dev/null 2>&1
}

# As a clone would have it, with what is not committed yet; only .venv stays from the last time.
copy_checkout() {
    mkdir -p -- "$copy"
    find "$copy" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf -- {} +
    git -C "$checkout" ls-files -z --cached --others --exclude-standard --deduplicate |
        (cd -- "$checkout" && while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done) |
        tar -C "$checkout" --null --files-from=- -cf - | tar -C "$copy" -xf -
}

[ -e "$root/etc/debian_version" ] || make_trixie
lend_settings
copy_checkout

settings=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 CI="${CI:-}")
while IFS= read -r -d '' setting; do settings+=("$setting"); done < <(env -0 | grep -z '^PIP_' || true)

# shellcheck disable=SC2016  # the inner shell expands it
exec unshare --mount --pid --fork --kill-child -- bash -euc '
    root=$1; shift
    mount --make-rprivate /
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount -t tmpfs -o mode=755 dev "$root/dev"
    for node in null zero full random urandom tty; do : >"$root/dev/$node"; mount --bind "/dev/$node" "$root/dev/$node"; done
    ln -s /proc/self/fd "$root/dev/fd"
    mkdir "$root/dev/shm" "$root/dev/pts"
    mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    mount -t tmpfs -o mode=755 run "$root/run"
    mount -t tmpfs -o mode=1777 tmp "$root/tmp"
    chroot "$root" "$@"
' trixie "$root" env -i "${settings[@]}" bash -c 'cd /srv/kengd && run=$1 && shift && exec "./$run" "$@"' trixie "$run" "$@"
