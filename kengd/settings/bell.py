"""The bell's profile in the settings: `[bell]`, a striker or a siren. Defaults are those of `kengd.bellcode.profile`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from kengd.bellcode.profile import SirenProfile, StrikerProfile
from kengd.settings.field import Section, setting

STRIKER = StrikerProfile()
SIREN = SirenProfile()


def _ms(default: int, lowest: int, highest: int, vi: str, en: str) -> Any:
    return setting(default, vi, en, unit="ms", ge=lowest, le=highest)


class Striker(Section):
    """Búa gõ kẻng do rơ-le đóng mở."""

    kind: Literal["striker"] = setting("striker", "búa gõ kẻng", "a hammer moved by a relay")
    hold_ms: int = _ms(
        STRIKER.hold_ms, 20, 400, "búa được đóng điện bao lâu cho một tiếng", "how long the coil is driven for one blow"
    )
    shortest_gap_ms: int = _ms(
        STRIKER.shortest_gap_ms,
        30,
        2_000,
        "nghỉ ít nhất giữa hai tiếng, để búa kịp về",
        "least rest between two blows, so that the hammer falls back",
    )
    longest_stroke_ms: int = _ms(
        STRIKER.longest_stroke_ms,
        50,
        2_000,
        "không bao giờ đóng điện lâu hơn mức này (cuộn hút cháy: H4)",
        "never driven longer than this (a burnt coil: H4)",
    )
    steady_every_ms: int = _ms(
        STRIKER.steady_every_ms, 100, 10_000, "nhịp đều: từ tiếng này tới tiếng sau", "steady tempo: from blow to blow"
    )
    slow_every_ms: int = _ms(STRIKER.slow_every_ms, 200, 20_000, "nhịp thong thả", "slow tempo")
    urgent_every_ms: int = _ms(STRIKER.urgent_every_ms, 100, 5_000, "nhịp dồn dập", "urgent tempo")
    quickening_from_ms: int = _ms(
        STRIKER.quickening_from_ms, 100, 10_000, "nhịp nhanh dần: lúc đầu", "quickening tempo: at first"
    )
    quickening_to_ms: int = _ms(
        STRIKER.quickening_to_ms, 100, 10_000, "nhịp nhanh dần: lúc cuối", "quickening tempo: at last"
    )
    long_round_ms: int = _ms(STRIKER.long_round_ms, 2_000, 120_000, "một hồi dài kéo bao lâu", "length of a long round")
    short_round_ms: int = _ms(
        STRIKER.short_round_ms, 1_000, 60_000, "một hồi ngắn kéo bao lâu", "length of a short round"
    )
    duty_on_ms: int = _ms(
        STRIKER.duty_on_ms,
        1_000,
        600_000,
        "tổng thời gian đóng điện cho phép trong một cửa sổ (cuộn hút nóng)",
        "driven time allowed within one window (the coil's heat)",
    )
    duty_window_ms: int = _ms(
        STRIKER.duty_window_ms, 5_000, 3_600_000, "cửa sổ tính độ nóng", "window of the duty cycle"
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """A blow must be playable at each tempo."""
        if self.hold_ms > self.longest_stroke_ms:
            raise ValueError(
                f"hold_ms ({self.hold_ms}) không được dài hơn longest_stroke_ms ({self.longest_stroke_ms})"
            )
        fastest = self.hold_ms + self.shortest_gap_ms
        _tempos_fit(self, fastest, f"hold_ms + shortest_gap_ms = {fastest} ms")
        return self

    def profile(self) -> StrikerProfile:
        """The plain profile."""
        return StrikerProfile(**self.model_dump())


class Siren(Section):
    """Còi hú (mô-tơ hoặc điện tử)."""

    kind: Literal["siren"] = setting(..., "còi hú", "a motor or electronic siren")
    shortest_blast_ms: int = _ms(
        SIREN.shortest_blast_ms, 100, 30_000, "tiếng hú ngắn nhất còi chịu được", "shortest blast the siren can make"
    )
    shortest_gap_ms: int = _ms(
        SIREN.shortest_gap_ms, 50, 30_000, "nghỉ ít nhất giữa hai tiếng hú", "least rest between two blasts"
    )
    spin_up_ms: int = _ms(SIREN.spin_up_ms, 0, 15_000, "từ lúc đóng điện tới lúc kêu to", "from power to full loudness")
    longest_continuous_ms: int = _ms(
        SIREN.longest_continuous_ms,
        1_000,
        600_000,
        "không bao giờ hú liền lâu hơn mức này (P2)",
        "never blown longer in one go (P2)",
    )
    blast_ms: int = _ms(SIREN.blast_ms, 100, 60_000, "một tiếng còi dài bao lâu", "length of one stroke (a blast)")
    steady_every_ms: int = _ms(SIREN.steady_every_ms, 200, 60_000, "nhịp đều", "steady tempo")
    slow_every_ms: int = _ms(SIREN.slow_every_ms, 200, 120_000, "nhịp thong thả", "slow tempo")
    urgent_every_ms: int = _ms(SIREN.urgent_every_ms, 200, 60_000, "nhịp dồn dập", "urgent tempo")
    quickening_from_ms: int = _ms(
        SIREN.quickening_from_ms, 200, 60_000, "nhịp nhanh dần: lúc đầu", "quickening tempo: at first"
    )
    quickening_to_ms: int = _ms(
        SIREN.quickening_to_ms, 200, 60_000, "nhịp nhanh dần: lúc cuối", "quickening tempo: at last"
    )
    long_round_ms: int = _ms(SIREN.long_round_ms, 2_000, 300_000, "một hồi dài kéo bao lâu", "length of a long round")
    short_round_ms: int = _ms(
        SIREN.short_round_ms, 1_000, 120_000, "một hồi ngắn kéo bao lâu", "length of a short round"
    )
    duty_on_ms: int = _ms(
        SIREN.duty_on_ms,
        1_000,
        3_600_000,
        "tổng thời gian hú cho phép trong một cửa sổ",
        "blowing time allowed within one window",
    )
    duty_window_ms: int = _ms(
        SIREN.duty_window_ms, 5_000, 14_400_000, "cửa sổ tính độ nóng", "window of the duty cycle"
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """A blast must be playable at each tempo."""
        if not self.shortest_blast_ms <= self.blast_ms <= self.longest_continuous_ms:
            raise ValueError("cần shortest_blast_ms ≤ blast_ms ≤ longest_continuous_ms")
        fastest = self.blast_ms + self.shortest_gap_ms
        _tempos_fit(self, fastest, f"blast_ms + shortest_gap_ms = {fastest} ms")
        return self

    def profile(self) -> SirenProfile:
        """The plain profile."""
        return SirenProfile(**self.model_dump())


def _tempos_fit(bell: Striker | Siren, fastest: int, said: str) -> None:
    for name in ("steady_every_ms", "slow_every_ms", "urgent_every_ms", "quickening_from_ms", "quickening_to_ms"):
        if getattr(bell, name) < fastest:
            raise ValueError(f"{name} ({getattr(bell, name)}) nhanh hơn búa/còi chịu được ({said})")
    if bell.quickening_to_ms > bell.quickening_from_ms:
        raise ValueError("nhanh dần mà quickening_to_ms lại dài hơn quickening_from_ms")
    if bell.short_round_ms > bell.long_round_ms:
        raise ValueError("short_round_ms không được dài hơn long_round_ms")
    if bell.duty_on_ms > bell.duty_window_ms:
        raise ValueError("duty_on_ms không được dài hơn duty_window_ms")


Bell = Annotated[Striker | Siren, Field(discriminator="kind")]
