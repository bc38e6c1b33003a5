"""Do the pins rest before kengd runs, and are they its own? Source of `gpio=`: documentation/…/config_txt/gpio.adoc."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kengd.firmware.config import CONFIG, FRAGMENT, Line, Reading
from kengd.firmware.finding import Colour, Finding
from kengd.firmware.taken import Taker
from kengd.firmware.wiring import FORBIDDEN, PULLED_UP_AT_RESET, RISKY, Use

REWRITE = f"kengd firmware | sudo tee /boot/firmware/{FRAGMENT}, rồi khởi động lại"
_WORDS = frozenset(("ip", "op", "dh", "dl", "pu", "pd", "pn", "np", "a0", "a1", "a2", "a3", "a4", "a5"))
_PINS = range(54)


@dataclass(frozen=True, slots=True)
class Resting:
    """How a pin stands after all `gpio=` lines. `mode`: ip, op, a0–a5 or None = untouched; `level`: dh, dl; `pull`: pu, pd, pn."""

    mode: str | None = None
    level: str | None = None
    pull: str | None = None
    line: Line | None = None

    def pulled_up(self, pin: int) -> bool:
        """Whether the pull is upwards: said so, or so from reset and never changed."""
        return self.pull == "pu" or (self.pull is None and pin in PULLED_UP_AT_RESET)


def pin_findings(reading: Reading, uses: tuple[Use, ...], takers: tuple[Taker, ...]) -> Iterator[Finding]:
    """Everything about pins."""
    bad: list[Finding] = []
    standing = _standing(reading.given("gpio"), bad)
    yield from bad
    for use in uses:
        resting = standing.get(use.pin, Resting())
        yield from _place(use)
        yield from {"relay": _relay, "button": _contact, "input": _contact, "lamp": _lamp}[use.kind](use, resting)
        yield from _clashes(use, takers)


def _standing(lines: list[Line], bad: list[Finding]) -> Mapping[int, Resting]:
    """Each pin after all lines; a later line overrides what it names and leaves the rest."""
    standing: dict[int, Resting] = {}
    for line in lines:
        pins, words = _gpio(line)
        wrong = [word for word in words if word not in _WORDS]
        if not pins or not words or wrong:
            bad.append(
                line.finding(
                    "yellow", "gpio_not_understood", f'không hiểu dòng "gpio={line.value[:40]}"', "viết như gpio=17=op,dl",
                    f"gpio={line.value[:40]} not understood",
                )
            )  # fmt: skip
        for pin in pins:
            standing[pin] = _after(standing.get(pin, Resting()), words, line)
    return standing


def _gpio(line: Line) -> tuple[list[int], list[str]]:
    """`17,22-24=op,dl` → ([17, 22, 23, 24], ["op", "dl"]); no pins when they cannot be read."""
    where, _, what = line.value.partition("=")
    pins: list[int] = []
    for part in where.split(","):
        first, dash, last = part.strip().partition("-")
        ends = [
            int(end) for end in ((first, last) if dash else (first, first)) if end.strip().isdecimal() and len(end) < 4
        ]
        if len(ends) != 2 or not all(end in _PINS for end in ends):
            return [], []
        pins += range(ends[0], ends[1] + 1)
    return pins, [word.strip().lower() for word in what.split(",") if word.strip()]


def _after(before: Resting, words: list[str], line: Line) -> Resting:
    mode, level, pull = before.mode, before.level, before.pull
    for word in words:
        if word in ("dh", "dl"):
            level = word
        elif word in ("pu", "pd"):
            pull = word
        elif word in ("pn", "np"):
            pull = "pn"
        elif word in _WORDS:
            mode = word
    return Resting(mode, level, pull, line)


def _place(use: Use) -> Iterator[Finding]:
    """A relay stands only where the machine leaves it alone from the first instant (R10)."""
    if use.kind != "relay":
        return
    if use.pin in FORBIDDEN:
        yield _about_settings(
            "red", "relay_forbidden_pin", f"rơ-le ở GPIO{use.pin}, là chân của {FORBIDDEN[use.pin]}: rơ-le sẽ giật",
            "nối rơ-le vào GPIO 17, 22, 27, 16, 20, 21, 25 hoặc 26 và sửa gpio.relay.pin",
            f"the relay is on GPIO{use.pin}, which moves while the machine boots",
        )  # fmt: skip
        return
    if use.pin in RISKY:
        yield _about_settings(
            "yellow", "relay_risky_pin", f"rơ-le ở GPIO{use.pin}, là chân của {RISKY[use.pin]}: bật lên thì rơ-le giật",
            "nên nối rơ-le vào GPIO 17, 22, 27, 16, 20, 21, 25 hoặc 26",
            f"the relay is on GPIO{use.pin}, shared with another function",
        )  # fmt: skip
    if use.rests_high != (use.pin in PULLED_UP_AT_RESET):
        level = "cao" if use.rests_high else "thấp"
        yield _about_settings(
            "red", "relay_against_reset_pull",
            f"rơ-le nghỉ ở mức {level} nhưng GPIO{use.pin} tự sang mức ngược lại mỗi lần bật điện: kẻng tự kêu vài giây",
            "rơ-le đóng ở mức thấp: nối vào GPIO 4, 5 hoặc 6; đóng ở mức cao: nối vào GPIO 17, 22 hoặc 27",
            f"the relay rests {'high' if use.rests_high else 'low'}, but GPIO{use.pin} is pulled the other way from reset",
        )  # fmt: skip


def _relay(use: Use, resting: Resting) -> Iterator[Finding]:
    """P1: at rest from the firmware stage on."""
    wanted = f"gpio={use.pin}={use.gpio}"
    if resting.line is None:
        yield Finding(
            "yellow", "relay_not_set", CONFIG, None, f'chưa có dòng "{wanted}": rơ-le chỉ nghỉ nhờ điện trở kéo trong chip', REWRITE,
            f"no line {wanted}: the relay rests by the chip's own pull only",
        )  # fmt: skip
        return
    level = use.gpio.removeprefix("op,")
    harmless_pull = (
        resting.mode in (None, "ip") and resting.pull != "pn" and resting.pulled_up(use.pin) == use.rests_high
    )
    if (resting.mode != "op" or resting.level != level) and not harmless_pull:
        yield resting.line.finding(
            "red", "relay_driven", f"dòng này không giữ rơ-le ở mức nghỉ (cần {wanted})", REWRITE,
            f"this line does not keep the relay at rest (wanted: {wanted})",
        )  # fmt: skip
    elif resting.line.applies == "maybe":
        yield resting.line.finding(
            "yellow", "relay_not_sure", "dòng này chỉ có tác dụng trong một số trường hợp", "đặt nó dưới [all]",
            "this line applies in some cases only",
        )  # fmt: skip


def _contact(use: Use, resting: Resting) -> Iterator[Finding]:
    """A contact to ground needs its pull-up, a contact to 3.3 V its pull-down; a driven pin is a short circuit."""
    wanted = f"gpio={use.pin}={use.gpio}"
    if resting.line is not None and resting.mode not in (None, "ip"):
        yield resting.line.finding(
            "red", "contact_driven", f"GPIO{use.pin} là {use.vi} nhưng dòng này biến nó thành đầu ra: bấm là chập",
            REWRITE, f"GPIO{use.pin} is {use.en}, but this line drives it: closing the contact shorts it",
        )  # fmt: skip
    elif resting.pull == "pn" or resting.pulled_up(use.pin) != use.rests_high:
        how = "lên" if use.rests_high else "xuống"
        yield Finding(
            "yellow", "contact_without_pull",
            resting.line.file if resting.line else CONFIG, resting.line.number if resting.line else None,
            f"{use.vi} (GPIO{use.pin}) chưa được kéo {how} trước khi kengd chạy (cần {wanted})", REWRITE,
            f"{use.en} (GPIO{use.pin}) has no pull-{'up' if use.rests_high else 'down'} before kengd runs (wanted: {wanted})",
        )  # fmt: skip


def _lamp(use: Use, resting: Resting) -> Iterator[Finding]:
    """A lamp that lights by itself says what nobody said."""
    if resting.line is not None and (resting.level == "dh" or (resting.mode or "").startswith("a")):
        yield resting.line.finding(
            "yellow", "lamp_driven", f"{use.vi} (GPIO{use.pin}) tự sáng lúc khởi động", REWRITE,
            f"{use.en} (GPIO{use.pin}) lights by itself while the machine boots",
        )  # fmt: skip


def _clashes(use: Use, takers: tuple[Taker, ...]) -> Iterator[Finding]:
    """R16: a pin has one owner."""
    for taker in takers:
        if use.pin in taker.pins:
            yield taker.line.finding(
                "red", "pin_clash", f"{taker.what} chiếm GPIO{use.pin}, là chân của {use.vi}",
                "xoá dòng này, hoặc nối sang chân khác và sửa trong kengd.toml",
                f"{taker.what} takes GPIO{use.pin}, which is {use.en}",
            )  # fmt: skip


def _about_settings(colour: Colour, code: str, vi: str, cure: str, en: str) -> Finding:
    return Finding(colour, code, "kengd.toml", None, vi, cure, en)
