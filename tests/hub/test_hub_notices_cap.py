"""CAP 1.2: what is written keeps to the standard by a table of these tests' own; what is read is read strictly."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kengd.duty.words import Purpose
from kengd.hub.notices.cap import CapAlert, CapArea, CapError, CapInfo, CapReference, CapResource, CapValue, cap_time
from kengd.hub.notices.cap_reading import LONGEST, parse_cap
from kengd.hub.notices.cap_writing import CapAlarm, CapSource, alarm_alert, alarm_cancel, alarm_update, write_cap

NS = "{urn:oasis:names:tc:emergency:cap:1.2}"
BEGAN = 1_796_223_900_000  # 2026-12-02T22:05:00+07:00
SOURCE = CapSource(
    "cong-lac", "hub@cong-lac.example", "Công an xã Cộng Lạc", "0220 3 000 000", "https://cong-lac.example/"
)
AREA = CapArea(
    "Thôn Đông Cao",
    ("20.8,106.4 20.9,106.4 20.9,106.5 20.8,106.4",),
    ("20.85,106.45 1.5",),
    (CapValue("VN", "30-xx"),),
)
ALARM = CapAlarm(
    "f00dfeed00000001",
    "Báo động",
    "Alarm",
    "điểm kẻng Đông Cao",
    BEGAN,
    BEGAN + 3_600_000,
    (AREA,),
    why="trộm <chó> & gà",
)

# OASIS CAP-v1.2-os, section 3.2: (element, required) in order; the enumerations; nothing is taken from the program.
ORDER = {
    "alert": "identifier! sender! sent! status! msgType! source scope! restriction addresses code note references incidents info",
    "info": "language category! event! responseType urgency! severity! certainty! audience eventCode effective onset expires"
    " senderName headline description instruction web contact parameter resource area",
    "resource": "resourceDesc! mimeType! size uri derefUri digest",
    "area": "areaDesc! polygon circle geocode altitude ceiling",
}
MANY = {
    "code",
    "info",
    "category",
    "responseType",
    "eventCode",
    "parameter",
    "resource",
    "area",
    "polygon",
    "circle",
    "geocode",
}
WORDS = {
    "status": "Actual Exercise System Test Draft",
    "msgType": "Alert Update Cancel Ack Error",
    "scope": "Public Restricted Private",
    "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
    "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
    "urgency": "Immediate Expected Future Past Unknown",
    "severity": "Extreme Severe Moderate Minor Unknown",
    "certainty": "Observed Likely Possible Unlikely Unknown",
}
TIME = re.compile(r"\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[-,+]\d\d:\d\d")


def breaches(document: bytes) -> list[str]:
    """What in a document breaks the standard's own table."""
    found: list[str] = []

    def look(block: ElementTree.Element, name: str) -> None:
        table = [word.rstrip("!") for word in ORDER[name].split()]
        required = [word.rstrip("!") for word in ORDER[name].split() if word.endswith("!")]
        children = [child.tag.removeprefix(NS) for child in block]
        found.extend(f"unknown {child}" for child in children if child not in table)
        if children != sorted(children, key=table.index):
            found.append(f"order of {name}: {children}")
        found.extend(f"missing {child}" for child in required if child not in children)
        found.extend(f"too many {child}" for child in children if children.count(child) > 1 and child not in MANY)
        for child in block:
            tag, text = child.tag.removeprefix(NS), (child.text or "").strip()
            if tag in WORDS and text not in WORDS[tag].split():
                found.append(f"{tag} is {text}")
            if tag in ("sent", "effective", "onset", "expires") and not TIME.fullmatch(text):
                found.append(f"{tag} is {text}")
            if tag in ("identifier", "sender") and re.search(r"[\s,<&]", text):
                found.append(f"{tag} is {text}")
            if tag in ORDER:
                look(child, tag)
            elif tag in ("parameter", "geocode", "eventCode"):
                if [part.tag.removeprefix(NS) for part in child] != ["valueName", "value"]:
                    found.append(f"{tag} has no name and value")
            elif not text:
                found.append(f"{tag} is empty")

    root = ElementTree.fromstring(document)
    if root.tag != NS + "alert":
        found.append(f"root {root.tag}")
    look(root, "alert")
    return found


