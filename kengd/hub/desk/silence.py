"""What it means that a post would not ring now if it were asked: mute, or only out of our reach (P9). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kengd.hub.roster import Seen, why_silent
from kengd.pages.language import Language, catalogue, noted

NEVER: Final = noted("Không nhận được lệnh từ đây: %(why)s")
LOST: Final = noted("Không nhận được lệnh từ đây: %(why)s. Nút ở điểm vẫn đánh được")
LOST_SOUNDING: Final = noted("Không nhận được lệnh từ đây: %(why)s, lúc ấy đang đánh. Nút ở điểm vẫn đánh được")
LOST_FAULTY: Final = noted("Không nhận được lệnh từ đây: %(why)s; trước đó: %(before)s")
MUTE: Final = noted("Sẽ không kêu: %(why)s")


@dataclass(frozen=True, slots=True)
class Silence:
    """`says`: the sentence, to be translated, `why` and `before` in their places. `mute`: the bell itself is silent."""

    says: str
    why: str
    before: str = ""
    mute: bool = False

    def sentence(self, language: Language) -> str:
        """All of it."""
        return catalogue(language).gettext(self.says) % {"why": self.why, "before": self.before}


def silence_of(seen: Seen, now_ms: int, *, line_up: bool = True) -> Silence | None:
    """None: nothing is known against it. A line that is lost silences no bell: its button and its hours go on without us."""
    why, status = why_silent(seen, now_ms, line_up=line_up), seen.status
    if why is None:
        return None
    if seen.heard_ms is None:
        return Silence(NEVER, why)
    faults = [" ".join(item.vi.split()) for item in status.conditions if item.severity == "critical"] if status else []
    if line_up and seen.is_present(now_ms):
        return Silence(MUTE, why, mute=True) if why in faults else Silence(LOST, why)
    if faults:
        return Silence(LOST_FAULTY, why, faults[0], mute=True)
    return Silence(LOST_SOUNDING if status is not None and status.sounding is not None else LOST, why)
