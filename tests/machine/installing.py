"""How the post gets onto the test machine: this checkout, by its own install.sh, from a bundle, without any network."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.machine.image import CACHE, CHECKOUT, HERE, PYTHONS, Image
from tests.machine.machine import Machine, MachineError

SNAPSHOT = "installed"
PARTS = (
    "kengd",
    "deploy",
    "systemd",
    "firmware_config",
    "pyproject.toml",
    "requirements.lock",
    "requirements-hub.lock",
    "README.md",
    "LICENSE",
)
ON_GUEST = "/root/kengd"
BUNDLE = "/root/bundle.tar"
"""It stays there: a case that installs another release brings only what differs."""
PATIENCE_S = 1800.0
_PIECE = 1 << 20
HARDWARE = HERE / "hardware.py"


def installed(image: Image, place: Path) -> Path:
    """The disk with a running machine in it on which this checkout is installed; made when anything in it has changed."""
    disk, stamp = CACHE / image.suite / "installed.qcow2", CACHE / image.suite / "installed.made"
    digest = hashlib.sha256()
    digest.update(HARDWARE.read_bytes())  # a saved state is of this very machine
    for name in sorted(set(listed()) - {"README.md", "LICENSE"}):  # they come along, but not onto the post
        digest.update(name.encode() + b"\0" + (CHECKOUT / name).read_bytes())
    if not disk.exists() or not stamp.exists() or stamp.read_text() != digest.hexdigest():
        stamp.unlink(missing_ok=True)
        _install(image, place, disk)
        stamp.write_text(digest.hexdigest())
    return disk


def _install(image: Image, place: Path, disk: Path) -> None:
    """The packages come from a bundle, the program from the checkout beside the script."""
    with tempfile.TemporaryDirectory(prefix="kengd-bundle-") as scratch:
        packed = bundle(PYTHONS[image.suite], Path(scratch))
        machine = Machine(image, place)
        machine.blank_disk()
        try:
            machine.start()
            machine.must("systemctl is-system-running --wait", 180)
            began = time.monotonic()
            push(machine, packed, BUNDLE)
            push(machine, _tar_of(CHECKOUT, listed(), Path(scratch)), "/root/checkout.tar")
            machine.must(f"mkdir -p {ON_GUEST} && tar -C {ON_GUEST} -xf /root/checkout.tar")
            said = machine.must(f"{ON_GUEST}/deploy/install.sh --wheelhouse {BUNDLE}", PATIENCE_S)
            print(f"machine: install.sh: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            machine.must(f"rm -rf /root/checkout.tar {ON_GUEST}; sync; sleep 2")
            machine.put("/root", {"install.log": said.encode()})
            machine.save(SNAPSHOT)
        finally:
            machine.cut()
        shutil.move(machine.disk, disk)


def bundle(
    python: str, out: Path, change: Callable[[Path], None] = lambda tree: None, *, only_own: bool = False
) -> Path:
    """`deploy/wheelhouse.sh` for a guest with this Python, run in a copy of the checkout that `change` may have altered; the tar.

    `only_own`: without the packages of others, which the guest has already.
    """
    tree = out / "tree"
    for name in listed():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, tree / name)
    change(tree)
    command = [str(tree / "deploy/wheelhouse.sh"), "--out", str(out), "--for", f"{python}-x86_64"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise MachineError(f"wheelhouse.sh ended with {done.returncode}:\n{done.stdout[-3000:]}")
    shutil.rmtree(tree)
    packed = next(out.glob("kengd-bundle-*.tar"))
    if only_own:
        delete = ["tar", "--delete", "-f", str(packed)]
        names = subprocess.run(["tar", "-tf", packed], check=True, capture_output=True, text=True).stdout.split()
        others = [name for name in names if "/wheels/" in name and name.endswith(".whl") and "/kengd-" not in name]
        subprocess.run([*delete, *others], check=True)
    return packed


def push(machine: Machine, file: Path, target: str) -> None:
    """A large file onto the guest, piece by piece (the guest holds each piece in memory several times)."""
    folder = f"{target}.pieces"
    with open(file, "rb") as source:
        for number, piece in enumerate(iter(lambda: source.read(_PIECE), b"")):
            machine.put(folder, {f"{number:05d}": piece})
            machine.must(f"cat {folder}/{number:05d} >>{folder}.whole && rm {folder}/{number:05d}")
    machine.must(f"mv {folder}.whole {target} && rmdir {folder}")


def listed() -> list[str]:
    """Files of the checkout as a clone would have them, with what is not committed yet."""
    command = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PARTS]
    names = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
    return sorted({name for name in names if name and (CHECKOUT / name).is_file()})


def _tar_of(tree: Path, names: list[str], out: Path) -> Path:
    packed = out / "checkout.tar"
    with tarfile.open(packed, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in names:
            body = (tree / name).read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(body), int(time.time())
            entry.mode = 0o755 if name.endswith(".sh") else 0o644
            tar.addfile(entry, io.BytesIO(body))
    return packed
