"""What the test machine is made of: the command line of qemu. One CPU and 512 MiB, as a Pi Zero 2 W has of memory."""

from __future__ import annotations

from pathlib import Path

from tests.machine.image import Image

CPU = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+lahf-lm,+rdrand"
"""x86-64-v2. Emulated, what newer CPUs are fast with (wide vectors, string moves) is slow."""
KERNEL = (
    "console=ttyS0 quiet ro mitigations=off init_on_alloc=0 audit=0 apparmor=0 net.ifnames=0 random.trust_cpu=on"
    " systemd.show_status=error 8250.nr_uarts=1"
)
TRACED = "trace_event=gpio:gpio_value,gpio:gpio_direction trace_clock=mono"
"""What moves a line is on record from the beginning of each boot: `Machine.traced` may be asked without `trace`."""


def qemu(image: Image, place: Path, card: list[str], words: str, rtc: str | None) -> list[str]:
    """Console, monitor and agent are files in `place`; `card`: options that make the block node d0; `words`: to the kernel.

    `rtc`: what the clock chip says at power-on, counted on in the machine's own time; None: the host's time.
    """
    command = ["setpriv", "--pdeathsig", "KILL"]  # however the test ends, no machine is left running
    command += ["qemu-system-x86_64", "-M", "q35,hpet=off", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", CPU]
    command += ["-smp", "1", "-m", "512", "-nodefaults", "-no-user-config", "-display", "none"]
    command += ["-kernel", str(image.vmlinuz), "-initrd", str(image.initrd), "-append", f"{KERNEL} {TRACED} {words}"]
    command += [*card, "-device", "virtio-blk-pci,drive=d0", "-device", "virtio-rng-pci"]
    command += ["-device", "i6300esb", "-action", "watchdog=reset"]
    command += ["-chardev", f"file,id=console,path={place}/console.log,append=on", "-serial", "chardev:console"]
    command += ["-chardev", f"socket,id=monitor,path={place}/monitor,server=on,wait=off"]
    command += ["-mon", "chardev=monitor,mode=control"]
    command += ["-chardev", f"socket,id=agent,path={place}/agent,server=on,wait=off"]
    command += ["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=host"]
    return [*command, "-rtc", "base=utc" if rtc is None else f"base={rtc},clock=vm"]


def extra(disk: Path) -> list[str]:
    """A second disk (raw), the guest's /dev/vdb."""
    drive = f"file={disk},if=none,id=d1,format=raw,cache=writeback"
    return ["-drive", drive, "-device", "virtio-blk-pci,drive=d1"]
