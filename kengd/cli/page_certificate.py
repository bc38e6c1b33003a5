"""The certificate of the post's page, for `kengd doctor`: what it says, whether its key fits, whether this machine is called so."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from kengd.settings.plan import WebPlan
from kengd.settings.problems import Problem

CERT, KEY = "web.pem", "web.key"


@dataclass(frozen=True, slots=True)
class PageCertificate:
    """`ills`: no certificate, no key, or not a pair, as at intake. `names`: names and addresses it is good for, as written in it.

    `ours`: whether a phone finds this machine by one of them; None: they are names of which only the network's own lists know.
    """

    ills: tuple[Problem, ...] = ()
    names: tuple[str, ...] = ()
    ours: bool | None = True


def look_at_page(web: WebPlan) -> PageCertificate | None:
    """None: the page has no HTTPS, or its files cannot be read. `web`: with files that this process can open."""
    if web.tls_port is None or web.cert is None or web.key is None:
        return None
    from kengd.settings.keycheck import certificate_names, key_problems  # cryptography: not for `--help`

    try:
        texts = {CERT: Path(web.cert).read_text("ascii", "replace"), KEY: Path(web.key).read_text("ascii", "replace")}
    except OSError:
        return None
    names = certificate_names(texts[CERT])
    return PageCertificate(tuple(key_problems(texts, dict.fromkeys(texts, 1))), names, is_ours(names))


def is_ours(names: Sequence[str], host: str | None = None) -> bool | None:
    """Whether one of them is this machine's, here and now. `host`: its name, None: ask."""
    own = (socket.gethostname() if host is None else host).partition(".")[0].lower()
    judged = [_is_own(name.lower(), own) for name in names]
    return True if True in judged else None if None in judged else False


def _is_own(name: str, own: str) -> bool | None:
    try:
        address = ip_address(name)
    except ValueError:
        if name == own or name.endswith(".local"):  # mDNS: every machine answers for its own name
            return name in (own, f"{own}.local")
        return None
    try:
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as ask:
            ask.bind((name, 0))  # the kernel lets us have our own addresses only; nothing is sent
    except OSError:
        return False
    return True
