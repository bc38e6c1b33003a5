"""A machine that is only a directory: releases that are two lines long, a systemd that is a script, the real shell functions."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

DEPLOY = Path(__file__).parents[2] / "deploy"
SYSTEMCTL = r"""#!/bin/bash
# state: active or inactive; pid counts starts; calls are written down
here=$FAKE
printf '%s\n' "$*" >>"$here/calls"
args=()
for word in "$@"; do case $word in --*) ;; *) args+=("$word") ;; esac; done
begin() {
    release=$(readlink -f "$OPT/current")
    if [ -e "$release/fails" ]; then echo failed >"$here/state"; return 1; fi
    echo active >"$here/state"
    echo $(($(cat "$here/pid") + 1)) >"$here/pid"
    basename "$release" >"$here/runs"
}
case ${args[0]} in
restart | start) begin ;;
stop) echo inactive >"$here/state" ;;
is-active) [ "$(cat "$here/state")" = active ] ;;
show)
    case ${args[2]} in
    ActiveState) cat "$here/state" ;;
    SubState) echo running ;;
    MainPID) cat "$here/pid" ;;
    esac
    ;;
esac
"""
KENGD = r"""#!/bin/bash
# what `status --json` says is in $FAKE/sounding; nothing there: it does not answer
case $* in
*status*) [ "$(cat "$FAKE/state")" = active ] && [ -e "$FAKE/sounding" ] && printf '{"sounding": %s}\n' "$(cat "$FAKE/sounding")" ;;
*check*) [ ! -e "$FAKE/refuses" ] ;;
*"trial since"*) cat "$FAKE/since" ;;
*"trial back"*) cat "$FAKE/since"; echo "back while $(cat "$FAKE/state")" >>"$FAKE/calls" ;;
esac
"""
OVERRIDES = """
. "$DEPLOY/ready.sh"
. "$DEPLOY/release.sh"
opt=$OPT etc=$ROOT/etc/kengd state=$ROOT/var systemd_etc=$ROOT/etc/systemd
sbin=$ROOT/sbin bin=$ROOT/bin chrony_etc=$ROOT/etc/chrony patience=1
as_post() { "$@"; }
sleep() { :; }
journalctl() { echo "lời cuối"; }
"""


@dataclass(frozen=True, slots=True)
class Told:
    """How the shell ended and what it said."""

    code: int
    said: str


class FakeRoot:
    """`root`/opt with releases, and what systemd was asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.opt = root / "opt"
        for name in ("opt/releases", "etc/kengd", "etc/systemd", "sbin", "bin", "var", "fake", "programs"):
            (root / name).mkdir(parents=True)
        self.fake = root / "fake"
        for name, text in {"state": "active", "pid": "100", "calls": "", "sounding": "null", "since": "same\n"}.items():
            (self.fake / name).write_text(text + ("" if text.endswith("\n") or not text else "\n"))
        _script(root / "programs/systemctl", SYSTEMCTL)
        (root / "etc/kengd/kengd.toml").write_text("")

    def release(self, name: str, *, fails: bool = False) -> Path:
        """A release that can be put in force."""
        place = self.opt / "releases" / name
        (place / "bin").mkdir(parents=True)
        _script(place / "bin/kengd", KENGD)
        (place / "bin/python").symlink_to("/usr/bin/python3")
        units = place / "share/kengd/systemd"
        units.mkdir(parents=True)
        for unit in ("kengd.service", "kengd-intake.service", "journald.conf", "watchdog.conf"):
            (units / unit).write_text(f"# of {name}\n" if unit == "kengd.service" else "# always the same\n")
        (place / ".complete").touch()
        if fails:
            (place / "fails").touch()
        return place

    def put_in_force(self, current: Path, previous: Path | None = None) -> None:
        """As an installation left it."""
        for name, target in (("current", current), ("previous", previous)):
            if target is not None:
                (self.opt / name).symlink_to(target)

    def sh(self, commands: str) -> Told:
        """Run these with the functions of deploy/ in a machine that is this directory."""
        environment = {
            **os.environ,
            "PATH": f"{self.root / 'programs'}:/usr/sbin:/usr/bin:/sbin:/bin",
            "ROOT": str(self.root),
            "OPT": str(self.opt),
            "FAKE": str(self.fake),
            "DEPLOY": str(DEPLOY),
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", OVERRIDES + commands],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return Told(done.returncode, done.stdout)

    def links(self) -> dict[str, str]:
        """Names of the releases in force and before."""
        return {
            name: (self.opt / name).resolve().name for name in ("current", "previous") if (self.opt / name).is_symlink()
        }

    def unit(self) -> str:
        """Whose kengd.service is installed."""
        return (self.root / "etc/systemd/system/kengd.service").read_text().split()[-1]

    def asked(self, *words: str) -> list[str]:
        """What systemd was asked, of these words."""
        calls = (self.fake / "calls").read_text().splitlines()
        return [call for call in calls if call.split()[0] in words]


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
