"""Errors of the hub's rooms as the shell says them: with the command that mends them, where the desk's words name a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from kengd.errors import KengdError, UsageError

CURES: Final[Mapping[str, str]] = {
    "unknown_post": "xem các điểm: kengd hub posts",
    "unknown_incident": "xem các vụ việc: kengd hub incidents --all",
    "already_taken": "xem các vụ việc đang mở: kengd hub incidents",
    "no_such_officer": "xem danh sách: kengd hub users list",
    "last_admin": "thêm một quản trị khác trước: kengd hub users add TÊN_ĐĂNG_NHẬP --name HỌ_TÊN --role admin",
    "id_reused": "gõ lại lệnh này",
    "locked": "mở khoá rồi phát lại: kengd hub hush --unlock; nút ở thôn vẫn kêu được",
    "bad_first": "ghi cả --first và --gap, hoặc bỏ cả hai",
    "bad_at": "ghi --at bằng giây Unix, ví dụ một phút nữa: --at $(($(date +%s) + 60)); hoặc bớt --gap",
}
"""Code → what to do at a shell."""


@contextmanager
def at_shell() -> Iterator[None]:
    """What is raised inside, with cures for somebody who has no page. Raises KengdError, UsageError."""
    from kengd.hub.called import called
    from kengd.hub.ledger.store import TROUBLE, ledger_trouble
    from kengd.wire.orders import Unfit
    from kengd.wire.reasons import SENTENCES

    try:
        yield
    except KengdError as wrong:
        wrong.cure = called(CURES.get(wrong.code, wrong.cure))
        raise
    except Unfit as wrong:
        vi, en = SENTENCES[wrong.reason]
        raise UsageError("unfit", vi, cure="sửa lại lệnh rồi gõ lại", en=en) from wrong
    except TROUBLE as wrong:
        if isinstance(wrong, OSError):  # of the shell's own files, a broken pipe: not the ledger's
            raise
        raise ledger_trouble() from wrong
