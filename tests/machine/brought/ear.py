"""Runs in the guest with the post's own Python: the hub's ear. Writes down all that the posts say, in the order in which it came.

    ear.py PORT FILE [CA CERT KEY]

One JSON object a line: {"leaf": "entry" or "status", "said": the message}. A session that the broker keeps; QoS 1.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def listen(port: int, file: str, keys: list[str]) -> None:
    """For ever."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="hub", clean_session=False)
    if keys:
        ca, cert, key = keys
        client.tls_set(ca, cert, key)

    def connected(asking: mqtt.Client, *_: Any) -> None:
        asking.subscribe([(f"kengd/1/cong-lac/+/{leaf}", 1) for leaf in ("entry", "status")])

    with open(file, "a", buffering=1, encoding="utf-8") as notes:

        def heard(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
            leaf = message.topic.rsplit("/", 1)[1]
            notes.write(json.dumps({"leaf": leaf, "said": json.loads(message.payload)}, ensure_ascii=False) + "\n")

        client.on_connect = connected
        client.on_message = heard
        client.reconnect_delay_set(1, 1)
        client.connect_async("127.0.0.1", port, 60)
        client.loop_forever(retry_first_connection=True)


if __name__ == "__main__":
    listen(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
