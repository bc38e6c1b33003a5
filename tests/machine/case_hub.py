"""A commune from nothing on real systemd: deploy/hub-install.sh, its broker, a post enrolled and rung, kills, backup, revocation."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.machine.image import CHECKOUT, PYTHONS
from tests.machine.installing import PATIENCE_S
from tests.machine.machine import Machine, MachineError, Ran
from tests.machine.post import ALARM, ALL_CLEAR, HUSH, RELAY, SETTINGS, Post
from tests.machine.table import Table

STICK_MB = 400
AT_GUEST = "/mnt"
HUB = "cd /var/lib/kengd-hub && sudo -u kengd-hub kengd-hub"
FOUND = "--commune cong-lac --name 'Cộng Lạc' --address 127.0.0.1"
FILE = "/var/lib/kengd-hub/thon-1.toml"
PAGE = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/healthz', timeout=20).status)"
SOON_S, LATER_S = 60, 240


def commune(machine: Machine, table: Table) -> None:
    """As the README's chapter has it, typed by somebody at this machine; the post is the one that is installed on it."""
    stick = _stick(machine)
    machine.start(extra_disk=stick)
    machine.must(f"mount -o ro /dev/vdb {AT_GUEST}")
    ran = _install(machine, FOUND)
    table.row("hub-install.sh", ran.code == 0, f"{ran.took_s:.0f} s; {ran.output.strip().splitlines()[-2:]}")
    if ran.code:
        raise MachineError(ran.output[-3000:])
    table.row("the first password is shown", ran.output.count("mật khẩu lần đầu") == 1)
    _units(machine, table)
    post = Post(machine)
    _enrolled(post, table)
    _rung(post, table, "the hub's drill moves the relay")
    _killed(post, table)
    _kept(machine, table)
    ran = _install(machine, "")
    table.row("run again, it upgrades what is there", ran.code == 0, f"{ran.took_s:.0f} s")
    green = _until(lambda: "✓ thon-1" in _hub(machine, "hub posts").output, LATER_S)
    table.row("and the post is still known, and green", green, _hub(machine, "hub posts").output.strip()[-300:])
    _revoked(post, table)


