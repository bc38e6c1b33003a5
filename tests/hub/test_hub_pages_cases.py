"""Incidents on the officers' pages: what hết báo động ends is read first, then followed to each post."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kengd.duty.standing import Sounding
from kengd.duty.words import Purpose, Source
from kengd.hub.service import wall_ms
from tests.hub.desk_kit import Station, station, text
from tests.hub.test_hub_pages import seen


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Station]:
    made = station(tmp_path)
    yield made
    made.hub.ledger.close()


def test_what_the_all_clear_ends_is_named_before_it_is_held(hub: Station) -> None:
    """H16: village, posts, households; also a post that was rung for it by an order of its own; what sounds for another reason is
    said, and who would not get it."""
    incident = hub.pressed("an-lao")
    form = {"id": "ring-00001", "signal": "support", "purpose": "actual", "why": "vây", "posts": ["bo-trang"]}
    assert hub.admin.post("/api/rings", form | {"incident": incident}).status_code == 201
    hub.answers("ring-00001", "bo-trang", "received", "ringing")
    hub.status("an-lao")
    hub.status("bo-trang")
    hub.absent("bo-trang")
    hub.status("cau-ngang", sounding=Sounding("cn-0001", "alarm", Purpose.ACTUAL, Source.BUTTON, wall_ms()))
    html = seen(hub.admin, f"/phan/het/{incident}")
    said = text(html)
    assert "Hết báo động: Thôn An Lão" in said
    assert "hết báo động ở 2 điểm: Điểm An Lão, Điểm Bồ Tràng. 200 hộ nghe thấy." in said
    assert "✗ Điểm Bồ Tràng: Không nhận được lệnh từ đây" in said
    assert "Đang đánh vì việc khác, không dừng: Điểm Cầu Ngang" in said
    assert f'data-hold-act="/api/incidents/{incident}/all-clear"' in html
    for page in (seen(hub.admin, "/"), seen(hub.admin, f"/vu-viec/{incident}")):
        assert f'data-clear="/phan/het/{incident}"' in page and "data-sure" not in page
    assert hub.admin.get("/phan/het/khong-co").json()["error"] == "unknown_incident"


def test_the_all_clear_is_followed_to_each_post_on_the_page_of_its_incident(hub: Station) -> None:
    """R65: first who is waited for, then what each has said; orders by their time and name; the outcome stands below."""
    incident = hub.pressed("an-lao")
    hub.status("an-lao")
    assert hub.admin.post(f"/api/incidents/{incident}/all-clear", {"id": hub.act()}).status_code == 200
    waits = text(seen(hub.admin, f"/vu-viec/{incident}"))
    assert "Điểm An Lão: chờ kẻng dứt tiếng rồi mới đánh" in waits and "Ghi kết quả" in waits
    hub.hears("an-lao", "cut", activation="an-0001", reason="hushed")
    hub.hub.clearings.all_clears(wall_ms())
    part = seen(hub.admin, f"/phan/vu-viec/{incident}")
    assert re.search(r'Điểm An Lão: <a href="/lenh/clear-[0-9a-f]+">đã gửi', part), part
    assert "chờ kẻng dứt" not in part and re.search(r"\d\d:\d\d Hết báo động</a>", part), part
    assert "data-clear" not in part


def test_further_orders_for_an_incident_belong_to_it(hub: Station) -> None:
    """H16: its page leads to an order that its all-clear ends too."""
    incident = hub.pressed("an-lao")
    assert f'href="/danh-keng?incident={incident}"' in seen(hub.admin, f"/vu-viec/{incident}")
    html = seen(hub.admin, "/danh-keng", incident=incident)
    assert f'data-incident="{incident}"' in html and "thuộc một vụ việc đang mở" in html
    assert "data-incident" not in seen(hub.admin, "/danh-keng")


def test_open_cases_stand_before_the_form(hub: Station) -> None:
    """What has to be done is seen first."""
    incident = hub.pressed("an-lao")
    html = seen(hub.admin, "/vu-viec")
    assert html.index(f'href="/vu-viec/{incident}"') < html.index('id="tin-bao"')
    assert "Đang mở: Thôn An Lão" in text(html) and "chưa ai nhận xử lý" in text(html)
    hub.admin.post(f"/api/incidents/{incident}/all-clear", {"id": hub.act()})
    assert "Đang mở:" not in seen(hub.admin, "/vu-viec")
