"""The same page plain and with HTTPS, from one process; without a usable certificate plain alone, and that is told."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from pathlib import Path

import pytest

from kengd.web.server import Tls, serve
from tests.broker import free_port
from tests.deploy.pem import pair
from tests.hub.commune import until
from tests.web.paper_post import PaperPost

HOST = "127.0.0.1"


class Served:
    """A post's page on two free ports; its thread ends with the tests."""

    def __init__(self, directory: Path, *, cert: str | None = None) -> None:
        own, private = pair("trang")
        (directory / "web.pem").write_text(own if cert is None else cert)
        (directory / "web.key").write_text(private)
        self.post = PaperPost()
        self.port, self.tls_port = free_port(), free_port()
        tls = Tls(self.tls_port, str(directory / "web.pem"), str(directory / "web.key"))
        threading.Thread(target=serve, args=(self.post, HOST, self.port, tls), daemon=True).start()
        until(lambda: self.status(secure=False) == 200, 10, "the plain page")

    def status(self, *, secure: bool) -> int | None:
        """Of /healthz; None where nobody answers."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        line = (
            http.client.HTTPSConnection(HOST, self.tls_port, timeout=5, context=context)
            if secure
            else http.client.HTTPConnection(HOST, self.port, timeout=5)
        )
        try:
            line.request("GET", "/healthz")
            return line.getresponse().status
        except OSError:
            return None
        finally:
            line.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_one_page_on_two_ports(tmp_path: Path) -> None:
    """Plain and with TLS; nothing older than 1.2."""
    served = Served(tmp_path)
    until(lambda: served.status(secure=True) == 200, 10, "the page with TLS")
    assert "page_tls_down" not in served.post.ailing
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection((HOST, served.tls_port), timeout=5) as line, pytest.raises((ssl.SSLError, OSError)):
        old.wrap_socket(line)


@pytest.mark.parametrize("cert", ["", "\n", "khong phai chung thu"])
def test_without_a_usable_certificate_the_plain_page_works_and_says_so(tmp_path: Path, cert: str) -> None:
    """A blank line is what systemd hands over for a key that is not there."""
    served = Served(tmp_path, cert=cert)
    assert served.status(secure=True) is None
    assert served.post.ailing["page_tls_down"][0]


def test_a_port_that_is_taken_is_told_to_whoever_serves() -> None:
    """The plain one is the page: without it there is none (condition page_down)."""
    with socket.create_server((HOST, 0)) as taken, pytest.raises(OSError):
        serve(PaperPost(), HOST, taken.getsockname()[1])
