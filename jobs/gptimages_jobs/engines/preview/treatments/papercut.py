"""Paper cut: the picture's tones as sheets of paper, the dark ones in front, each throwing its shadow."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Plane, Planes, luma, mix
from gptimages_jobs.engines.preview.paper import fibres, sheet_upon, steepness
from gptimages_jobs.engines.preview.treatments.lines import levelled, simplified

_SHEETS = 7


def papercut(canvas: Canvas, picture: Planes) -> Planes:
    """The style "papercut"."""
    picture = np.clip(picture, 0, 1)
    tone = levelled(canvas.blur(luma(simplified(canvas, picture, 0.009)), 0.005))
    slope = steepness(canvas, tone, 0.6)
    grain = fibres(canvas, 0.045)
    middle = picture.mean()
    cuts = np.linspace(1, 0, _SHEETS + 1)[1:-1]
    result: Planes = _colour_of(canvas, picture, tone > cuts[0]) * grain
    for upper, lower in zip(cuts, [*cuts[1:], -1.0], strict=True):
        paper = _colour_of(canvas, picture, (tone <= upper) & (tone > lower))
        result = sheet_upon(
            canvas, result, np.clip(paper + 0.16 * (paper - middle), 0, 1) * grain, (upper - tone) / slope, 0.5
        )
    return result


def _colour_of(canvas: Canvas, picture: Planes, part: Plane) -> Planes:
    """The mean colour of a part of the picture, drifting a little from place to place."""
    weight = part.astype(np.float32)
    total = float(weight.sum())
    mean = (picture * weight).sum((1, 2)) / total if total else picture.mean((1, 2))
    near = canvas.blur(weight, 0.16) + 1e-4
    local = canvas.blur(picture * weight, 0.16) / near
    return mix(mean.reshape(3, 1, 1).astype(np.float32), local, np.clip(near * 4, 0, 1) * 0.6)
