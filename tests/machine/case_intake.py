"""What an installer without a terminal does: files on the boot partition, power on, and a note that can be read on a PC."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from tests.deploy.pem import pair
from tests.machine.image import CHECKOUT
from tests.machine.installing import BUNDLE, PATIENCE_S
from tests.machine.machine import Machine
from tests.machine.post import HUSH, RELAY, Post
from tests.machine.table import Table

BOOT = "/boot/firmware"
NAMES = ("ca.pem", "broker.pem", "broker.key", "broker.password")
SETTINGS = """state_dir = "/var/lib/kengd"
[post]
commune = "cong-lac"
id = "thon-7"
name = "Kẻng {name}"
[gpio]
pins = "kengd"
[gpio.relay]
pin = 17
[[gpio.buttons]]
name = "alarm"
pin = 5
does = "alarm"
[[gpio.buttons]]
name = "hush"
pin = 6
does = "hush"
[broker]
host = "10.9.8.7"
ca = "credential:ca.pem"
cert = "credential:broker.pem"
key = "credential:broker.key"
username = "thon-7"
password_file = "credential:broker.password"
"""
PASSWORD = "mat-khau-cua-thon"


def keys() -> dict[str, str]:
    """Made for this run."""
    certificate, private = pair("thon-7")
    return {
        "ca.pem": pair("xa")[0],
        "broker.pem": certificate,
        "broker.key": private,
        "broker.password": PASSWORD + "\n",
    }


def intake(machine: Machine, table: Table) -> None:
    """Taken in at the start; a wrong one explained; one that hangs; a key that is missing. The bell starts each time."""
    post = Post(machine)
    for line in (5, HUSH):
        machine.let_go(line)
    machine.ask("pull", line=RELAY, up=False)
    table_of_keys = "".join(f'"{name}" = """\n{text}"""\n' for name, text in keys().items())
    notepad = ("\ufeff" + SETTINGS.format(name="mới") + "[keys]\n" + table_of_keys).replace("\n", "\r\n")
    machine.put(BOOT, {"kengd.toml.txt": notepad.encode()})
    ran = machine.run("systemctl start kengd", 240)
    table.row(
        "settings with keys, written by Notepad: the bell starts with them",
        _runs_as(post, "Kẻng mới"),
        f"{ran.took_s:.0f} s",
    )
    left = machine.must(f"ls {BOOT}").split()
    table.row("the plain copy is gone, a note is there", left == ["kengd-da-nhan.txt"], left)
    found = machine.must("stat -c '%n %A %U %G' /etc/kengd/kengd.toml /etc/kengd/keys /etc/kengd/keys/*").split("\n")
    wanted = ["/etc/kengd/kengd.toml -rw-r----- root kengd", "/etc/kengd/keys drwx------ root root"]
    wanted += [f"/etc/kengd/keys/{name} -rw------- root root" for name in sorted(NAMES)]
    table.row(
        "settings for the post, keys for root alone", found == wanted, [line for line in found if line not in wanted]
    )
    as_post = "setpriv --reuid kengd --regid kengd --clear-groups"
    denied = machine.run(f"{as_post} cat /etc/kengd/keys/broker.key").code != 0
    table.row("the post's own user cannot read the stored key", denied)
    given = {name: machine.must(f"cat /run/credentials/kengd.service/{name}") for name in NAMES}
    same = given == {name: text.strip() for name, text in keys().items()}
    table.row("the service is given all four", same, [name for name in NAMES if given[name] != keys()[name].strip()])
    plain = machine.run(
        f"grep -rlE 'PRIVATE KEY|{PASSWORD}' /etc/kengd/kengd.toml {BOOT} /var/lib/kengd /var/log /run/log"
    )
    journal = machine.run(f"journalctl --no-pager | grep -cE 'PRIVATE KEY|{PASSWORD}'").output.strip()
    table.row("and nothing of them anywhere else", plain.output.strip() == "" and journal == "0", plain.output)

    machine.put(BOOT, {"kengd.toml": SETTINGS.format(name="sai").replace("pin = 17", "pin = 77").encode()})
    machine.reset()
    table.row("a wrong file at power-on: the bell starts on the old settings", _runs_as(post, "Kẻng mới"))
    note = machine.run(f"cat {BOOT}/kengd-loi.txt").output
    told = "dòng 9" in note and "relay" in note and "→" in note and "\r\n" in note
    table.row("explained on the partition: line and cure, for Windows", told, note.split("\r\n")[2:4])
    table.row("the file is still there, to be mended", machine.run(f"ls {BOOT}/kengd.toml").code == 0)

    machine.put(BOOT, {"kengd.toml": SETTINGS.format(name="sửa").encode()})
    machine.must("rm /etc/kengd/keys/*; systemctl restart kengd-intake; systemctl restart kengd", 240)
    note = machine.run(f"cat {BOOT}/kengd-loi.txt").output
    refused = 'không có khoá "ca.pem"' in note and _runs_as(post, "Kẻng mới")
    table.row("settings that ask for keys nobody has: refused, old ones stay", refused, note.split("\r\n")[2:4])
    empty = [len(machine.run(f"cat /run/credentials/kengd.service/{name}").output) for name in NAMES]
    table.row("keys that are missing do not stop the bell", empty == [1, 1, 1, 1], empty)
    machine.put("/etc/systemd/system/kengd-intake.service.d", {"hang.conf": HANG.encode()})
    ran = machine.run("systemctl daemon-reload; systemctl stop kengd-intake kengd; systemctl start kengd", 240)
    ended = machine.run("systemctl show -P Result kengd-intake").output.strip()
    started = ended == "timeout" and _runs_as(post, "Kẻng mới")
    table.row("an intake that hangs is given up, the bell starts", started, f"{ended}, {ran.took_s:.0f} s")


HANG = "[Service]\nExecStart=\nExecStart=/bin/sleep infinity\nTimeoutStartSec=5\n"


def _runs_as(post: Post, name: str) -> bool:
    """Active, armed, under these settings."""
    machine = post.machine
    machine.run("until systemctl is-active -q kengd; do sleep 1; done", 240)
    return post.resting and post.status()["name"] == name


def first_start(machine: Machine, table: Table) -> None:
    """The sample for cloud-init, as its `runcmd` runs it, on a machine that has never seen kengd."""
    machine.must("kengd-uninstall --purge --yes", 120)
    table.row(
        "nothing is left after --purge",
        machine.run("ls -d /opt/kengd /etc/kengd /var/lib/kengd; id kengd").output.count("No such") == 3,
    )
    machine.must(f"mkdir -p {BOOT}; ln {BUNDLE} {BOOT}/kengd-bundle-0.1.0.tar")
    machine.put(
        BOOT, {"kengd.toml": re.sub(r"\[broker\].*", "", SETTINGS, flags=re.DOTALL).format(name="đầu").encode()}
    )
    user_data = (CHECKOUT / "deploy/first-boot/user-data").read_text()
    command = re.findall(r"- '(set .*?)'\n", user_data, re.DOTALL)
    machine.put("/root", {"runcmd": re.sub(r"\s*\n\s*", " ", command[0]).encode()})
    machine.must("bash /root/runcmd", 120)
    began = time.monotonic()
    machine.must(
        "until systemctl show -P SubState kengd-first-boot | grep -qE 'dead|failed'; do sleep 2; done", PATIENCE_S
    )
    log = machine.run(f"cat {BOOT}/kengd-cai-dat.txt").output
    table.row("installed from the card, no hand, no network", "ĐÃ CÀI XONG" in log, f"{time.monotonic() - began:.0f} s")
    table.row("what happened is on the partition, for Windows", log.count("\r\n") > 5, log[-300:].split("\r\n"))
    table.row("the bell is ready, under the dropped settings", _runs_as(Post(machine), "Kẻng đầu"))
    left = set(machine.must(f"ls {BOOT}").split())
    table.row("the plain settings are gone", "kengd.toml" not in left and "kengd-da-nhan.txt" in left, left)
    machine.must("systemctl restart kengd-first-boot")
    skipped = machine.must("systemctl show -P ConditionResult kengd-first-boot")
    table.row("the next start does not install again", skipped == "no", skipped)


CASES: dict[str, Callable[[Machine, Table], None]] = {"intake": intake, "first-start": first_start}
