"""Contours cut from paper: the levels of a soft landscape, sheet upon sheet, each with its shadow."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Plane, Planes, Ramp, spread
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.paper import fibres, sheet_upon, steepness


def contours(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene."""
    stream = canvas.stream("layout")
    levels = brief.number + 1 if brief.number and brief.number > 3 else 10
    field = _field(canvas, stream.uniform(0.4, 0.6) * canvas.aspect, stream.uniform(0.4, 0.6))
    slope = steepness(canvas, field)
    ramp = Ramp(brief.palette.ramp)
    grain = fibres(canvas, 0.04)
    picture: Planes = spread(ramp.at(0)) * grain
    for index in range(1, levels):
        inside = (field - (index / levels) ** 0.92 * 0.93) / slope
        picture = sheet_upon(canvas, picture, spread(ramp.at(index / (levels - 1))) * grain, inside)
    return Drawing(picture)


def _field(canvas: Canvas, x: float, y: float) -> Plane:
    """Heights from 0 to 1: soft blots around a basin."""
    wide = canvas.noise("wide", 1.9, 3, 0.32)
    bend = canvas.noise("bend", 1.8, 2) - canvas.noise("sway", 1.8, 2)
    away = canvas.far_from(x, y) / max(1.0, canvas.aspect) ** 0.5
    field = 0.8 * wide + 0.52 * away + 0.17 * bend
    levels: Plane = np.clip((field - 0.22) / 0.95, 0, 1)
    return levels
