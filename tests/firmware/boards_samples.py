"""Boot partitions as they are met: stock images, and the settings of posts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kengd.firmware.fragment import fragment
from kengd.firmware.lint import Boot
from kengd.settings.find import load
from kengd.settings.plan import BelfryPlan, ButtonPlan, InputPlan, LampPlan, RelayPlan

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy" / "kengd.example.toml"
PLAN = load(str(EXAMPLE)).plan
LOW = replace(PLAN, relay=RelayPlan(4, active_low=True))
FULL = replace(
    PLAN,
    inputs=(InputPlan("rung", 24, "proof_of_sound"), InputPlan("cau-dao", 25, "isolator_open", active_low=False)),
)
SERIAL = replace(PLAN, lamps=LampPlan(22, 15))
ON_I2C = replace(PLAN, buttons=(ButtonPlan("alarm", 3, "alarm"),))
BARE = replace(PLAN, buttons=(), lamps=LampPlan())

HEAD = """\
# For more options and information see
# http://rptl.io/configtxt
# Some settings may impact device functionality. See link above for details

# Uncomment some or all of these to enable the optional hardware interfaces
#dtparam=i2c_arm=on
#dtparam=i2s=on
#dtparam=spi=on

dtparam=audio=on
camera_auto_detect=1
display_auto_detect=1
auto_initramfs=1
dtoverlay=vc4-kms-v3d
max_framebuffers=2
disable_fw_kms_setup=1
arm_64bit=1
disable_overscan=1
arm_boost=1
"""
BOOKWORM = HEAD + "\n[cm4]\notg_mode=1\n\n[all]\n"
TRIXIE = HEAD + "\n[cm4]\notg_mode=1\n\n[cm5]\ndtoverlay=dwc2,dr_mode=host\n\n[all]\n"
BULLSEYE = """\
#hdmi_safe=1
#overscan_left=16
hdmi_force_hotplug=1
hdmi_group:0=2
hdmi_mode:1=82
dtparam=audio=on
[pi4]
dtoverlay=vc4-fkms-v3d
max_framebuffers=2
[all]
"""
STOCK = {"bullseye": BULLSEYE, "bookworm": BOOKWORM, "trixie": TRIXIE}
STOCK_CMDLINE = "console=serial0,115200 console=tty1 root=PARTUUID=1-02 rootfstype=ext4 fsck.repair=yes rootwait quiet"
WORDS = "panic=10 pinctrl_bcm2835.persist_gpio_outputs=n pinctrl_rp1.persist_gpio_outputs=n"
GOOD_CMDLINE = f"{STOCK_CMDLINE} {WORDS} overlayroot=tmpfs:recurse=0\n"
INCLUDE = "\n[all]\ninclude kengd.txt\n"


def well(plan: BelfryPlan = PLAN, stock: str = TRIXIE, **more: str) -> Boot:
    """A boot partition as the installer leaves it; `more`: further files by their stem."""
    files = {"config.txt": stock + INCLUDE, "cmdline.txt": GOOD_CMDLINE, "kengd.txt": fragment(plan)}
    files |= {f"{name}.txt": text for name, text in more.items()}
    return Boot(files, own_partition=True, system_conf=("[Manager]\nRuntimeWatchdogSec=10s\n",))
