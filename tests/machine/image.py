"""The disk of the test machine: Debian with systemd, the simulated bank, and what a post needs, all made on this host.

The cache (KENGD_MACHINE_CACHE, default /var/tmp/kengd-machine) holds what is slow to make; each part is made anew when
what it is made from changes. Needs root (chroot) and apt; the packages that are missing on the host are installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.machine import kernel

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
CACHE = Path(os.environ.get("KENGD_MACHINE_CACHE", "/var/tmp/kengd-machine"))
PYTHONS = {"trixie": "3.13", "bookworm": "3.11"}
"""What each suite ships; python3-venv is left out on purpose: a bundle must do without."""
DISK_MB = 1536
IN_GUEST = [
    "systemd-sysv",
    "udev",
    "dbus",
    "kmod",
    "python3",
    "mosquitto",
    "gpiod",
    "iproute2",
    "procps",
    "e2fsprogs",
    "dmsetup",
    "sudo",
]
IN_BUILDER = ["gcc", "libc6-dev", "make", "linux-image-amd64", "linux-headers-amd64", "linux-source", "xz-utils"]
ON_HOST = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "busybox": "busybox-static",
}
COLDPLUG = ["block", "gpio", "net", "virtio-ports", "watchdog", "misc", "rtc", "pci", "virtio"]
"""Only what matters here: a soft CPU is slow at two hundred uevents."""
MASKED = (
    "apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service dpkg-db-backup.timer fstrim.timer "
    "getty@tty1.service getty.target systemd-hwdb-update.service ldconfig.service dev-hugepages.mount dev-mqueue.mount "
    "systemd-pstore.service proc-sys-fs-binfmt_misc.automount systemd-binfmt.service modprobe@drm.service "
    "modprobe@efi_pstore.service modprobe@fuse.service kmod-static-nodes.service systemd-update-done.service "
    "systemd-journal-catalog-update.service"
)
SETUP = f"""set -e
getent group gpio >/dev/null || groupadd -r gpio
id pi >/dev/null 2>&1 || useradd -m -s /bin/bash -G gpio pi
passwd -d root >/dev/null
export SYSTEMD_LOG_LEVEL=err
systemctl enable -q machine-gpio machine-agent serial-getty@ttyS0
systemctl disable -q mosquitto
systemctl mask -q {MASKED}
journalctl --update-catalog >/dev/null 2>&1 || true
ldconfig
touch /etc/.updated /var/.updated
"""


@dataclass(frozen=True, slots=True)
class Image:
    """What qemu boots. `took_s`: seconds of each part that was made just now."""

    suite: str
    release: str
    vmlinuz: Path
    initrd: Path
    disk: Path
    took_s: dict[str, float]


def build(suite: str = "trixie") -> Image:
    """Make (or find) the image of this suite."""
    if os.geteuid():
        raise SystemExit("needs root (chroot)")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    place = CACHE / suite
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _build(suite, place)


def _build(suite: str, place: Path) -> Image:
    took: dict[str, float] = {}

    def part(name: str, made_from: Iterable[str | bytes], make: Callable[[], None]) -> None:
        """Run `make` unless it was done with the same ingredients."""
        ingredients = [item if isinstance(item, bytes) else item.encode() for item in made_from]
        digest = hashlib.sha256(b"\0".join(ingredients)).hexdigest()
        stamp = place / f"{name}.made"
        if stamp.exists() and stamp.read_text() == digest:
            return
        stamp.unlink(missing_ok=True)
        began = time.monotonic()
        make()
        took[name] = round(time.monotonic() - began, 1)
        stamp.write_text(digest)
        print(f"machine: {name}: {took[name]} s", file=sys.stderr, flush=True)

    builder, root, module = place / "builder", place / "root", place / "gpio-sim.ko"
    _host_packages()
    with ThreadPoolExecutor() as pool:
        for done in (
            pool.submit(part, "builder", [suite, *IN_BUILDER], lambda: _debian(suite, builder, IN_BUILDER)),
            pool.submit(part, "root", [suite, *IN_GUEST], lambda: _debian(suite, root, IN_GUEST)),
        ):
            done.result()
    release = sorted(path.name for path in (builder / "lib/modules").iterdir())[-1]
    source = (HERE / "kernel.py").read_bytes()
    part("module", [release, source], lambda: _copy(kernel.build_gpio_sim(builder, release), module))
    guest = [path.read_bytes() for path in sorted((HERE / "guest").iterdir()) if path.is_file()]
    stamps = [(place / f"{name}.made").read_text() for name in ("builder", "root", "module")]

    def image() -> None:
        _furnish(root)
        (place / "initrd").write_bytes(kernel.install_modules(builder, root, release, module))
        _copy(builder / f"boot/vmlinuz-{release}", place / "vmlinuz")
        _disk(root, place / "base.raw", suite)
        for old in place.glob("installed*"):
            old.unlink()

    part("image", [*stamps, *guest, Path(__file__).read_bytes()], image)
    return Image(suite, release, place / "vmlinuz", place / "initrd", place / "base.raw", took)


def _host_packages() -> None:
    missing = [package for program, package in ON_HOST.items() if not shutil.which(program)]
    if not Path("/usr/share/seabios/bios-256k.bin").exists():
        missing.append("seabios")
    if not missing:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    patient = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "-q"]
    subprocess.run([*patient, "update"], env=environment, check=True, stdout=subprocess.DEVNULL)
    command = [*patient, "install", "-y", "--no-install-recommends", *missing]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def _mirror() -> str:
    """The Debian archive that this host's own apt uses."""
    for file in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))):
        text = file.read_text(errors="replace") if file.is_file() else ""
        found = re.search(r"^(?:URIs:|deb(?:\s+\[[^\]]*\])?)\s+(\S+/debian/?)(?=\s|$)", text, re.MULTILINE)
        if found:
            return found[1].rstrip("/")
    raise SystemExit("no Debian archive in this host's apt sources")


