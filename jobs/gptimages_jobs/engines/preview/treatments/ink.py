"""Ink: washes from pale to black with darker rims, pen lines, on paper with a tooth."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Plane, Planes, luma, rgb, spread
from gptimages_jobs.engines.preview.treatments.lines import key_lines, levelled

_PAPER = rgb("#f5f0e4")
_ABSORBS = (2.55, 2.42, 2.2)
"""How strongly full ink takes away red, green and blue: a black slightly to the blue."""
_WASHES = 5


def ink(canvas: Canvas, picture: Planes) -> Planes:
    """The style "ink"."""
    light = levelled(luma(picture))
    tooth = canvas.noise("tooth", 240, 2, 0.75)
    density = _washes(canvas, light)
    density = density * (0.88 + 0.24 * tooth) * (0.86 + 0.28 * canvas.noise("pools", 5, 4))
    pen = key_lines(canvas, light, 0.0013, 0.016)
    dry = np.clip(1.5 - 1.1 * tooth, 0, 1)
    density = np.clip(density + 0.8 * pen * dry, 0, 1.15)
    paper = spread(_PAPER) * (1 + 0.035 * (tooth - 0.5))
    drawn: Planes = paper * np.exp(-density * spread(_ABSORBS))
    return drawn


def _washes(canvas: Canvas, light: Plane) -> Plane:
    """Soft steps of tone; where a wash ends its pigment gathers."""
    waver = 0.05 * (canvas.noise("waver", 26, 3) - 0.5)
    tone = (1 - canvas.blur(light, 0.002)) ** 1.5 * _WASHES + waver * _WASHES
    step = np.floor(tone)
    part = tone - step
    soft = np.clip((part - 0.42) / 0.16, 0, 1)
    flat = (step + soft * soft * (3 - 2 * soft)) / _WASHES
    rim = np.exp(-(((part - 0.6) / 0.07) ** 2)) * 0.05
    return np.clip(0.62 * flat + 0.38 * tone / _WASHES + rim, 0, 1) ** 1.25