def life(alarm: CapAlarm) -> list[CapAlert]:
    """An alarm from its beginning to the all-clear."""
    alert = alarm_alert(SOURCE, alarm)
    taken = alarm_update(
        SOURCE, alarm, [alert.reference], BEGAN + 30_000, "Đồng chí Hoa đã nhận xử lý.", "An officer has it."
    )
    over = alarm_cancel(SOURCE, alarm, [alert.reference, taken.reference], BEGAN + 900_000, "Trần Thị Hoa")
    return [alert, taken, over]


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("incident", ["", "theft", "fire", "disaster", "other"])
def test_every_message_of_an_alarm_keeps_to_the_standard(purpose: Purpose, incident: str) -> None:
    """Alert, Update, Cancel: elements, order, enumerations, times."""
    alarm = replace(ALARM, purpose=purpose, incident=incident)
    assert [breaches(write_cap(message)) for message in life(alarm)] == [[], [], []]


def test_what_is_written_is_read_back_the_same() -> None:
    """Round trip, with markup and diacritics in the texts."""
    for message in life(ALARM):
        assert parse_cap(write_cap(message)) == message


def test_an_alarm_is_an_alert_its_taking_an_update_its_end_a_cancel_with_references() -> None:
    """Identifiers are unique, stable, and name all that came before; `sent` is local with +07:00 and no Z."""
    messages = life(ALARM)
    assert [(m.msg_type, m.status, m.identifier, m.sent) for m in messages] == [
        ("Alert", "Actual", "kengd-cong-lac-f00dfeed00000001-0", "2026-12-02T22:05:00+07:00"),
        ("Update", "Actual", "kengd-cong-lac-f00dfeed00000001-1", "2026-12-02T22:05:30+07:00"),
        ("Cancel", "Actual", "kengd-cong-lac-f00dfeed00000001-2", "2026-12-02T22:20:00+07:00"),
    ]
    assert [m.references for m in messages] == [
        (), (messages[0].reference,), (messages[0].reference, messages[1].reference),
    ]  # fmt: skip
    assert messages == life(ALARM)
    assert [info.response_types for info in messages[2].infos] == [("AllClear",), ("AllClear",)]
    assert messages[0].sent_ms == BEGAN


def test_it_is_said_in_vietnamese_first_and_in_english() -> None:
    """Two info blocks, both with the area."""
    infos = alarm_alert(SOURCE, ALARM).infos
    assert [(info.language, info.event, info.areas) for info in infos] == [
        ("vi-VN", "Báo động", (AREA,)),
        ("en-US", "Alarm", (AREA,)),
    ]


def test_a_drill_is_an_exercise_and_a_test_is_a_test() -> None:
    """R62: no receiver can take them for real; the note says it in words too."""
    said = {purpose: life(replace(ALARM, purpose=purpose)) for purpose in Purpose}
    assert {purpose: {m.status for m in messages} for purpose, messages in said.items()} == {
        Purpose.ACTUAL: {"Actual"},
        Purpose.DRILL: {"Exercise"},
        Purpose.TEST: {"Test"},
    }
    assert all(message.note for purpose in (Purpose.DRILL, Purpose.TEST) for message in said[purpose])


@pytest.mark.parametrize(
    "source", [replace(SOURCE, sender="hub cong lac"), replace(SOURCE, sender="a,b"), replace(SOURCE, sender="")]
)
def test_a_sender_that_cap_forbids_is_refused_at_once(source: CapSource) -> None:
    """Section 3.2.1: no spaces, commas or restricted characters."""
    with pytest.raises(CapError):
        alarm_alert(source, ALARM)


