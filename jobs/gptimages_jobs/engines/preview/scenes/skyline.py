"""A town across the water: rows of buildings that pale with distance, windows lit when it gets dark."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Colour, Planes, Ramp, blend, lay, rgb, times
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.scenes import sky
from gptimages_jobs.engines.preview.sheet import Points, Sheet

_QUAY = 0.72
_ROWS = 5
_LAMPS: tuple[Colour, ...] = (rgb("#ffd89a"), rgb("#ffe9c4"), rgb("#ffbf73"), rgb("#cfe4ff"))


def skyline(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene."""
    light = brief.palette.light
    sun_x = sky.place(canvas, "sun", 0.25, 0.75)
    picture = sky.gradient(canvas, light, 0.7, 0.16)
    sky.glow(canvas, picture, light, sun_x, 0.56, 0.42, 0.6)
    if brief.hour == "night":
        sky.stars(canvas, picture, 0.4, 260)
        sky.moon(canvas, picture, light, sun_x, 0.17, 0.04)
    elif brief.hour != "day":
        sky.disc(canvas, picture, light.sun, sun_x, 0.47, 0.05)
    for row in range(_ROWS):
        picture = _row(canvas, brief, picture, row, row / (_ROWS - 1), sun_x)
    _river(canvas, picture, brief)
    return Drawing(picture)


def _row(canvas: Canvas, brief: Brief, picture: Planes, row: int, near: float, sun_x: float) -> Planes:
    """One row of buildings; low ones in front, towers in the middle of the town."""
    stream = canvas.stream(f"row {row}")
    light = brief.palette.light
    body = blend(Ramp(brief.palette.lit).at(0.2 + 0.8 * near), light.haze, 0.55 * (1 - near))
    if brief.hour in ("night", "dusk"):
        body = times(body, 0.62 - 0.2 * near)
    sheet = Sheet(canvas, picture)
    centre = canvas.aspect * canvas.stream("centre").uniform(0.35, 0.65)
    x = -0.05
    while x < canvas.aspect + 0.05:
        wide = stream.uniform(0.022, 0.062) * (0.75 + 0.45 * near)
        towering = np.exp(-(((x - centre) / (0.3 * canvas.aspect)) ** 2))
        tall = (0.05 + stream.random() ** 1.8 * (0.13 + 0.31 * towering)) * (1.15 - 0.6 * near)
        shade = stream.uniform(0.9, 1.08)
        _building(sheet, stream, x, wide, tall, times(body, shade), near)
        _windows(sheet, stream, brief, x, wide, tall, near)
        x += wide * stream.uniform(0.86, 1.18)
    picture = sheet.planes()
    veil = np.exp(-np.maximum(_QUAY - canvas.y, 0) / (0.09 - 0.04 * near)) * (0.55 * (1 - near) + 0.05)
    warm = np.exp(-(((canvas.x - sun_x) / 0.4) ** 2))
    lay(picture, light.haze, veil * (canvas.y < _QUAY + 0.02))
    lay(picture, light.glow, veil * warm * 0.3)
    return picture


def _building(
    sheet: Sheet, stream: np.random.Generator, x: float, wide: float, tall: float, colour: Colour, near: float
) -> None:
    top = _QUAY - tall
    kind = stream.integers(5)
    sheet.polygon(_box(x, top, wide, tall + 0.02), colour)
    sheet.polygon(_box(x + wide * 0.68, top, wide * 0.32, tall + 0.02), times(colour, 0.88))
    if kind == 0 and tall > 0.14:
        sheet.polygon([(x, top), (x + wide / 2, top - wide * 0.8), (x + wide, top)], colour)
        sheet.line([(x + wide / 2, top - wide * 0.7), (x + wide / 2, top - wide * 1.5)], 0.0016, colour)
    elif kind == 1:
        sheet.polygon(_box(x + wide * 0.22, top - wide * 0.35, wide * 0.56, wide * 0.36), colour)
    elif kind == 2 and near > 0.4:
        sheet.polygon(_box(x + wide * 0.6, top - 0.014, wide * 0.2, 0.016), times(colour, 0.92))
    elif kind == 3 and tall > 0.2:
        sheet.line([(x + wide * 0.5, top), (x + wide * 0.5, top - 0.05)], 0.0014, colour)
    elif kind == 4:
        sheet.polygon([(x, top + 0.001), (x + wide, top + 0.001), (x + wide, top - wide * 0.3)], colour)


def _box(left: float, top: float, wide: float, tall: float) -> Points:
    return [(left, top), (left + wide, top), (left + wide, top + tall), (left, top + tall)]


def _windows(
    sheet: Sheet, stream: np.random.Generator, brief: Brief, x: float, wide: float, tall: float, near: float
) -> None:
    """Lamps behind windows: many at night, a few at dusk, panes that catch the sky by day."""
    share = {"night": 0.42, "dusk": 0.26, "gold": 0.12, "dawn": 0.1, "mist": 0.12}.get(brief.hour, 0.16)
    step_x, step_y = 0.0072 * (0.8 + 0.4 * near), 0.0115 * (0.8 + 0.4 * near)
    columns, rows = int(wide * 0.92 / step_x), int(tall * 0.96 / step_y)
    lit = stream.random((max(rows, 1), max(columns, 1))) < share * stream.uniform(0.3, 1.5)
    tones = stream.integers(0, len(_LAMPS), lit.shape)
    for row, column in np.argwhere(lit[:rows, :columns]):
        colour = _LAMPS[tones[row, column]]
        if brief.hour == "day":
            colour = brief.palette.light.sky[2]
        left, top = x + wide * 0.08 + column * step_x, _QUAY - tall + 0.008 + row * step_y
        sheet.polygon(_box(left, top, step_x * 0.5, step_y * 0.48), colour, 0.3 + 0.6 * near)


def _river(canvas: Canvas, picture: Planes, brief: Brief) -> None:
    """The town upside down in moving water, below a dark quay."""
    quay = int(_QUAY * canvas.height)
    rows = np.arange(canvas.height - quay)[:, None]
    near = rows / max(1, len(rows) - 1)
    wave = canvas.noise("wave", 9, 4, stretch=(0.35, 11))[quay:] - 0.5
    source = np.clip(quay - 1 - rows * 1.35 - wave * near * 0.12 * canvas.height, 0, quay - 1)
    column = np.clip(np.arange(canvas.width)[None] + wave * (0.1 + near) * 0.03 * canvas.height, 0, canvas.width - 1)
    mirrored = picture[:, source.astype(int), column.astype(int)]
    streaked = 0.5 * mirrored + 0.5 * canvas.blur(mirrored, 0.006)
    water = streaked * (0.82 - 0.22 * near).astype(np.float32)
    lay(water, brief.palette.light.sky[0], (0.12 + 0.16 * near).astype(np.float32))
    picture[:, quay:] = water
    bank = np.exp(-(((canvas.y - _QUAY - 0.004) / 0.005) ** 4))
    lay(picture, times(brief.palette.shaded[6], 0.55), bank * 0.9)
