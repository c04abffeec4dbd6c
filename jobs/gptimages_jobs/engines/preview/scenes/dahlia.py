"""A flower folded from paper: petals set at the golden angle, each with a crease, lit from within."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Colour, Planes, Ramp, blend, times
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.sheet import Points, Sheet, cover

_GOLDEN_ANGLE = 2.399963
_PETALS = 210


def dahlia(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene; the subject is the flower."""
    stream = canvas.stream("layout")
    short = min(canvas.aspect, 1.0)
    middle = (canvas.aspect * stream.uniform(0.46, 0.54), stream.uniform(0.47, 0.53))
    size = short * stream.uniform(0.92, 1.02)
    flower = _Flower(canvas, brief, middle, size)
    sheet = Sheet(canvas, _ground(canvas, brief, middle))
    for index in range(_PETALS, 0, -1):
        flower.petal(sheet, index)
    picture = sheet.planes()
    heart = canvas.far_from(*middle)
    shine = np.exp(-((heart / (0.17 * size)) ** 2)) * 0.34
    pale = np.array(brief.palette.ramp[0], np.float32).reshape(3, 1, 1)
    return Drawing(1 - (1 - picture) * (1 - pale * shine), cover(canvas, flower.outlines))


def _ground(canvas: Canvas, brief: Brief, middle: tuple[float, float]) -> Planes:
    deep = times(blend(brief.palette.ramp[6], (0.03, 0.10, 0.12), 0.75), 0.8)
    edge = times(deep, 0.5)
    away = canvas.far_from(middle[0], middle[1]) / max(canvas.aspect, 1)
    weave = canvas.noise("weave", 70, 2) - 0.5
    return Ramp((times(deep, 1.9), deep, edge), (0, 0.5, 1))(away) * (1 + 0.06 * weave)


class _Flower:
    """The flower's petals from the heart (index 1) outwards."""

    def __init__(self, canvas: Canvas, brief: Brief, middle: tuple[float, float], size: float) -> None:
        self._middle, self._size = np.array(middle), size
        self._ramp = Ramp(brief.palette.ramp, (0, 0.1, 0.24, 0.42, 0.62, 0.82, 1))
        self._stream = canvas.stream("petals")
        self._turn = float(self._stream.uniform(0, 6.3))
        self.outlines: list[Points] = []

    def petal(self, sheet: Sheet, index: int) -> None:
        """One petal: its shadow, its two halves on either side of the crease, and the light along its rim."""
        share = index / _PETALS
        angle = self._turn + index * _GOLDEN_ANGLE + self._stream.normal(0, 0.015)
        lightness = 0.93 + 0.13 * np.cos(angle + 2.3)
        colour = times(self._ramp.at(float(np.clip(share + self._stream.normal(0, 0.02), 0, 1))), lightness)
        outer, upper, lower = (self._shape(share, angle, scale) for scale in (1.06, 1.0, -1.0))
        shadow = np.concatenate([outer, self._shape(share, angle, -1.06)[::-1]])
        for reach, opacity in ((0.0035, 0.16), (0.007, 0.13), (0.011, 0.09)):
            sheet.polygon(shadow + np.array([reach * 0.6, reach]) * self._size, (0.07, 0.01, 0.08), opacity)
        whole = np.concatenate([upper, lower[::-1]])
        self.outlines.append(whole)
        turned = np.cos(angle + 0.8)
        sheet.polygon(whole, times(colour, 0.94))
        sheet.polygon(np.concatenate([upper, self._shape(share, angle, 0.0)[::-1]]), times(colour, 1 + 0.075 * turned))
        sheet.polygon(np.concatenate([lower, self._shape(share, angle, 0.0)[::-1]]), times(colour, 1 - 0.095 * turned))
        self._lit_base(sheet, share, angle, colour)
        sheet.line(upper[6:], 0.0011 * self._size, blend(colour, (1, 1, 0.96), 0.4), 0.75)
        sheet.line(lower[6:], 0.0009 * self._size, blend(colour, (1, 1, 0.96), 0.25), 0.5)

    def _shape(self, share: float, angle: float, side: float) -> Points:
        """One edge of a petal from its base to its tip; `side` 0 is the crease."""
        start = self._size * 0.47 * share**0.62
        length = self._size * (0.05 + 0.15 * share**0.8)
        width = self._size * (0.018 + 0.064 * share**0.8)
        along = np.linspace(-1, 1, 25)
        bulge = np.cos(along * np.pi / 2) ** 0.72 * np.where(along > 0, 1 - 0.18 * along, 1)
        out, across = start + length * along, side * width * bulge
        cos, sin = np.cos(angle), np.sin(angle)
        edge: Points = np.stack([out * cos - across * sin, out * sin + across * cos], 1) + self._middle
        return edge

    def _lit_base(self, sheet: Sheet, share: float, angle: float, colour: Colour) -> None:
        """Light from the heart that reaches up the inside of the petal."""
        crease = self._shape(share, angle, 0.0)
        for part, opacity in ((0.72, 0.12), (0.52, 0.12), (0.34, 0.12)):
            upper, lower = self._shape(share, angle, part), self._shape(share, angle, -part)
            inner = crease[3:4] + (np.concatenate([upper, lower[::-1]]) - crease[3:4]) * (0.5 + part * 0.55)
            sheet.polygon(inner, blend(colour, (1, 0.95, 0.82), 0.42), opacity)
