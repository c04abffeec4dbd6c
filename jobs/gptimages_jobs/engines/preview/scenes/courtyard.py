"""A courtyard: two plastered walls that meet, an arch or an arcade, steps, a pot, and the slow edge of a shadow."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Colour, Plane, Planes, Ramp, blend, lay, mix, spread, times
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.scenes import sky
from gptimages_jobs.engines.preview.sheet import Points, cover

_CORNER = 0.6
"""Where the walls meet, as a share of the width."""
_TOP, _TOP_CORNER, _TOP_RIGHT = 0.20, 0.30, 0.15
_FOOT, _FOOT_CORNER, _FOOT_RIGHT = 0.88, 0.80, 0.90


def courtyard(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene."""
    return Drawing(_Courtyard(canvas, brief).planes())


class _Courtyard:
    def __init__(self, canvas: Canvas, brief: Brief) -> None:
        self._canvas, self._brief = canvas, brief
        self._lit, self._shaded = brief.palette.lit, brief.palette.shaded
        self._corner = canvas.aspect * (_CORNER if canvas.aspect < 1.2 else 0.66)
        self._grain = canvas.noise("plaster", 11, 6, 0.58) - 0.5
        self._picture = Ramp(brief.palette.light.sky[:3])(canvas.y / 0.6 + 0 * canvas.x)
        if brief.hour == "night":
            sky.stars(canvas, self._picture, 0.35)

    def planes(self) -> Planes:
        """The whole yard, from the sky to the pot."""
        self._walls()
        self._floor()
        self._shadow_on_wall()
        for share in self._arch_places():
            self._arch(share)
        self._steps()
        self._pot()
        return self._picture

    def _fill(self, points: Points, colour: Colour | Planes, opacity: float = 1.0) -> None:
        lay(self._picture, colour, cover(self._canvas, [points]) * opacity)

    def _plaster(self, one: Colour, other: Colour, across: bool = False) -> Planes:
        canvas = self._canvas
        place = canvas.x / canvas.aspect + 0 * canvas.y if across else canvas.y + 0 * canvas.x
        return Ramp((one, other))(place) * (1 + 0.09 * self._grain)

    def _walls(self) -> None:
        aspect, corner = self._canvas.aspect, self._corner
        left = [(0, _TOP), (corner, _TOP_CORNER), (corner, _FOOT_CORNER), (0, _FOOT)]
        right = [(corner, _TOP_CORNER), (aspect, _TOP_RIGHT), (aspect, _FOOT_RIGHT), (corner, _FOOT_CORNER)]
        self._fill(left, self._plaster(self._lit[2], self._lit[3]))
        self._fill(right, self._plaster(self._lit[5], blend(self._lit[5], self._lit[6], 0.7)))
        near_corner = np.exp(-np.abs(self._canvas.x - corner) / 0.09)
        self._picture *= 1 - 0.16 * near_corner * cover(self._canvas, [left, right])
        coping = blend(self._lit[2], (1, 1, 1), 0.25)
        self._fill([(0, _TOP - 0.012), (corner, _TOP_CORNER - 0.009), (corner, _TOP_CORNER), (0, _TOP)], coping)
        ledge = [(corner, _TOP_CORNER - 0.009), (aspect, _TOP_RIGHT - 0.013), (aspect, _TOP_RIGHT)]
        self._fill([*ledge, (corner, _TOP_CORNER)], blend(self._lit[5], self._lit[4], 0.6))

    def _floor(self) -> None:
        canvas, aspect, corner = self._canvas, self._canvas.aspect, self._corner
        floor = [(0, _FOOT), (corner, _FOOT_CORNER), (aspect, _FOOT_RIGHT), (aspect, 1), (0, 1)]
        paving = Ramp((self._lit[1], self._lit[0]))((canvas.y - 0.78) / 0.22 + 0 * canvas.x)
        away = 1 / np.maximum(canvas.y - 0.62, 0.05)
        joints = np.minimum(np.abs(np.sin(away * 3.1)), np.abs(np.sin((canvas.x - corner) * away * 2.3)))
        paving = paving * (1 - 0.12 * np.clip(1 - joints / 0.06, 0, 1) + 0.06 * self._grain)
        self._fill(floor, paving)
        shade = [
            (corner, _FOOT_CORNER),
            (aspect, _FOOT_RIGHT),
            (aspect, 1),
            (0.62 * corner, 1),
            (0.36 * corner, _FOOT + 0.36 * (_FOOT_CORNER - _FOOT)),
        ]
        tone = spread(blend(self._brief.palette.light.shade, (0.62, 0.5, 0.62), 0.6))
        self._picture = mix(self._picture, self._picture * tone, cover(canvas, [shade]) * 0.9)

    def _shadow_on_wall(self) -> None:
        """The edge of a shadow that a wall behind the viewer throws."""
        corner = self._corner
        edge = [(0, _TOP), (0.46 * corner, _TOP + 0.046), (0.2 * corner, 0.864), (0, _FOOT)]
        tone = spread(blend(self._brief.palette.light.shade, (0.7, 0.56, 0.66), 0.7))
        self._picture = mix(self._picture, self._picture * tone, cover(self._canvas, [edge]) * 0.75)

    def _arch_places(self) -> tuple[float, ...]:
        return (0.62,) if self._canvas.aspect < 1.2 else (0.2, 0.5, 0.78)

    def _arch(self, share: float) -> None:
        """A doorway in the left wall at a share of its length; farther ones are smaller."""
        scale = 1 - 0.24 * share
        x, foot = share * self._corner, _FOOT + (_FOOT_CORNER - _FOOT) * share
        half, rise = 0.066 * scale, 0.4 * scale
        deep = Ramp((times(self._shaded[6], 0.8), self._shaded[5]))((self._canvas.y - 0.4) / 0.45 + 0 * self._canvas.x)
        self._fill(_archway(x, foot, half * 1.24, rise * 1.035), blend(self._lit[2], (1, 1, 1), 0.16), 0.55)
        self._fill(_archway(x, foot, half, rise), deep)
        beyond = self._beyond(foot, rise)
        opening = cover(self._canvas, [_archway(x + half * 0.28, foot - 0.004, half * 0.74, rise * 0.955)])
        lay(self._picture, beyond, opening * cover(self._canvas, [_archway(x, foot, half, rise)]))

    def _beyond(self, foot: float, rise: float) -> Planes:
        """What is seen through a doorway: far sky over sunlit ground."""
        light = self._brief.palette.light
        colours = (light.sky[1], blend(light.sky[2], light.sky[3], 0.5), self._lit[1], self._lit[0])
        place = (self._canvas.y - foot + rise) / rise + 0 * self._canvas.x
        return Ramp(colours, (0.1, 0.74, 0.745, 1))(place)

    def _steps(self) -> None:
        """Steps along the right wall, the treads paler than the risers."""
        aspect, corner = self._canvas.aspect, self._corner
        riser, tread = self._lit[4], blend(self._lit[4], self._lit[2], 0.55)
        wide = aspect - corner
        for index in range(6):
            top, left = 0.884 - index * 0.031, corner + wide * (0.2 + index * 0.145)
            far = top - 0.004
            front = [(left, top - 0.022), (aspect, far + 0.018), (aspect, far + 0.075), (left, top + 0.006)]
            over = [(left, top - 0.022), (left + 0.05, top - 0.029), (aspect, far), (aspect, far + 0.018)]
            self._fill(front, times(riser, 1 - 0.055 * index))
            self._fill(over, times(tread, 1 - 0.045 * index))

    def _pot(self) -> None:
        """An earthen pot with a clipped bush, on the lit side."""
        canvas = self._canvas
        x, y, size = 0.2 * self._corner + 0.03, 0.905, 0.058
        shadow = np.clip(1.1 - np.hypot((canvas.x - x - 0.1) / 0.15, (canvas.y - y - 0.002) / 0.014), 0, 1)
        self._picture *= 1 - 0.5 * canvas.blur(np.clip(shadow * 2, 0, 1), 0.004)
        clay = blend(self._lit[3], self._lit[4], 0.5)
        right = (canvas.x - x) / size + 0 * canvas.y
        rounded = Ramp((times(clay, 1.12), clay, times(clay, 0.5)))(0.5 + 0.5 * right)
        body = [(x - 0.042, y - 0.075), (x + 0.042, y - 0.075), (x + 0.031, y), (x - 0.031, y)]
        self._fill(body, rounded)
        self._fill(
            [(x - 0.047, y - 0.088), (x + 0.047, y - 0.088), (x + 0.046, y - 0.072), (x - 0.046, y - 0.072)], rounded
        )
        self._bush(x, y - 0.142, size * 1.12)

    def _bush(self, x: float, y: float, size: float) -> None:
        canvas = self._canvas
        leaf = canvas.noise("leaf", 55, 3, 0.7)
        right, down = (canvas.x - x) / size, (canvas.y - y) / size
        inside = canvas.edge((1 - np.hypot(right, down) + 0.16 * (leaf - 0.5)) * size, 1.6)
        light = np.clip(0.5 - 0.42 * right - 0.34 * down, 0, 1)
        green: Plane = np.clip(0.16 + 0.72 * light + 0.75 * (leaf - 0.5), 0, 1)
        key = self._brief.palette.light.key
        greens = ((0.06, 0.14, 0.15), (0.16, 0.34, 0.31), (0.47, 0.6, 0.45))
        lay(self._picture, Ramp([times(colour, key) for colour in greens])(green), inside)


def _archway(x: float, foot: float, half: float, rise: float) -> Points:
    """The outline of a doorway with a round head."""
    turn = np.linspace(np.pi, 2 * np.pi, 40)
    head = np.stack([x + half * np.cos(turn), foot - rise + half + half * np.sin(turn)], 1)
    return np.concatenate([[(x - half, foot + half * 0.14)], head, [(x + half, foot - half * 0.14)]])
