"""`credential:NAME` in the settings: a key that only root can read, handed to the service by systemd. Standard library only.

Where such a key lies depends on who asks (the service sees its copies in memory, a command of root the files), so a plan keeps
the word and it is looked up where a file is opened.
"""

from __future__ import annotations

import os
from dataclasses import replace

from kengd.settings.plan import BrokerPlan, WebPlan

PREFIX = "credential:"
KEY_DIR = "/etc/kengd/keys"
NAMES = ("ca.pem", "broker.pem", "broker.key", "broker.password", "web.pem", "web.key", "web.pins")
"""What kengd.service loads (LoadCredential=); a name more there is a name more here."""


def is_credential(path: str) -> bool:
    """Whether this path in the settings is such a word."""
    return path.startswith(PREFIX)


def name_of(path: str) -> str:
    """ "ca.pem" of "credential:ca.pem"."""
    return path.removeprefix(PREFIX)


def file_of(path: str) -> str:
    """The file to open: in the service its copy in memory, else the one in /etc/kengd/keys; any other path as it is."""
    if not is_credential(path):
        return path
    return os.path.join(os.environ.get("CREDENTIALS_DIRECTORY") or KEY_DIR, name_of(path))


def at_hand(broker: BrokerPlan) -> BrokerPlan:
    """The plan with files that this process can open."""
    return replace(
        broker,
        ca=_found(broker.ca),
        cert=_found(broker.cert),
        key=_found(broker.key),
        password_file=_found(broker.password_file),
    )


def web_at_hand(web: WebPlan) -> WebPlan:
    """The same for the page's certificate, key and PINs."""
    return replace(web, cert=_found(web.cert), key=_found(web.key), pins=_found(web.pins))


def _found(path: str | None) -> str | None:
    return None if path is None else file_of(path)
