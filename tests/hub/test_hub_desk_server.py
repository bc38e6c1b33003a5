"""The desk as a server, and as a whole: every address guarded, nothing that a stranger sends breaks it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from kengd.errors import KengdError
from kengd.hub.authority.authority import Authority
from kengd.hub.desk import connections
from kengd.hub.desk import server as server_room
from kengd.hub.desk.server import DeskServer, serve
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Officer, Station, copied, station

OPEN = {
    ("GET", "/healthz"),
    ("GET", "/metrics"),
    ("POST", "/api/session"),
    ("POST", "/cap"),
    ("GET", "/api/openapi.json"),
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path, web={"port": 0})
    yield made
    made.hub.ledger.close()


def test_every_address_but_a_few_asks_who_is_there(hub: Station) -> None:
    """P12: also those that will be added; with forms that would be right or wrong alike."""
    nobody = Officer(hub.app, "")
    paths = nobody.get("/api/openapi.json").json()["paths"]
    asked = {(method.upper(), path) for path, methods in paths.items() for method in methods} - OPEN
    assert len(asked) > 50
    for number, (method, path) in enumerate(sorted(asked)):
        real = path.replace("{period}", "2026").replace("{post}", "an-lao").replace("{", "").replace("}", "")
        headers = {"X-Forwarded-For": f"10.1.0.{number}"}
        answer = nobody.web.request(method, real, headers=headers)
        assert answer.status_code in (401, 429), (method, path, answer.status_code)


def test_no_form_that_the_schema_allows_or_forbids_breaks_the_desk(hub: Station) -> None:
    """schemathesis over the OpenAPI, in-process, as an admin's machine: no answer of 5xx but "busy" and its kin."""
    admin = hub.machine(hub.admin, "admin")
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", hub.app)
    desk = hub.app.state.desk
    desk._officers.take = desk._strangers.take = lambda key: None
    left_out = {"/api/live"}
    seen = 0
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]
        if operation.path in left_out:
            continue

        @settings(
            max_examples=4, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def send(case: Any) -> None:
            if case.path == "/api/changes":
                case.query["wait_s"] = 0
            answer = case.call(headers={"Authorization": admin.web.headers["Authorization"]})
            assert answer.status_code < 500 or answer.status_code == 503, (case.method, case.path, answer.text)

        send()
        seen += 1
    assert seen > 55


def test_a_served_desk_tells_its_port_and_ends_with_its_answers(hub: Station) -> None:
    """Port 0; a listener is let go, the thread ends."""
    server = DeskServer(hub.hub, hub.people)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with httpx.stream("GET", f"http://127.0.0.1:{server.port}/healthz", timeout=20) as answer:
            assert answer.status_code == 200
    finally:
        server.stop()
        thread.join(20)
    assert not thread.is_alive()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{server.port}/healthz", timeout=5)


def test_a_desk_with_a_certificate_speaks_tls(tmp_path: Path) -> None:
    """The cookie is then for TLS alone."""
    authority = Authority.begin(tmp_path / "web", "web", "Web", ["127.0.0.1"], wall_ms())
    pem = str(tmp_path / "web" / "private" / "server.pem")
    (tmp_path / "hub").mkdir()
    made = copied(tmp_path / "hub", {"web": {"cert": pem, "key": pem, "port": 0}})
    server = DeskServer(made.hub, made.people)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        trust = ssl.create_default_context(cafile=str(authority.ca_file))
        answer = httpx.get(f"https://127.0.0.1:{server.port}/healthz", verify=trust, timeout=20)
        assert answer.status_code == 200 and made.app.state.desk.secure
    finally:
        server.stop()
        thread.join(20)
        made.hub.ledger.close()


def test_a_desk_under_the_communes_own_certificate_goes_on_with_the_renewed_one(tmp_path: Path) -> None:
    """R43: whoever trusts the commune's authority sees HTTPS; a renewal reaches connections made from then on, without a restart."""
    made = copied(tmp_path, {"web": {"own_cert": True, "port": 0}})
    server = DeskServer(made.hub, made.people)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        before, after = _served(made, server.port), None
        made.hub.authority.serve_as(["127.0.0.1"], wall_ms())
        made.hub.on_renewed()
        after = _served(made, server.port)
        assert before != after and made.app.state.desk.secure
        (made.hub.settings.authority / "private" / "server.pem").write_bytes(b"")
        made.hub.on_renewed()
        assert _served(made, server.port) == after, "what cannot be read takes nothing away"
    finally:
        server.stop()
        thread.join(20)
        made.hub.ledger.close()


def _served(made: Station, port: int) -> bytes:
    """The certificate that a browser is shown, proved against the commune's authority."""
    trust = ssl.create_default_context(cafile=str(made.hub.authority.ca_file))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        trust.wrap_socket(plain, server_hostname="127.0.0.1") as line,
    ):
        return line.getpeercert(binary_form=True) or b""


