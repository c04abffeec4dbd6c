"""A valley cut from sheets of paper: slopes from both sides, one behind the other, with a paper sun between them."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas, blur
from gptimages_jobs.engines.preview.colour import Plane, Planes, Ramp, blend, spread
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.paper import fibres, sheet_upon


def sheets(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene: as many sheets as the words ask for, seven otherwise."""
    stream = canvas.stream("layout")
    number = brief.number if brief.number and brief.number > 2 else 7
    middle = stream.uniform(0.42, 0.58) * canvas.aspect
    grain = fibres(canvas, 0.045)
    ramp = Ramp(_by_hour(brief))
    picture: Planes = _backdrop(canvas, ramp, middle) * grain
    sun = 0.085 - canvas.far_from(middle + stream.uniform(-0.08, 0.08), 0.3)
    picture = sheet_upon(canvas, picture, spread(blend(ramp.at(0), (1, 1, 1), 0.55)) * grain, sun, 0.7)
    for index in range(number):
        near = index / max(1, number - 1)
        outline = _outline(canvas, index, near, middle)
        paper = spread(ramp.at(0.22 + 0.78 * near)) * grain
        slant = np.sqrt(1 + np.square(np.gradient(outline[0]) * canvas.width / canvas.aspect))
        picture = sheet_upon(canvas, picture, paper, (canvas.y - outline) / slant, 1.15 + 0.5 * near)
    return Drawing(picture)


def _by_hour(brief: Brief) -> tuple[tuple[float, float, float], ...]:
    """The pigments, darkened at night and dulled in mist."""
    if brief.hour in ("night", "mist"):
        return tuple(
            blend(lit, pigment, 0.35) for lit, pigment in zip(brief.palette.lit, brief.palette.ramp, strict=True)
        )
    return brief.palette.ramp


def _backdrop(canvas: Canvas, ramp: Ramp, middle: float) -> Planes:
    away = canvas.far_from(middle, 0.3)
    return ramp(0.02 + 0.14 * np.clip(away, 0, 1.2))


def _outline(canvas: Canvas, index: int, near: float, middle: float) -> Plane:
    """A slope that falls towards the valley's floor, its high side left and right by turns; the nearest bears trees."""
    stream = canvas.stream(f"sheet {index}")
    floor = 0.5 + 0.44 * near**1.15
    side = 1 if index % 2 else -1
    bottom = middle + side * stream.uniform(0.02, 0.12) - side * 0.1 * near
    away = (canvas.x - bottom) / canvas.aspect
    steep = np.where(away * side < 0, stream.uniform(0.75, 1.0), stream.uniform(0.4, 0.6)) * (1 - 0.42 * near)
    climb = steep * (np.sqrt(away**2 + 0.012) - 0.1)
    swing = 0.12 * (canvas.profile(f"rolls {index}", 2.6 * canvas.aspect, 3, 0.4) - 0.5)
    outline: Plane = floor - climb + swing
    outline = blur(np.repeat(outline, 3, 0), 0.004 * canvas.height)[1:2]
    if near > 0.55:
        outline = outline - _firs(canvas, index, near)
    return outline


def _firs(canvas: Canvas, index: int, near: float) -> Plane:
    """Firs with stepped branches, as heights above the outline."""
    stream = canvas.stream(f"firs {index}")
    tops = np.zeros_like(canvas.x)
    for middle in np.sort(stream.random(int(9 * canvas.aspect * (1.6 - near)))) * canvas.aspect:
        tall = stream.uniform(0.5, 1) * 0.11 * near
        away = np.abs(canvas.x - middle) / (0.2 * tall)
        tier = np.floor(away * 4) / 4
        tree = tall * np.where(away < 1, 0.22 * (1 - (away - tier) * 4) * 0.5 + (1 - tier) * 0.9, 0)
        tops = np.maximum(tops, tree)
    return tops
