"""Northern lights over dark hills, drawn a second time in the lake below."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Colour, Planes, Ramp, lay
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.scenes import sky
from gptimages_jobs.engines.preview.scenes.ridges import tree_tops

_SHORE = 0.7
_DARK: Colour = (0.016, 0.04, 0.062)


def aurora(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene."""
    light = brief.palette.light
    picture = Ramp(light.sky, (0, 0.55, 0.9, 1))(canvas.y / _SHORE + 0 * canvas.x)
    sky.stars(canvas, picture, _SHORE * 0.9, 520)
    base = np.exp(-(((canvas.y - 0.56) / 0.2) ** 2)) * (0.6 + 0.4 * canvas.noise("veil", 2, 3))
    glow = Ramp(brief.palette.ramp[:4])(0.35 + 0 * canvas.x + 0 * canvas.y) * base * np.float32(0.17)
    for index in range(4):
        _curtain(canvas, brief, glow, index)
    picture = 1 - (1 - np.clip(picture, 0, 1)) * (1 - np.clip(canvas.blur(glow, 0.0022), 0, 1))
    _far_hills(canvas, picture, brief)
    _lake(canvas, picture)
    _near_hills(canvas, picture)
    return Drawing(picture)


def _curtain(canvas: Canvas, brief: Brief, glow: Planes, index: int) -> None:
    """One hanging fold of light: a waving hem, rays above it that fade from the ramp's first colours to its last."""
    stream = canvas.stream(f"curtain {index}")
    ramp = brief.palette.ramp[:-1]
    middle, reach = stream.uniform(0.15, 0.85) * canvas.aspect, stream.uniform(0.28, 0.5) * max(canvas.aspect, 1)
    swing, pace = stream.uniform(0.04, 0.09), stream.uniform(2.2, 4.6)
    waver = canvas.profile(f"hem {index}", 3, 4) - 0.5
    hem = 0.6 - 0.115 * index + swing * np.sin(canvas.x * pace + stream.uniform(0, 6.3)) + 0.09 * waver
    rays = 0.3 + 0.75 * canvas.profile(f"rays {index}", 26 * canvas.aspect, 5, 0.6) ** 1.5
    tall = stream.uniform(0.22, 0.34) * (0.7 + 0.6 * canvas.profile(f"tall {index}", 7, 3))
    above = hem - canvas.y
    strength = np.where(above > 0, np.exp(-above / tall * 2.6 * (1 - 0.3 * rays)), np.exp(above / 0.03))
    strength = strength * rays * np.exp(-(((canvas.x - middle) / reach) ** 2)) * (0.95 - 0.13 * index)
    start = index % 3 * 0.16
    glow += Ramp(ramp[:5])(start + np.clip(above / tall, 0, 1.4) * 0.62) * strength


def _far_hills(canvas: Canvas, picture: Planes, brief: Brief) -> None:
    outline = _SHORE - 0.012 - 0.1 * canvas.profile("far hills", 3.4 * canvas.aspect, 6, 0.47)
    lay(picture, brief.palette.light.sky[1], canvas.edge(canvas.y - outline) * 0.8)


def _near_hills(canvas: Canvas, picture: Planes) -> None:
    trees = tree_tops(canvas, "shore trees", int(110 * canvas.aspect), 0.034)
    rise = 0.008 + 0.05 * canvas.profile("near hills", 2.4 * canvas.aspect, 5) ** 1.6 + trees
    above = canvas.edge(canvas.y - (_SHORE - rise))
    ripple = 0.6 + 0.5 * canvas.noise("bank", 26, 2, stretch=(0.4, 5))
    under = canvas.edge(_SHORE + rise * ripple - canvas.y, 5)
    lay(picture, _DARK, above * under * 0.97)


def _lake(canvas: Canvas, picture: Planes) -> None:
    """The sky upside down below the shore, rippled more towards the viewer."""
    shore = int(_SHORE * canvas.height)
    rows = np.arange(canvas.height - shore)
    nearness = rows[:, None] / max(1, len(rows) - 1)
    wobble = canvas.noise("ripple", 8, 4, stretch=(0.4, 10))[shore:] - 0.5
    source_row = np.clip(shore - 1 - rows[:, None] * 1.5 - wobble * nearness * 0.05 * canvas.height, 0, shore - 1)
    shift = wobble * (0.15 + nearness) * 0.045 * canvas.height
    column = np.clip(np.arange(canvas.width)[None] + shift, 0, canvas.width - 1)
    mirrored = picture[:, source_row.astype(int), column.astype(int)]
    picture[:, shore:] = canvas.blur(mirrored, 0.0016) * (0.74 - 0.2 * nearness).astype(np.float32)