@given(st.text(max_size=200), st.text(max_size=60))
def test_whatever_people_type_the_document_stays_whole(why: str, where: str) -> None:
    """Control characters, surrogates and markup from free text: still XML, still valid, and read back."""
    message = alarm_alert(SOURCE, replace(ALARM, why=why, where_vi=where, signal_vi="Báo động " + why))
    document = write_cap(message)
    assert breaches(document) == []
    assert parse_cap(document).infos[0].language == "vi-VN"


_FULL = CapAlert(
    identifier="KTTV-2026.12-7", sender="kttv@example.vn", sent="2026-12-02T22:05:00+07:00", status="Actual", msg_type="Update",
    scope="Restricted", source="s", restriction="nội bộ", addresses='"công an xã" x', codes=("IPAWSv1.0", "b"), note="n",
    references=(CapReference("a@b", "1", "2026-12-01T00:00:00-00:00"),), incidents="i1 i2", signed=False,
    infos=(CapInfo(
        ("Met", "Geo"), "Lũ quét", "Expected", "Extreme", "Likely", "vi", ("Evacuate", "Avoid"), "all", (CapValue("e", "1"),),
        cap_time(BEGAN), cap_time(BEGAN + 1_000), cap_time(BEGAN + 2_000), "Đài", "h", "d\nd", "i", "http://x", "c",
        (CapValue("p", "v"),), (CapResource("Bản đồ", "image/png", "12", "http://x/y.png", "QUJD", "ab"),),
        (AREA, CapArea("x", altitude="-1.5", ceiling="300")),
    ),),
)  # fmt: skip
GOOD = write_cap(_FULL)


def test_every_element_of_the_standard_survives_the_round_trip() -> None:
    """All fields of all blocks filled."""
    assert breaches(GOOD) == []
    assert parse_cap(GOOD) == _FULL


def test_a_prefix_a_schema_location_and_a_signature_are_taken_in_their_stride() -> None:
    """As national services send them; the signature is said to be there, not believed."""
    text = GOOD.decode().replace("<", "<c:").replace("<c:/", "</c:").replace("<c:?", "<?").replace("xmlns=", "xmlns:c=")
    text = text.replace(
        "<c:alert ", '<c:alert xmlns:s="http://www.w3.org/2001/XMLSchema-instance" s:schemaLocation="a b" '
    )
    signature = (
        '<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#" Id="x"><d:SignedInfo>t</d:SignedInfo></d:Signature>'
    )
    text = text.replace("</c:alert>", signature + "</c:alert>")
    assert parse_cap(text.encode()) == replace(_FULL, signed=True)


BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "'
    + b"&a;" * 50
    + b'"><!ENTITY c "'
    + b"&b;" * 50
    + b'">'
    b']><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>&c;</identifier></alert>'
)