def test_a_port_or_a_certificate_that_cannot_be_used_is_said(hub: Station, tmp_path: Path) -> None:
    """Before anything is served."""
    taken = DeskServer(hub.hub, hub.people)
    web = hub.hub.settings.web.model_copy(update={"port": taken.port})
    hub.hub.settings = hub.hub.settings.model_copy(update={"web": web})
    with pytest.raises(KengdError) as wrong:
        serve(hub.hub, hub.people)
    assert wrong.value.code == "port_taken"
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    web = web.model_copy(update={"port": 0, "cert": str(bad), "key": str(bad)})
    hub.hub.settings = hub.hub.settings.model_copy(update={"web": web})
    with pytest.raises(KengdError) as broken:
        serve(hub.hub, hub.people)
    assert broken.value.code == "bad_certificate"
    taken._socket.close()


def test_silent_connections_take_nobodys_place(hub: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """H8: whoever opens hundreds and says nothing, or a byte now and then, keeps no officer from stopping a bell. A page that
    listens, and a browser that keeps its connection, are none of those."""
    monkeypatch.setattr(connections, "HEAD_WITHIN_S", 0.4)
    monkeypatch.setattr(connections, "WAITING_MOST", 8)
    monkeypatch.setattr(server_room, "MOST", 16)
    server = DeskServer(hub.hub, hub.people)
    thread = threading.Thread(target=server.run)
    thread.start()
    hub.hub.roster()
    here = f"http://127.0.0.1:{server.port}"
    headers = {"X-Kengd-Csrf": hub.admin.csrf}
    silent: list[socket.socket] = []
    try:
        with ExitStack() as open_ones:
            web = open_ones.enter_context(httpx.Client(base_url=here, cookies=dict(hub.admin.web.cookies), timeout=20))
            lines = open_ones.enter_context(web.stream("GET", "/api/live")).iter_lines()
            assert next(lines)
            kept = open_ones.enter_context(httpx.Client(base_url=here, timeout=20))
            assert kept.get("/healthz").status_code == 200
            for _ in range(40):
                silent.append(open_ones.enter_context(socket.create_connection(("127.0.0.1", server.port), 20)))
            for one in silent[-3:]:
                one.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
            answer = web.post("/api/hushes", json={"id": "hush-00001", "all": True}, headers=headers)
            assert answer.status_code == 201
            assert [closed(one) for one in silent] == [True] * 40
            hub.hub.feed.post("hub", {"trouble": None})
            assert any("hub" in line for line in lines)
            assert web.get("/healthz").status_code == kept.get("/healthz").status_code == 200
            slow = open_ones.enter_context(socket.create_connection(("127.0.0.1", server.port), 20))
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert slow.recv(12) == b"HTTP/1.1 200"
            slow.sendall(b"GET /")
            assert closed(slow)
    finally:
        server.stop()
        thread.join(20)


@pytest.mark.parametrize("proxied", [False, True])
def test_one_address_has_its_share_of_connections_unless_a_proxy_brings_all(
    hub: Station, monkeypatch: pytest.MonkeyPatch, proxied: bool
) -> None:
    """H8: also of connections that never finish a TLS handshake; whoever is beyond its share is hung up on at once."""
    monkeypatch.setattr(server_room, "OPEN_EACH", 4)
    web = hub.hub.settings.web.model_copy(update={"origin": "https://kengd.example" if proxied else None})
    hub.hub.settings = hub.hub.settings.model_copy(update={"web": web})
    server = DeskServer(hub.hub, hub.people)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with ExitStack() as lines:
            for _ in range(4):
                lines.enter_context(socket.create_connection(("127.0.0.1", server.port), 20))
            for host, served in (("127.0.0.1", proxied), ("127.0.0.2", True)):
                line = lines.enter_context(socket.create_connection(("127.0.0.1", server.port), 20, (host, 0)))
                assert _answered(line) is served
    finally:
        server.stop()
        thread.join(20)


def _answered(line: socket.socket) -> bool:
    try:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        return line.recv(12) == b"HTTP/1.1 200"
    except ConnectionError:
        return False


def closed(one: socket.socket) -> bool:
    """The other end has hung up, in the end."""
    try:
        while one.recv(65_536):
            pass
    except ConnectionError:
        pass
    return True
