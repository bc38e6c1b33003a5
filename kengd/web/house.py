"""What every route of the post's page has at hand: the post, its keepers, who asks. One per application."""

from __future__ import annotations

import hmac
from typing import Annotated, Final

from fastapi import Depends, Request

from kengd.errors import KengdError
from kengd.ports import PostView
from kengd.web.devices import csrf_of
from kengd.web.keepers import Keeper, Keepers
from kengd.web.listeners import Listeners
from kengd.web.rings import Told, told

CSRF: Final = "X-Kengd-Csrf"
READ_BACK: Final = 300
"""So many of the newest entries are looked through for the last rings."""


class House:
    """Safe from any thread."""

    def __init__(self, post: PostView) -> None:
        self.post = post
        self.keepers = Keepers(post)
        self.listeners = Listeners()
        self._told: tuple[str, Told] | None = None

    def told(self) -> Told:
        """What the book says, read anew only when something has changed."""
        pulse = self.post.pulse()
        kept = self._told
        if kept is None or kept[0] != pulse:
            kept = self._told = (pulse, told(self.post.tail(READ_BACK)))
        return kept[1]

    def cookie(self, secure: bool) -> str:
        """The cookie's name. It carries the post's: browsers keep cookies by host, whatever the port. With TLS it comes from us alone."""
        name = f"kengd_keeper_{self.post.status()['post']}"
        return f"__Host-{name}" if secure else name

    def secret_of(self, request: Request) -> str | None:
        """What this browser holds."""
        return request.cookies.get(self.cookie(is_secure(request)))

    def keeper_of(self, request: Request) -> Keeper | None:
        """Whose device asks."""
        return self.keepers.of(self.secret_of(request))

    def writer(self, request: Request, *, hushing: bool = False) -> Keeper:
        """Who writes. `hushing`: a known device is enough. Raises KengdError `not_signed_in`, `pin_needed`, `csrf`."""
        keeper = self.keeper_of(request)
        if keeper is None:
            raise KengdError("not_signed_in", "chưa đăng nhập", cure="nhập mã PIN rồi làm lại", en="not signed in")
        given = request.headers.get(CSRF, "")
        wanted = csrf_of(self.secret_of(request) or "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode()):
            raise KengdError("csrf", "trang này đã cũ", cure="tải lại trang rồi làm lại", en="the page is out of date")
        if keeper.standing != "open" and not hushing:
            expired = keeper.standing == "expired"
            raise KengdError(
                "pin_needed",
                "đã lâu chưa nhập mã PIN trên máy này" if expired else "tệp mã PIN của điểm kẻng này không đọc được",
                cure=f"{'nhập mã PIN rồi làm lại' if expired else 'báo Công an xã'}; dừng kẻng thì không cần",
                en="give your PIN again on this device; to stop the bell it is not needed"
                if expired
                else "this post's PINs cannot be read; the bell can still be stopped",
            )
        return keeper


def is_secure(request: Request) -> bool:
    """Over TLS."""
    return request.url.scheme == "https"


def house_of(request: Request) -> House:
    """The house of this application."""
    house: House = request.app.state.house
    return house


def writing(request: Request) -> Keeper:
    """Who writes."""
    return house_of(request).writer(request)


def hushing(request: Request) -> Keeper:
    """Who stops the sound: a device that a keeper has used, however long ago, as long as his PIN is the same."""
    return house_of(request).writer(request, hushing=True)


At = Annotated[House, Depends(house_of)]
Writing = Annotated[Keeper, Depends(writing)]
Hushing = Annotated[Keeper, Depends(hushing)]
