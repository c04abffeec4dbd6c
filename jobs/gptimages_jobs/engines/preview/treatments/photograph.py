"""The photograph: a firmer tone curve, highlights that bloom, darker corners, grain. And the plain picture's fine grain."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.canvas import Canvas, blur
from gptimages_jobs.engines.preview.colour import Plane, Planes, luma, spread


def plain(canvas: Canvas, picture: Planes) -> Planes:
    """No style: a grain too fine to be seen, which keeps smooth skies free of bands."""
    return picture + grain(canvas, 0.007)


def photograph(canvas: Canvas, picture: Planes) -> Planes:
    """The style "photograph"."""
    picture = np.clip(picture, 0, 1)
    light = luma(picture)
    bloom = canvas.blur(picture * np.clip((light - 0.72) * 3, 0, 1), 0.018)
    picture = 1 - (1 - picture) * (1 - 0.3 * bloom * spread((1.0, 0.9, 0.78)))
    curved = picture * picture * (3 - 2 * picture)
    picture = picture * 0.58 + curved * 0.42
    tone = luma(picture)
    picture = tone + (picture - tone) * 0.93
    picture = picture + spread((0.012, 0.004, -0.008)) * tone + spread((-0.004, 0.002, 0.014)) * (1 - tone)
    away = canvas.far_from(canvas.aspect / 2, 0.5) / np.hypot(canvas.aspect / 2, 0.5)
    picture = picture * (1 - 0.24 * away**3.2)
    return 0.02 + 0.97 * picture + grain(canvas, 0.017, 0.7) * (1.15 - 0.75 * tone)


def grain(canvas: Canvas, strength: float, softness: float = 0.0) -> Plane:
    """Grain of the final pixels; the only thing here that depends on the resolution."""
    stream = canvas.stream("grain")
    speck = stream.standard_normal((canvas.height, canvas.width), np.float32)
    if softness:
        speck = blur(speck, softness) * (1 + 2.2 * softness)
    return speck * np.float32(strength)