def _changed(old: str, new: str) -> bytes:
    assert old in GOOD.decode()
    return GOOD.decode().replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"", "not XML"),
        (b"\xff\xfe<\x00a\x00", "not XML"),
        (GOOD[:-20], "not XML"),
        (b" " * (LONGEST + 1), "larger than"),
        (BILLION_LAUGHS, "DTD"),
        (_changed("?>", '?><!DOCTYPE alert SYSTEM "file:///etc/passwd">'), "DTD"),
        (_changed("nội bộ", "&xxe;"), "not XML"),
        (_changed("UTF-8", "ISO-8859-1"), "UTF-8"),
        (_changed("cap:1.2", "cap:1.1"), "namespace"),
        (_changed("<alert xmlns", "<alert a='b' xmlns"), "attribute"),
        (_changed("<note>n</note>", "<note><b/></note>"), "<note> holds elements"),
        (_changed("<note>n</note>", "<noot>n</noot>"), "<noot> does not belong"),
        (_changed("<note>n</note>", "<note>n</note><note>m</note>"), "too often"),
        (_changed("<note>n</note>", "loose"), "text between"),
        (_changed("<note>n</note>", "<note>n</note><source>z</source>"), "too late"),
        (_changed("<status>Actual</status>", ""), "<status> is missing"),
        (_changed("<status>Actual", "<status>actual"), "<status> is none of"),
        (_changed("<status>Actual", "<status>"), "<status> is empty"),
        (_changed("22:05:00+07:00</sent>", "15:05:00Z</sent>"), "<sent> is not"),
        (_changed("22:05:00+07:00</sent>", "22:05:00.5+07:00</sent>"), "<sent> is not"),
        (_changed("2026-12-02T22:05:00+07:00</sent>", "2026-02-30T22:05:00+07:00</sent>"), "<sent> is no moment"),
        (_changed("2026-12-02T22:05:00+07:00</sent>", "0001-01-01T00:00:00+23:00</sent>"), "<sent> is no moment"),
        (_changed("2026-12-02T22:05:00+07:00</sent>", "٢٠٢٦-12-02T22:05:00+07:00</sent>"), "<sent> is not"),
        (_changed("KTTV-2026.12-7", "KTTV 2026"), "<identifier> has blanks"),
        (_changed("a@b,1,", "a@b,"), "<references> is not"),
        (_changed("<restriction>nội bộ</restriction>", ""), "needs a restriction"),
        (_changed("<references>a@b,1,2026-12-01T00:00:00-00:00</references>", ""), "needs references"),
        (_changed("20.8,106.4</polygon>", "20.8,106.5</polygon>"), "not closed"),
        (_changed("20.85,106.45 1.5", "20.85,106.45"), "<circle> is not"),
        (_changed("20.85,106.45 1.5", "nan,106.45 1.5"), "<circle> is not a decimal"),
        (_changed("20.85,106.45 1.5", "91,106.45 1.5"), "not on the earth"),
        (_changed("<value>30-xx</value>", ""), "<geocode> is not a valueName"),
        (_changed("</note>", "</note><?php x?>"), "processing instruction"),
        (_changed("</alert>", "<x:y xmlns:x='z'/></alert>"), "namespace"),
        (_changed("<note>n</note>", "<note>n</note>" + "<code/>" * 6_000), "too often|too late|too many"),
        (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">' + b"<info>" * 5_000, "nested too deeply"),
        (b'<info xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>', "not an <alert>"),
    ],
)
def test_what_breaks_the_standard_is_refused_with_a_reason(document: bytes, says: str) -> None:
    """Strict: a district's text that is half understood must never be proposed to the officer."""
    with pytest.raises(CapError, match=says) as broken:
        parse_cap(document)
    assert broken.value.code == "bad_cap" and broken.value.cure
    said = re.sub(r"<\w+>|bản tin CAP không hợp lệ: |2026-12-31T22:05:00", "", broken.value.vi)
    assert said.strip() and not re.search(r"\b(is|not|the|too|has|of|in|stands|than)\b", said), "Vietnamese only"


@settings(max_examples=600)
@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_mutated_bytes_raise_the_parsers_own_error_or_nothing(chance: random.Random, changes: int) -> None:
    """No input of the network ends the hub."""
    data = bytearray(GOOD)
    for _ in range(changes):
        at, how = chance.randrange(len(data)), chance.randrange(4)
        if how == 0:
            data[at] = chance.randrange(256)
        elif how == 1:
            del data[at : at + chance.randrange(1, 40)]
        elif how == 2:
            start = chance.randrange(len(data))
            data[at:at] = data[start : start + 60]
        else:
            data[at:at] = chance.choice(
                [b"&#0;", b"<![CDATA[", b"]]>", b"<!--", b"&a;", b"\xed\xa0\x80", b"<a:b>", b'"', b"\0"]
            )
    _parse_or_refuse(bytes(data))


@given(st.binary(max_size=300))
def test_any_bytes_at_all_raise_the_parsers_own_error_or_nothing(data: bytes) -> None:
    """The same for noise."""
    _parse_or_refuse(data)


def _parse_or_refuse(data: bytes) -> None:
    try:
        alert: Any = parse_cap(data)
    except CapError:
        return
    assert parse_cap(write_cap(replace(alert, signed=False))) == replace(alert, signed=False)