def _stick(machine: Machine) -> Path:
    """What the installer brings on a USB stick: a bundle of wheelhouse.sh --hub, unpacked."""
    place = machine.disk.parent
    tree = place / "stick"
    make = [
        str(CHECKOUT / "deploy/wheelhouse.sh"),
        "--hub",
        "--out",
        str(place),
        "--for",
        f"{PYTHONS[machine.suite]}-x86_64",
    ]
    done = subprocess.run(make, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise MachineError(f"wheelhouse.sh ended with {done.returncode}:\n{done.stdout[-3000:]}")
    tree.mkdir()
    packed = next(place.glob("kengd-hub-bundle-*.tar"))
    subprocess.run(["tar", "-C", str(tree), "--strip-components=1", "-xf", str(packed)], check=True)
    packed.unlink()
    disk = place / "stick.raw"
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(disk), f"{STICK_MB}M"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return disk


def _install(machine: Machine, arguments: str) -> Ran:
    return machine.run(f"{AT_GUEST}/deploy/hub-install.sh {arguments}", PATIENCE_S)


def _hub(machine: Machine, words: str, timeout_s: float = 120) -> Ran:
    """A command of the README's chapter."""
    return machine.run(f"{HUB} {words}", timeout_s)


def _until(holds: Callable[[], bool], timeout_s: float) -> bool:
    end = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(1)
    return True


def _units(machine: Machine, table: Table) -> None:
    for unit in ("kengd-hub.service", "mosquitto.service", "kengd-broker.path", "kengd-hub-backup.timer"):
        state = machine.run(f"systemctl is-active {unit}; systemctl is-enabled {unit}").output.split()
        table.row(f"{unit} runs, now and after the next start", state == ["active", "enabled"], state)
    answered = machine.run(f'python3 -c "{PAGE}"').output.strip()
    table.row("the desk answers", answered == "200", answered[-200:])
    said = machine.run("systemd-analyze security --no-pager kengd-hub", 60).output
    total = float(said.split("level for kengd-hub.service:")[1].split()[0])
    table.row("systemd-analyze security of the hub at most 2.0", total <= 2.0, total)
    who = machine.must("stat -c '%U %a' /var/lib/kengd-hub/authority /var/lib/kengd-hub/broker/data").split()
    held = who[::2] == ["kengd-hub", "mosquitto"] and all(int(mode, 8) & 0o777 == 0o700 for mode in who[1::2])
    table.row("its keys are its own", held, who)


def _enrolled(post: Post, table: Table) -> None:
    """The file goes the way of a card: the boot partition, and the intake."""
    machine = post.machine
    template = SETTINGS.format(
        relay=RELAY, alarm=ALARM, hush=HUSH, all_clear=ALL_CLEAR, hold_ms=1000, alarm_s=30, active_low="false"
    )
    machine.put("/run/try", {"template.toml": template.encode()})
    for line in (ALARM, HUSH, ALL_CLEAR):
        machine.let_go(line)
    ran = _hub(
        machine,
        f"hub enrol thon-1 --name 'Kẻng thôn 1' --villages 'Thôn 1' --template /run/try/template.toml --out {FILE}",
    )
    table.row("hub enrol writes one file", ran.code == 0 and not machine.run(f"test -s {FILE}").code, ran.output[-300:])
    mode = machine.must(f"stat -c '%U %a' {FILE}")
    table.row("which nobody else can read", mode == "kengd-hub 600", mode)
    machine.must(f"install -D -m 644 {FILE} /boot/firmware/kengd.toml && rm {FILE}")
    machine.must("systemctl start kengd", 240)
    up = _until(lambda: "✓ thon-1" in _hub(machine, "hub posts").output, LATER_S)
    table.row("taken in, the post is green at the hub", up, _hub(machine, "hub posts").output.strip()[-300:])


def _rung(post: Post, table: Table, what: str) -> None:
    machine = post.machine
    machine.trace()
    ran = _hub(machine, "hub dispatch alarm --purpose drill --post thon-1 --why 'diễn tập' --timeout 40")
    blows = sum(stroke.on for stroke in post.strokes())
    table.row(what, "đang đánh" in ran.output and blows > 0, f"{blows} blows; {ran.output.strip()[-200:]}")
    ran = _hub(machine, "hub hush --all --timeout 40")
    machine.trace()
    time.sleep(3)
    table.row("hub hush ends it", post.resting and not post.strokes(), ran.output.strip()[-200:])


def _killed(post: Post, table: Table) -> None:
    """Of what runs at the commune each may die."""
    machine = post.machine
    for unit in ("kengd-hub", "mosquitto"):
        began = time.monotonic()
        back = _killed_and_back(machine, unit)
        table.row(f"{unit} is killed: systemd starts it again", back, f"after {time.monotonic() - began:.0f} s")
    green = _until(lambda: "✓ thon-1" in _hub(machine, "hub posts").output, LATER_S)
    table.row("and the post is green again", green, _hub(machine, "hub posts").output.strip()[-300:])
    _rung(post, table, "and rings for the hub")


def _killed_and_back(machine: Machine, unit: str) -> bool:
    ask = f"systemctl is-active -q {unit} && systemctl show -P MainPID {unit}"
    before = machine.must(ask)
    machine.must(f"systemctl kill -s KILL {unit}")

    def back() -> bool:
        ran = machine.run(ask)
        return ran.code == 0 and ran.output.strip() not in ("0", before)

    return _until(back, LATER_S)


def _kept(machine: Machine, table: Table) -> None:
    """The nightly backup, run now; and put back into a hub of its own."""
    machine.must("umask 077; echo 'một câu mật khẩu dài' >/etc/kengd/hub-backup.passphrase")
    ran = machine.run("systemctl start kengd-hub-backup", 300)
    kept = machine.run("ls /var/lib/kengd-hub/backup/").output.split()
    table.row("the nightly backup writes one file", ran.code == 0 and len(kept) == 1, kept or ran.output[-300:])
    mode = machine.must("stat -c '%U %a' /var/lib/kengd-hub/backup/*")
    table.row("which nobody else can read", mode == "kengd-hub 600", mode)


def _revoked(post: Post, table: Table) -> None:
    machine = post.machine
    ran = _hub(machine, "hub revoke thon-1 --why 'mất thẻ'")
    gone = _until(lambda: not post.status()["line_up"], SOON_S)
    table.row("hub revoke: the post's open line ends", ran.code == 0 and gone, ran.output.strip()[-200:])
    machine.press_for(ALARM, 1.2)
    table.row("and its button rings all the same", machine.wait_level(RELAY, 1, 10) is not None)


CASES = {"hub": commune}
COLD = CASES.keys()
