"""All sheets, and the page that prints them in one go."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from firmware_config.wiring.generator.index import NAMES
from firmware_config.wiring.generator.paper import LONG, Sheet
from firmware_config.wiring.generator.sheets import (
    bell,
    buttons,
    commissioning,
    earthing,
    hardware,
    isolator,
    lamps,
    motor_siren,
    overview,
    power,
    purchase,
    relay,
    sensor,
)

DRAWN: tuple[Callable[[], Sheet], ...] = (
    overview.overview,
    relay.active_high,
    relay.active_low,
    bell.striker,
    bell.siren,
    motor_siren.motor_siren,
    buttons.indoors,
    buttons.outdoors,
    lamps.lamps,
    sensor.sensor,
    hardware.cut_off,
    isolator.isolator,
    power.power,
    earthing.earthing,
    purchase.electric,
    purchase.small,
    commissioning.first,
    commissioning.second,
)
PRINT_ALL = "in-tat-ca.html"

_PAGE = """\
<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<title>Các tờ của điểm kẻng: in tất cả</title>
<style>
@page ngang {{ size: 297mm 210mm; margin: 0 }}
@page doc {{ size: 210mm 297mm; margin: 0 }}
body {{ margin: 0; font-family: sans-serif; background: #fff; color: #000 }}
img {{ display: block; break-after: page; max-width: 100% }}
img.ngang {{ page: ngang; width: 297mm; height: 210mm }}
img.doc {{ page: doc; width: 210mm; height: 297mm }}
p {{ padding: 3mm }}
@media print {{ p {{ display: none }} }}
</style>
</head>
<body>
<p>Bấm Ctrl+P, chọn giấy A4, tỷ lệ 100 %, lề “không”. <i>Press Ctrl+P: A4, 100 %, no margins.</i></p>
{images}
</body>
</html>
"""


def files() -> dict[str, str]:
    """File name → its text."""
    sheets = [draw() for draw in DRAWN]
    if [sheet.number for sheet in sheets] != list(range(1, len(NAMES) + 1)):
        raise ValueError("the sheets are not in the order of the index")
    made = {f"{sheet.slug}.svg": sheet.svg() for sheet in sheets}
    images = "\n".join(
        f'<img class="{"ngang" if sheet.width == LONG else "doc"}" src="{sheet.slug}.svg" alt="{escape(sheet.vi)}">'
        for sheet in sheets
    )
    return {**made, PRINT_ALL: _PAGE.format(images=images)}
