"""Cán bộ và phân quyền: who may do what, made and changed by who looks after people; and everybody's own affairs."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from kengd.errors import KengdError
from kengd.hub.desk.desk import Desk, desk_of
from kengd.hub.desk.forms import AnyId
from kengd.hub.desk.pages.page import Looking, page
from kengd.hub.desk.sessions import officer_view
from kengd.hub.people.words import ACTS, ROLE_VI, ROLES, Act, Caller, Role, may
from kengd.pages.language import noted

router = APIRouter(include_in_schema=False)
ROLE_NAMES: Final[dict[Role, str]] = {
    "duty": noted("trực ban"), "chief": noted("chỉ huy"), "admin": noted("quản trị"),
}  # fmt: skip
ACT_NAMES: Final[dict[Act, str]] = {
    "ring": noted("Đánh kẻng ở từng điểm, thôn, nhóm"),
    "hush": noted("Dừng kẻng"),
    "acknowledge": noted("Nhận xử lý, báo hết báo động, nhận ca"),
    "outcome": noted("Ghi kết quả vụ việc"),
    "ring_all": noted("Đánh kẻng tất cả các điểm"),
    "people": noted("Thêm, sửa cán bộ, thôn, người giữ kẻng"),
    "silence": noted("Tạm ngừng kẻng thường lệ, khóa nút hỏng"),
    "codebook": noted("Đổi bảng hiệu lệnh, giờ kẻng"),
    "enrol": noted("Lập, thay, thu hồi điểm kẻng"),
    "keys": noted("Khóa ký lệnh, chứng thư"),
    "backup": noted("Sao lưu, khôi phục"),
    "settings": noted("Cài đặt máy trực ban"),
    "audit": noted("Xem nhật ký việc làm, xác nhận sổ mới"),
}
BROWSERS: Final = (
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("coc_coc", "Cốc Cốc"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS: Final = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
"""What stands in a browser's own description; the first that is there counts."""
assert ROLE_NAMES == ROLE_VI and set(ACT_NAMES) == set(ACTS)


@router.get("/can-bo")
def officers(request: Request, caller: Looking, nghi: bool = False) -> HTMLResponse:
    """All in service, in their order of calling; `nghi`: those who have left too, for who looks after people."""
    caller.require_awake()
    whole = caller.why_not("people") is None
    found = desk_of(request).people.officers(ended=nghi and whole)
    return page(
        request, "people.html", caller, officers=[officer_view(one, whole=True) for one in found], whole=whole, ended=nghi,
        table=[(ACT_NAMES[act], [may(role, act) for role in ROLES]) for act in ACTS], **_roles(caller),
    )  # fmt: skip


@router.get("/can-bo/toi")
def own(request: Request, caller: Looking) -> HTMLResponse:
    """Password, PIN, devices, tokens."""
    caller.require_awake()
    people = desk_of(request).people
    devices = [
        {"one": one, "name": device_name(one.device), "here": one.id == caller.session}
        for one in people.devices(caller)
    ]
    return page(
        request, "people_own.html", caller, officer=officer_view(caller.officer, whole=True), devices=devices,
        tokens=people.tokens(caller), **_roles(caller),
    )  # fmt: skip


@router.get("/can-bo/{officer}")
def officer_page(officer: AnyId, request: Request, caller: Looking) -> HTMLResponse:
    """One of them, for who looks after people."""
    caller.require("people")
    desk = desk_of(request)
    found = desk.people.officer(officer)
    if found is None:
        raise KengdError("no_such_officer", "không có cán bộ này", cure="mở lại danh sách cán bộ", en="no such officer")
    below = ROLES.index(found.role) <= ROLES.index(caller.role)
    return page(
        request, "people_one.html", caller, officer=officer_view(found, whole=True), below=below,
        **_machines(desk, caller, officer), **_roles(caller),
    )  # fmt: skip


def device_name(label: str) -> str:
    """What a browser says of itself, as far as people can use it: "Chrome, Android"."""
    browser = next((name for sign, name in BROWSERS if sign in label), None)
    system = next((name for sign, name in SYSTEMS if sign in label), None)
    return ", ".join(name for name in (browser, system) if name) if browser or system else label[:60]


def _machines(desk: Desk, caller: Caller, officer: str) -> dict[str, Any]:
    devices = [{"one": one, "name": device_name(one.device)} for one in desk.people.devices_of(caller, officer)]
    return {"devices": devices, "tokens": desk.people.tokens(caller, officer)}


def _roles(caller: Caller) -> dict[str, Any]:
    """`givable`: nobody gives more than they have."""
    return {"role_names": ROLE_NAMES, "givable": ROLES[: ROLES.index(caller.role) + 1]}
