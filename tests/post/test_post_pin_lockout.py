"""H8, P3: whatever was tried at the page of a post, the button on its wall rings and stops, and so does a phone that is signed in."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

from kengd.web.devices import csrf_of
from kengd.web.house import CSRF
from tests.post.conftest import NewPost
from tests.post.village import Post
from tests.web.paper_post import PIN_OF, PINS, THAI


def phone_of_a_keeper(post: Post) -> dict[str, str]:
    """Signed in: what its browser sends from then on."""
    line = http.client.HTTPConnection("127.0.0.1", post.web_port, timeout=5)
    line.request("POST", "/api/keeper/session", json.dumps({"pin": PIN_OF[THAI]}), {"Content-Type": "application/json"})
    cookie = str(line.getresponse().getheader("set-cookie")).partition(";")[0]
    line.close()
    return {"Cookie": cookie, CSRF: csrf_of(cookie.partition("=")[2])}


def test_a_pin_lock_out_never_blocks_the_button_nor_a_known_phones_stop(new_post: NewPost, tmp_path: Path) -> None:
    """Sign-ins wait; a press rings, a press stops, his phone stops."""
    pins = tmp_path / "web.pins"
    pins.write_text(PINS)
    post = new_post(web=f'pins = "{pins}"').start()
    phone = phone_of_a_keeper(post)

    def signs_in(pin: str) -> int:
        return post.http("POST", "/api/keeper/session", {"pin": pin}, **phone)[0]

    assert [signs_in(f"00000{n}") for n in range(6)] == [403] * 5 + [429]
    post.rings(since_ns=post.press())
    post.press("hush")
    post.rests()
    post.rings(since_ns=post.press())
    assert post.http("POST", "/api/keeper/hush", **phone)[0] == 200
    post.rests()
