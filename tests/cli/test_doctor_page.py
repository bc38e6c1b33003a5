"""`kengd doctor` and the certificate of the post's page: what a keeper's phone would complain of is found by the installer first."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from kengd.cli.findings import Finding, findings
from kengd.cli.page_certificate import PageCertificate, is_ours, look_at_page
from kengd.cli.probing import look_at_files
from kengd.hub.authority.certificates import Pair, make_ca, make_server
from kengd.settings.plan import WebPlan
from tests.cli.test_doctor import OFFICE, PLAN, WELL
from tests.deploy.pem import locked_key

CA = make_ca("Cộng Lạc", time.time_ns() // 1_000_000)


def page_of(directory: Path, cert: str, key: str) -> WebPlan:
    """The page's settings with these two files."""
    for name, text in (("web.pem", cert), ("web.key", key)):
        (directory / name).write_text(text)
        (directory / name).chmod(0o600)
    return WebPlan("0.0.0.0", 8480, tls_port=8443, cert=str(directory / "web.pem"), key=str(directory / "web.key"))


def issued(*names: str) -> tuple[str, str]:
    """(certificate, key) of the commune, PEM."""
    pair: Pair = make_server(CA, names, time.time_ns() // 1_000_000)
    certificate, key = pair.certificate_pem(), pair.key_pem()
    return certificate.decode(), key.decode()


def judged(page: PageCertificate | None) -> list[Finding]:
    """Everything that is not green on a post that is well but for its page."""
    facts = replace(WELL, page=page)
    return [finding for finding in findings(PLAN, OFFICE, (), facts) if finding.colour != "green"]


def test_a_pages_certificate_in_good_order_is_a_green_line_and_a_page_without_https_is_none(tmp_path: Path) -> None:
    """Three files with their rights and days, and nothing to be done; where the settings know no HTTPS nothing is looked for."""
    web = page_of(tmp_path, *issued("thon-3.local", "127.0.0.1"))
    page = look_at_page(web)
    assert page == PageCertificate((), ("thon-3.local", "127.0.0.1"), True) and judged(page) == []
    pins = tmp_path / "web.pins"
    pins.write_text("")
    files = look_at_files(None, replace(web, pins=str(pins)))
    assert [(file.what, file.secret, file.expires is not None) for file in files] == [
        ("chứng thư của trang", False, True),
        ("khoá riêng của trang", True, False),
        ("tệp mã PIN", True, False),
    ]
    plain = replace(web, tls_port=None)
    assert look_at_page(plain) is None and look_at_files(None, plain) == () and judged(None) == []


def test_a_missing_or_unreadable_file_of_the_page_is_said_once(tmp_path: Path) -> None:
    """By its own line; nothing is guessed about the certificate."""
    web = page_of(tmp_path, *issued("thon-3.local"))
    (tmp_path / "web.key").unlink()
    assert look_at_page(web) is None
    seen = replace(WELL, files=look_at_files(None, web), page=look_at_page(web))
    red = [one for one in findings(PLAN, OFFICE, (), seen) if one.colour == "red"]
    assert [(one.what, one.vi, bool(one.cure)) for one in red] == [
        ("khoá riêng của trang", f"không có: {tmp_path}/web.key", True)
    ]


@pytest.mark.parametrize(
    ("cert", "key", "words"),
    [
        ("\n", issued("a.local")[1], "không phải chứng thư"),
        (issued("a.local")[0], "\n", "không phải khoá riêng"),
        (issued("a.local")[0], issued("a.local")[1], "không phải của chứng thư"),
        (issued("a.local")[0], locked_key(), "mật khẩu"),
    ],
)
def test_a_certificate_without_its_key_is_red_with_the_cure(tmp_path: Path, cert: str, key: str, words: str) -> None:
    """The page would be served without HTTPS only (`page_tls_down`): one red line, in the words of the intake."""
    found = judged(look_at_page(page_of(tmp_path, cert, key)))
    assert [(one.colour, one.what) for one in found] == [("red", "chứng thư của trang")]
    assert words in found[0].vi and found[0].cure and found[0].en


def test_a_certificate_for_another_machine_is_told_with_what_to_do(tmp_path: Path) -> None:
    """A phone that opens the page would not find it, or be warned of a stranger: and learn to press the warning away."""
    other = look_at_page(page_of(tmp_path, *issued("may-khac.local", "203.0.113.7")))
    [found] = judged(other)
    assert (found.colour, found.what) == ("yellow", "chứng thư của trang") and "may-khac.local, 203.0.113.7" in found.vi
    assert f"set-hostname {PLAN.post_id}" in found.cure and f"enrol {PLAN.post_id} --renew" in found.cure
    assert [(one.colour, one.what) for one in judged(PageCertificate())] == [("red", "chứng thư của trang")]


@pytest.mark.parametrize(
    ("names", "ours"),
    [
        (("thon-3.local",), True),
        (("THON-3.local",), True),
        (("thon-3",), True),
        (("thon-4.local",), False),
        (("thon-4.local", "127.0.0.1"), True),
        (("203.0.113.7",), False),
        (("2001:db8::7",), False),
        (("keng.lan",), None),
        (("thon-4.local", "keng.lan"), None),
        ((), False),
    ],
)
def test_names_are_held_against_this_machines_name_and_addresses(names: tuple[str, ...], ours: bool | None) -> None:
    """What only the network's own lists know is not judged."""
    assert is_ours(names, "thon-3.lan") is ours
    assert (judged(PageCertificate((), names, ours)) == []) is (ours is not False)


def test_a_pages_certificate_that_has_run_out_is_red_and_one_that_soon_will_is_told(tmp_path: Path) -> None:
    """R43, H22: as the line's own; with a clock that is not trusted neither is judged."""
    [cert, _] = look_at_files(None, page_of(tmp_path, *issued("thon-3.local")))
    assert cert.expires is not None
    for now, colours in ((cert.expires, ["yellow"]), (cert.expires.replace(year=cert.expires.year + 1), ["red"])):
        facts = replace(WELL, now=now, files=(cert,))
        assert [one.colour for one in findings(PLAN, OFFICE, (), facts) if one.what == cert.what] == colours
        unsure = replace(facts, clock="untrusted")
        assert [one.colour for one in findings(PLAN, OFFICE, (), unsure) if one.what == cert.what] == ["green"]
