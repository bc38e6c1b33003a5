"""Whether the broker takes by itself what was just written for it: said to whoever has shut somebody out, for until then he is in."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

WATCHED: Final = Path("/var/lib/kengd-hub/broker")
"""What systemd/kengd-broker.path looks at; after a change it has mosquitto restarted."""
UNIT: Final = "kengd-broker.path"


def takes_by_itself(config: Path) -> bool:
    """This very file is watched, now. `config`: the broker's mosquitto.conf."""
    if config.absolute().parent != WATCHED:
        return False
    try:
        asked = subprocess.run(["systemctl", "is-active", "--quiet", UNIT], timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def news_vi(config: Path) -> str:
    """After a revocation, in Vietnamese."""
    if takes_by_itself(config):
        return "Máy chủ MQTT tự khởi động lại trong vài giây; từ đó chứng thư đã thu hồi không vào được nữa."
    return (
        "CHƯA XONG: máy chủ MQTT chưa biết, chứng thư đã thu hồi vẫn vào được cho tới khi khởi động lại nó: "
        "sudo systemctl restart mosquitto (hoặc tắt rồi chạy lại mosquitto đang dùng tệp "
        f"{config})"
    )


def news_en(config: Path) -> str:
    """The same in English."""
    if takes_by_itself(config):
        return "The broker restarts by itself within seconds; from then on what was revoked does not get in."
    return f"NOT DONE YET: until mosquitto (with {config}) is restarted what was revoked still gets in."
