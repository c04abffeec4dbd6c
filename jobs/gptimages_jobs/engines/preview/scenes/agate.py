"""The inside of a stone: bands around a crystal heart."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Plane, Planes, Ramp, lay, luma
from gptimages_jobs.engines.preview.drawing import Drawing

_ORDER = (6, 3, 2, 1, 4, 5, 6)
_AT = (0.0, 0.24, 0.44, 0.6, 0.75, 0.9, 1.0)


def agate(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene."""
    stream = canvas.stream("layout")
    bend, sway = canvas.noise("bend", 2.1, 4, 0.46), canvas.noise("sway", 2.1, 4, 0.46)
    x, y = stream.uniform(0.38, 0.62) * canvas.aspect, stream.uniform(0.4, 0.6)
    away = np.hypot(canvas.x - x + 0.4 * (bend - 0.5), (canvas.y - y + 0.4 * (sway - 0.5)) * 1.18)
    away = away / max(1.0, canvas.aspect) ** 0.6
    band = away * 6.4 + 1.2 * canvas.noise("band", 2.6, 3)
    ripple = 0.55 * np.sin(band * 2.0) + 0.24 * np.sin(band * 11 + bend * 5) + 0.12 * np.sin(band * 34)
    fine = 0.06 * np.sin(band * 83 + sway * 7)
    wave = 0.5 + 0.5 * (ripple + fine)
    place = np.clip(0.62 * np.clip(away / 0.95, 0, 1) + 0.38 * wave, 0, 1)
    picture = Ramp([brief.palette.ramp[index] for index in _ORDER], _AT)(place)
    _polish(canvas, picture, wave, brief)
    _heart(canvas, picture, away, brief)
    return Drawing(picture)


def _polish(canvas: Canvas, picture: Planes, wave: Plane, brief: Brief) -> None:
    """Pale hairlines between bands, and a relief that makes the stone look polished."""
    lay(picture, brief.palette.ramp[0], np.exp(-(((wave - 0.5) / 0.022) ** 2)) * 0.28)
    lay(picture, brief.palette.ramp[0], np.exp(-(((wave - 0.78) / 0.014) ** 2)) * 0.3)
    light = canvas.blur(luma(picture), 0.0015)
    relief = np.gradient(light, axis=0) * (canvas.height / 1024)
    picture *= 1 + np.clip(relief * 1.6, -0.12, 0.12)


def _heart(canvas: Canvas, picture: Planes, away: Plane, brief: Brief) -> None:
    """Crystals: facets that catch the light by chance, with dark between them."""
    core = np.clip((0.16 - away) / 0.09, 0, 1)
    facets, glints = canvas.noise("facets", 64, 1), canvas.noise("glints", 110, 1)
    seams = np.exp(-(((facets - 0.5) / 0.05) ** 2))
    lay(picture, brief.palette.ramp[6], core * (0.25 + 0.3 * seams))
    lay(picture, brief.palette.ramp[1], np.clip((facets - 0.58) * 4, 0, 1) * core * 0.4)
    lay(picture, brief.palette.ramp[0], np.clip((glints - 0.74) * 9, 0, 1) * core * 0.85)
