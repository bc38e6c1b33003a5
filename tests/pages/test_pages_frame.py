"""What all pages stand in: files that a browser may keep, blows as data, texts of strangers that stay texts."""

from __future__ import annotations

import gzip
import json
import re
from html import unescape
from pathlib import Path

import pytest

from kengd.bellcode.codebooks import builtin
from kengd.bellcode.heat import closed_spans
from kengd.bellcode.layout import lay_out
from kengd.bellcode.profile import SirenProfile, StrikerProfile
from kengd.bellcode.score import Score
from kengd.hub.desk.pages.page import FRAME
from kengd.pages.assets import Assets
from kengd.pages.blows import score_data
from kengd.pages.frame import Frame, data, moment, stamp

DAY_MS = 86_400_000


def test_a_file_is_served_under_a_digest_of_all_and_packed() -> None:
    """A browser keeps it for good: another content has another address."""
    assets = Assets()
    css = assets.find("kengd.css")
    assert css is not None and gzip.decompress(css.packed) == css.content and css.kind.startswith("text/css")
    assert assets.url("kengd.css") == f"/static/{assets.digest}/kengd.css"
    assert assets.find("../frame.py") is None
    with pytest.raises(KeyError):
        assets.url("no.css")


def test_a_page_names_all_its_modules_at_once_and_only_those(tmp_path: Path) -> None:
    """A poor line: one journey for all of them, not one for each that names the next."""
    for place, name, text in (
        ("static", "a.js", 'import {\n  one,\n  two,\n} from "./b.js";\n'),
        ("static", "b.js", 'import "./c.js";\nimport { say } from "./say.js";\n'),
        ("static", "c.js", 'import { one } from "./b.js";\n'),
        ("static", "d.js", ""),
        ("templates", "page.html", '<head></head><script type="module" src="{{ asset(\'a.js\') }}"></script>'),
    ):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / name).write_text(text)
    html = Frame((tmp_path,)).render("page.html", "vi")
    assert re.findall(r'rel="modulepreload" href="/static/[^/]+/([^"]+)"', html) == ["a.js", "b.js", "c.js", "say.js"]
    assert html.index("modulepreload") < html.index("</head>") < html.index('type="module"')


def test_every_import_of_every_module_is_found() -> None:
    """However it is written; a dynamic one would be fetched late and is not used."""
    for name in [one for one in FRAME.assets._files if one.endswith(".js")]:
        source = FRAME.assets._files[name].content.decode()
        direct = set(re.findall(r'from\s+"\./([^"]+)"|import\s+"\./([^"]+)"', source))
        assert {a or b for a, b in direct} <= set(FRAME.assets.needed(name)) and "import(" not in source, name


@pytest.mark.parametrize("profile", [StrikerProfile(), SirenProfile()], ids=["striker", "siren"])
def test_blows_as_data_are_the_blows_of_the_score(profile: StrikerProfile | SirenProfile) -> None:
    """P5: what is drawn is what the relay does, in every round of it."""
    for signal in builtin("cong_lac").signals.values():
        score = lay_out(signal.pattern, profile, limit_ms=300_000)
        told = score_data(score)
        until_ms = score.duration_ms or score.lead_ms + 3 * score.cycle_ms
        assert [span for span in _played(told, until_ms) if span[1] <= until_ms] == [
            list(span) for span in closed_spans(score, until_ms) if span[1] <= until_ms and span[1] != span[0]
        ], signal.id


def _played(told: dict[str, object], until_ms: int) -> list[list[int]]:
    """As bell.js reads it."""
    lead, cycle = json.loads(json.dumps([told["lead"], told["cycle"]]))
    lead_ms, cycle_ms = int(str(told["lead_ms"])), int(str(told["cycle_ms"]))
    found: list[list[int]] = list(lead)
    start = lead_ms
    while cycle_ms and start < until_ms:
        found += [[start + on, start + off] for on, off in cycle]
        start += cycle_ms
    return found


def test_an_empty_score_is_no_blow() -> None:
    """Nothing to draw."""
    assert score_data(Score((), 0)) == {"lead": [], "lead_ms": 0, "cycle": [], "cycle_ms": 0}


def test_what_comes_from_people_stays_text_in_an_attribute() -> None:
    """R53: a reason may contain anything."""
    told = str(data({"why": '"><script>&'}))
    assert not set(told) & set('<>"') and json.loads(unescape(told)) == {"why": '"><script>&'}


def test_moments_are_the_villages() -> None:
    """Asia/Ho_Chi_Minh on the page, UTC for the machine."""
    assert (moment(20_000 * DAY_MS), stamp(20_000 * DAY_MS)) == ("07:00 4/10/2024", "2024-10-04T00:00:00Z")
