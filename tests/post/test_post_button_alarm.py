"""P3: a button alarm needs no network, hub, page, database, trusted clock or office, nor settings edited wrongly since."""

from __future__ import annotations

import signal
from pathlib import Path
from statistics import median

import pytest

from tests.broker import Broker, free_port
from tests.post.conftest import NewPost
from tests.post.hub import Hub, until
from tests.post.village import HOLD_MS, Post


def press_to_stroke_ms(post: Post) -> float:
    """From the press to the first edge; the alarm is hushed again."""
    pressed_ns = post.press()
    post.rings(since_ns=pressed_ns)
    first_ns = next(t_ns for t_ns, on in list(post.edges) if on and t_ns >= pressed_ns)
    post.shell(do="hush")
    post.rests()
    return (first_ns - pressed_ns) / 1e6


def test_a_press_rings_after_its_hold_time_without_broker_hub_and_clock(new_post: NewPost) -> None:
    """P3, R36: hold time + 20 ms is the promise; the bound here is wide for a busy machine. H23: it says what is missing."""
    post = new_post(id="alone", finger=(), clock="", shim=True).start(ready=False)
    late_ms = []
    for _ in range(7):
        late_ms.append(press_to_stroke_ms(post) - HOLD_MS)
    print(f"hold + {median(late_ms):.1f} ms (median of {len(late_ms)}), worst + {max(late_ms):.1f} ms")
    assert min(late_ms) >= -1, "it fired before its hold time"
    assert median(late_ms) <= 40
    until(lambda: {"no_broker", "no_hub_keys"} & post.conditions(), 15, "it says what is missing")
    assert "clock_untrusted" in post.conditions()


def test_a_press_rings_while_nobody_answers_at_the_brokers_port(new_post: NewPost) -> None:
    """P3: the broker is away; `line_down` is shown."""
    post = new_post(id="away", broker_port=free_port(), finger=()).start(ready=False)
    press_to_stroke_ms(post)
    until(lambda: "line_down" in post.conditions(), 15, "line_down")
    press_to_stroke_ms(post)


def test_a_press_rings_while_the_broker_refuses_the_post(new_post: NewPost, tmp_path: Path) -> None:
    """P3: a broker that knows nobody."""
    with Broker(tmp_path / "refusing", anonymous=False) as broker:
        post = new_post(id="refused", broker_port=broker.port, finger=()).start(ready=False)
        until(lambda: "line_down" in post.conditions(), 15, "line_down")
        press_to_stroke_ms(post)


def test_a_press_rings_while_the_office_is_dead_and_is_written_when_it_is_back(new_post: NewPost, hub: Hub) -> None:
    """P3, P7: kill -9 of the office; the entries wait in the spool."""
    post = new_post(id="no-office", hub=hub, finger=()).start()
    post.kill_office()
    pressed_ns = post.press()
    post.rings(since_ns=pressed_ns)
    until(lambda: "office_down" in post.conditions() or post.healthy(), 5, "office_down")
    hub.wrote(post.id, lambda each: each["kind"] == "ringing", 15)
    until(post.healthy, 15, "back")
    assert post.sounding() is not None


def test_a_post_whose_office_cannot_start_rings_hushes_and_obeys_the_shell(new_post: NewPost) -> None:
    """P3: `office_down`; press, hush button, `kengd ring` and `kengd hush` work; a later office writes all of it."""
    post = new_post(id="never", finger=("no-office",)).start(ready=False)
    pressed_ns = post.press()
    post.rings(since_ns=pressed_ns)
    hushed_ns = post.press("hush", 120)
    post.rests()
    assert post.edges[-1][0] - hushed_ns < 1_000_000_000
    assert post.kengd("ring", "meeting").returncode == 0
    post.rings(since_ns=hushed_ns + 1)
    assert post.kengd("hush").returncode == 0
    until(lambda: "office_down" in post.conditions(), 5, "office_down")
    assert post.stop() == 0
    post.write_settings(finger=())
    post.start(ready=False)
    until(lambda: _listens(post), 15, "page")
    post.wrote("started", after_seq=3, within_s=10)
    kinds = [kind for kind in post.kinds() if kind[0] in ("ringing", "cut", "stopped", "finished")]
    assert kinds == [("ringing", None), ("cut", "hushed"), ("ringing", None), ("cut", "hushed"), ("stopped", None)]


def _listens(post: Post) -> bool:
    try:
        return post.http("GET", "/healthz")[0] in (200, 503)
    except OSError:
        return False


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(lambda text: text.replace("[gpio.relay]", "[gpio.relay"), id="no TOML any more"),
        pytest.param(lambda text: text.replace("pin = 17", "pin = 99"), id="a pin that does not exist"),
        pytest.param(lambda text: text + "\n[surprise]\nkey = 1\n", id="an unknown table"),
    ],
)
def test_settings_edited_wrongly_do_not_stop_the_post(new_post: NewPost, break_it: object) -> None:
    """P3: it starts on the last settings that worked and raises `settings_invalid`; put right, the condition is gone."""
    assert callable(break_it)
    post = new_post(id="edited", finger=()).start(ready=False)
    assert post.stop() == 0
    good = post.config.read_text()
    post.config.write_text(break_it(good))
    post.trouble_expected = True
    post.start(ready=False)
    assert "settings_invalid" in post.conditions()
    press_to_stroke_ms(post)
    post.config.write_text(good)
    post.signal(signal.SIGHUP)
    until(lambda: "settings_invalid" not in post.conditions(), 10, "put right")


def test_a_first_start_with_a_bad_hub_key_arms_the_buttons_and_says_what_is_wrong(new_post: NewPost, hub: Hub) -> None:
    """H23: mistakes in the office's part do not keep the bell from ringing, also without a last good start."""
    post = new_post(id="first", hub=hub, finger=())
    post.trouble_expected = True
    post.config.write_text(post.config.read_text().replace(hub.public, "kein-schluessel"))
    post.start(ready=False)
    assert "settings_invalid" in post.conditions()
    press_to_stroke_ms(post)
