"""Dunes in a low sun: a field of heights looked at from above its crests, lit from one side.

The field is drawn column by column: rays go out over the sand, and each pixel shows the first crest that its ray meets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas, resize
from gptimages_jobs.engines.preview.colour import Plane, Planes, Ramp, lay, mix
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.relief import Relief, waves
from gptimages_jobs.engines.preview.scenes import sky

_HORIZON = 0.34
_EYE = 2.35
_NEAR, _FAR = 0.7, 40.0
_SLICES = 600
_CREST = 0.68
"""Where in its period a dune is highest; from here on falls the slip face."""


@dataclass(frozen=True, slots=True)
class _Field:
    """The sand: how the rows of dunes bend, how high they swell, and where the first one begins."""

    warp: Relief
    swell: Relief
    shift: float

    def phase(self, across: Plane, away: Plane) -> Plane:
        """Where a place stands between one dune and the next, 0 to 1 from trough to trough."""
        bend = self.warp.read(across, away)
        phase: Plane = (0.24 * across - 0.17 * away + 1.2 * bend + self.shift) % 1
        return phase

    def height(self, across: Plane, away: Plane) -> tuple[Plane, Plane]:
        """Height of the sand and the phase."""
        phase = self.phase(across, away)
        size = 0.3 + 1.25 * self.swell.read(across, away)
        rise = np.clip(phase / _CREST, 0, 1)
        fall = np.clip((1 - phase) / (1 - _CREST), 0, 1)
        shape = np.where(phase < _CREST, rise * rise * (3 - 2 * rise) * 0.45 + 0.55 * rise**1.5, fall**1.25)
        return size * shape, phase


def dunes(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene; larger than the canvas and reduced, so that the crests are smooth."""
    light = brief.palette.light
    large = Canvas(canvas.width * 5 // 4, canvas.height * 5 // 4, canvas.aspect, canvas.seed)
    picture = sky.gradient(large, light, 0.42, 0.1)
    sun_x = sky.place(large, "sun", 0.05, 0.25)
    sky.glow(large, picture, light, sun_x, _HORIZON - 0.06, 0.4, 0.5)
    if brief.hour == "night":
        sky.stars(large, picture, 0.4)
    _sand(large, brief, picture, _field(canvas))
    return Drawing(resize(picture, canvas.width, canvas.height, Image.Resampling.BOX))


def _field(canvas: Canvas) -> _Field:
    return _Field(
        warp=waves(canvas.stream("warp"), 26.0, (1, 3, 6), (1, 0.4, 0.12)),
        swell=waves(canvas.stream("swell"), 26.0, (3, 5), (1, 0.5)),
        shift=float(canvas.stream("shift").random()),
    )


def _sand(canvas: Canvas, brief: Brief, picture: Planes, field: _Field) -> None:
    angle = (canvas.x - canvas.aspect / 2) * 1.05
    away, seen = _first_hit(canvas, field, angle)
    across = away * angle
    height, phase = field.height(across, away)
    lit = _sunny(brief, field, across, away, height)
    shade = Ramp(brief.palette.shaded)(0.75 - 0.4 * np.clip(height, 0, 1) + 0.02 * away)
    edge = 3 + 260 / away * canvas.height / 1024
    shadow = np.clip((phase - _CREST) * edge, 0, 1) * np.clip((_shadow_end(field, across, away) - phase) * edge, 0, 1)
    sand = mix(lit, shade, shadow)
    distance = np.clip((away - 5) / (_FAR - 7), 0, 1) ** 0.8
    lay(sand, brief.palette.light.haze, 0.8 * distance)
    lay(picture, sand, seen)


def _sunny(brief: Brief, field: _Field, across: Plane, away: Plane, height: Plane) -> Planes:
    near = np.clip(1.3 - away / 9, 0, 1)
    drift = field.warp.read(across * 7, away * 7)
    path = across * 0.9 + away * 0.5 + drift * 0.55
    ripple = np.sin(path * 62 + np.sin(away * 5 + drift * 9) * 0.6) * np.clip(3.4 - 0.5 * away, 0.25, 1)
    tone = 0.56 - 0.42 * np.clip(height, 0, 1.1) + 0.06 * drift
    sand: Planes = Ramp(brief.palette.lit)(tone) * (1 + 0.03 * ripple * near)
    return sand


def _shadow_end(field: _Field, across: Plane, away: Plane) -> Plane:
    """Phase at which the crest's shadow ends, a little way out on the flat ground."""
    return 1.03 - 0.1 * field.swell.read(across * 1.7, away * 1.7)


def _first_hit(canvas: Canvas, field: _Field, angle: Plane) -> tuple[Plane, Plane]:
    """For each pixel the distance at which its ray meets sand, and whether it does."""
    steps = np.geomspace(_NEAR, _FAR, _SLICES, dtype=np.float32).reshape(-1, 1)
    height, _ = field.height(steps * angle, np.broadcast_to(steps, (_SLICES, angle.shape[1])))
    screen = _HORIZON + (_EYE - height) / steps * 0.62
    skyline = np.minimum.accumulate(screen, 0)
    rows = canvas.y[:, 0]
    away = np.empty((canvas.height, canvas.width), np.float32)
    for column in range(canvas.width):
        rising = skyline[:, column] - np.arange(_SLICES) * 1e-7
        away[:, column] = np.interp(-rows, -rising, steps[:, 0])
    return away, canvas.edge(canvas.y - skyline[-1:])