def _debian(suite: str, target: Path, packages: list[str]) -> None:
    shutil.rmtree(target, ignore_errors=True)
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "locale", "doc", "info")]
    command = ["mmdebstrap", "--variant=minbase", "--mode=root", "--architectures=amd64", *left_out]
    command += ["--dpkgopt=force-unsafe-io", "--include=" + ",".join(packages), suite, str(target), _mirror()]
    environment = {**os.environ, "INITRD": "No", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise SystemExit("mmdebstrap failed:\n" + done.stdout.decode(errors="replace")[-3000:])


def _furnish(root: Path) -> None:
    """Turn the bare Debian into the test machine."""
    for path, text in {
        "etc/hostname": "raspberrypi\n",
        "etc/hosts": "127.0.0.1 localhost raspberrypi\n",
        "etc/fstab": "/dev/vda / ext4 defaults,noatime 0 1\n",
        "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
        "etc/udev/rules.d/99-com.rules": 'SUBSYSTEM=="gpio", GROUP="gpio", MODE="0660"\n',
        "etc/pip.conf": "[global]\nextra-index-url = https://piwheels.invalid/simple\n",  # as Raspberry Pi OS has it
        "etc/systemd/system.conf.d/patience.conf": "[Manager]\nDefaultTimeoutStartSec=180s\n",
        "etc/systemd/system/serial-getty@ttyS0.service.d/root.conf": "[Service]\nExecStart=\n"
        "ExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200 - $TERM\n",
        "etc/systemd/system/systemd-udev-trigger.service.d/few.conf": "[Service]\nExecStart=\n"
        "ExecStart=-/usr/bin/udevadm trigger --type=devices --action=add "
        + " ".join(f"--subsystem-match={name}" for name in COLDPLUG)
        + "\nExecStart=-/usr/bin/udevadm trigger --type=devices --action=add --subsystem-match=tty --sysname-match=ttyS0\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").write_text("")
    (root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
    (root / "var/log/journal").mkdir(exist_ok=True)
    for file in (HERE / "guest").glob("*.service"):
        _copy(file, root / "etc/systemd/system" / file.name)
    for name in ("agent.py", "gpio-bank"):
        _copy(HERE / "guest" / name, root / "usr/local/lib/machine" / name)
        (root / "usr/local/lib/machine" / name).chmod(0o755)
    subprocess.run(["chroot", root, "sh", "-c", SETUP], check=True)


def _disk(root: Path, disk: Path, suite: str) -> None:
    for leftover in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / leftover, ignore_errors=True)
    disk.unlink(missing_ok=True)
    with open(disk, "wb") as file:
        file.truncate(DISK_MB << 20)
    without = "^metadata_csum_seed,^orphan_file" if suite == "trixie" else "^metadata_csum_seed"
    command = ["mke2fs", "-q", "-t", "ext4", "-L", "rootfs", "-O", without, "-m", "0", "-d", str(root), "-F", str(disk)]
    subprocess.run(command, check=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


if __name__ == "__main__":
    print(json.dumps(build(*sys.argv[1:2]).took_s))
