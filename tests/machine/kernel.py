"""The guest's kernel: Debian's own, with gpio-sim built from Debian's source (no released suite ships it) and an initrd.

Two switches are added to gpio-sim, as module parameters that a test may change at any time:
`persist_gpio_outputs` (a released output keeps its level, which is the default of Raspberry Pi OS kernels; off: it falls
back to its pull, as upstream) and `hold_pull` (a level set by the test wins over the bias that a program asks for:
without it a button held down is let go at the moment kengd claims the line).
"""

from __future__ import annotations

import gzip
import lzma
import re
import shutil
import subprocess
from pathlib import Path

GUEST = Path(__file__).parent / "guest"
WANTED = [
    "virtio_blk",
    "ext4",
    "crc32c_generic",
    "crc32c-intel",
    "virtio_net",
    "virtio_rng",
    "configfs",
    "i6300esb",
    "softdog",
    "overlay",
    "loop",
    "dm-flakey",
    "virtio_console",
    "virtio_pci",
    "virtio_mmio",
]
WANTED_EARLY = ["virtio_pci", "virtio_blk", "crc32c_generic", "crc32c-intel", "ext4"]
SWITCHES = """static bool persist_gpio_outputs;
module_param(persist_gpio_outputs, bool, 0644);
static bool hold_pull;
module_param(hold_pull, bool, 0644);

"""


def build_gpio_sim(chroot: Path, release: str) -> Path:
    """Compile gpio-sim.ko in the builder's chroot against its kernel headers; the module's path."""
    sources = next((chroot / "usr/src").glob("linux-source-*.tar.xz"))
    top = sources.name.removesuffix(".tar.xz")
    work = chroot / "root/gpio-sim"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    files = [f"{top}/{name}" for name in ("drivers/gpio/gpio-sim.c", "drivers/gpio/gpiolib.h", "kernel/irq/irq_sim.c")]
    subprocess.run(["tar", "-xJf", sources, "-C", work, "--strip-components=3", *files], check=True)
    _patch(work)
    headers = next((chroot / "usr/src").glob(f"linux-headers-{release}"))
    config = (headers / ".config").read_text()
    compiler = _found(r'CONFIG_CC_VERSION_TEXT="(?:x86_64-linux-gnu-)?(gcc-\d+)', config)
    make = ["make", "-s", "-C", f"/usr/src/{headers.name}", "M=/root/gpio-sim", f"CC={compiler}", "modules"]
    subprocess.run(["chroot", chroot, *make], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["chroot", chroot, "strip", "--strip-debug", "/root/gpio-sim/gpio-sim.ko"], check=True)
    return work / "gpio-sim.ko"


def _patch(work: Path) -> None:
    irq = (work / "irq_sim.c").read_text()
    # irq_to_desc() is not exported to modules
    irq = _replaced(r"handle_simple_irq\(irq_to_desc\((\w+)\)\)", r"generic_handle_irq(\1)", irq)
    (work / "irq_sim.c").write_text(irq)
    sim = (work / "gpio-sim.c").read_text()
    (work / "gpio-sim.c").unlink()
    sim = _replaced(
        r"(static void gpio_sim_free\(.*?\{.*?)(__assign_bit\(offset, chip->value_map)",
        r"\1if (!(persist_gpio_outputs && !test_bit(offset, chip->direction_map)))\n\t\t\2",
        sim,
    )
    sim = _replaced(
        r"(static int gpio_sim_set_config\(.*?\{.*?gpiochip_get_data\(gc\);\n)",
        r"\1\n\tif (hold_pull)\n\t\treturn 0;\n",
        sim,
    )
    sim = _replaced(r"(static DEFINE_IDA\()", SWITCHES + r"\1", sim)
    (work / "gpio-sim-core.c").write_text(sim)
    (work / "Makefile").write_text("obj-m := gpio-sim.o\ngpio-sim-y := gpio-sim-core.o irq_sim.o\n")


def install_modules(chroot: Path, root: Path, release: str, gpio_sim: Path) -> bytes:
    """Put the wanted modules into the root file system, unpacked (a soft CPU is slow at xz); the initrd."""
    shipped = chroot / "lib/modules" / release
    needs: dict[str, list[str]] = {}
    by_name: dict[str, str] = {}
    for line in (shipped / "modules.dep").read_text().splitlines():
        file, needed = line.split(":", 1)
        needs[file] = needed.split()
        by_name[re.sub(r"\.ko.*", "", Path(file).name).replace("-", "_")] = file

    def with_needs(names: list[str]) -> list[str]:
        found: list[str] = []

        def add(file: str) -> None:
            for needed in reversed(needs[file]):
                add(needed)
            if file not in found:
                found.append(file)

        for name in names:
            if file := by_name.get(name.replace("-", "_")):  # built in, otherwise
                add(file)
        return found

    def unpacked(file: str) -> bytes:
        raw = (shipped / file).read_bytes()
        return lzma.decompress(raw) if file.endswith(".xz") else raw

    target = root / "usr/lib/modules" / release
    shutil.rmtree(target, ignore_errors=True)
    for file in with_needs(WANTED):
        path = target / file.removesuffix(".xz")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(unpacked(file))
    (target / "updates").mkdir()
    shutil.copy(gpio_sim, target / "updates/gpio-sim.ko")
    for file in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
        shutil.copy(shipped / file, target / file)
    subprocess.run(["chroot", root, "depmod", "-a", release], check=True)
    return _initrd([(Path(file).name.removesuffix(".xz"), unpacked(file)) for file in with_needs(WANTED_EARLY)])


def _initrd(modules: list[tuple[str, bytes]]) -> bytes:
    busybox = shutil.which("busybox")
    assert busybox is not None
    directory, program = 0o040755, 0o100755
    files = [(name, directory, b"") for name in ("bin", "dev", "proc", "sys", "root", "mods")]
    files += [("bin/busybox", program, Path(busybox).read_bytes()), ("init", program, (GUEST / "init").read_bytes())]
    files += [(f"mods/{name}", program, body) for name, body in modules]
    files += [("mods/order", program, "\n".join(name for name, _ in modules).encode())]
    return gzip.compress(_cpio(files), 1)


def _cpio(files: list[tuple[str, int, bytes]]) -> bytes:
    """The "newc" format of cpio(5): name, mode and content of each file; /dev/console for the early messages."""
    out = bytearray()
    entries = [
        *((*file, (0, 0)) for file in files),
        ("dev/console", 0o020600, b"", (5, 1)),
        ("TRAILER!!!", 0, b"", (0, 0)),
    ]
    for number, (name, mode, body, device) in enumerate(entries, 1):
        raw = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(body), 0, 0, *device, len(raw), 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + raw
        out += b"\0" * (-len(out) % 4)
        out += body + b"\0" * (-len(body) % 4)
    return bytes(out)


def _replaced(pattern: str, by: str, text: str) -> str:
    text, times = re.subn(pattern, by, text, count=1, flags=re.DOTALL)
    if times != 1:
        raise RuntimeError(f"this kernel's source has changed: {pattern}")
    return text


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"not found: {pattern}")
    return match[1]
