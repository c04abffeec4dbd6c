"""Ridges one behind the other, paling into haze; mountains when the words ask for peaks."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas, blur
from gptimages_jobs.engines.preview.colour import Colour, Plane, Planes, Ramp, blend, lay, mix, spread, times
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.scenes import sky

_HORIZON = 0.44


def ridges(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene."""
    light = brief.palette.light
    stream = canvas.stream("layout")
    sun_x, sun_y = sky.place(canvas, "sun", 0.3, 0.72), float(stream.uniform(0.16, 0.3))
    picture = sky.gradient(canvas, light, 0.72, 0.12)
    sky.glow(canvas, picture, light, sun_x, sun_y, 0.36, 0.6)
    if brief.hour == "night":
        sky.stars(canvas, picture, 0.5)
        sky.moon(canvas, picture, light, sun_x, sun_y, 0.048)
    else:
        sky.disc(canvas, picture, light.sun, sun_x, sun_y, 0.05)
    number = brief.number if brief.number and brief.number > 2 else int(stream.integers(7, 9))
    for index in range(number):
        _ridge(canvas, brief, picture, index, index / (number - 1), sun_x)
    return Drawing(picture)


def _outline(canvas: Canvas, brief: Brief, index: int, near: float) -> Plane:
    base = _HORIZON + (1.0 - _HORIZON) * near**1.2
    swing = 0.23 * (1 - 0.5 * near)
    name = f"ridge {index}"
    shape = canvas.profile(name, (2.4 + 1.6 * near) * canvas.aspect / 1.5, 8, 0.47)
    if "peak" in brief.details:
        fold = 1 - np.abs(2 * canvas.profile(name + " fold", 3.2 * canvas.aspect / 1.5, 2, 0.3) - 1)
        crags = canvas.profile(name + " crags", 14 * canvas.aspect, 5, 0.55) - 0.5
        shape = 0.3 * shape + 0.85 * fold + 0.16 * crags
    outline: Plane = base + swing * (0.5 - shape)
    if near > 0.55:
        outline = outline - tree_tops(
            canvas, f"trees {index}", int(150 * canvas.aspect * (1.35 - near)), 0.03 * near**2.2
        )
    return outline


def tree_tops(canvas: Canvas, name: str, number: int, tallest: float) -> Plane:
    """The tops of a wood along an outline: narrow teeth of uneven height, as heights above it."""
    stream = canvas.stream(name)
    middles = np.sort(stream.random(number)) * canvas.aspect
    heights = stream.uniform(0.25, 1, number) ** 1.5 * tallest
    tops = np.zeros_like(canvas.x)
    for middle, height in zip(middles, heights, strict=True):
        half = height * 0.26 + 0.0008
        left, right = np.searchsorted(canvas.x[0], [middle - half, middle + half])
        tooth = height * (1 - np.abs(canvas.x[0, left:right] - middle) / half)
        tops[0, left:right] = np.maximum(tops[0, left:right], tooth)
    return tops


def _ridge(canvas: Canvas, brief: Brief, picture: Planes, index: int, near: float, sun_x: float) -> None:
    light = brief.palette.light
    outline = _outline(canvas, brief, index, near)
    top = max(0, int(float(outline.min()) * canvas.height) - 2)
    depth = sky.below(canvas, outline)[top:]
    pool = sky.below(canvas, blur(np.repeat(outline, 3, 0), 0.02 * canvas.height)[1:2])[top:]
    body = _body(brief, near)
    haze = blend(light.haze, body, 0.12)
    veil = np.clip(pool / (0.25 - 0.06 * near), 0, 1) ** 1.25 * (0.8 * (1 - near) ** 0.8 + 0.03)
    colour = mix(_slopes(canvas, body, index, near)[:, top:], haze, veil)
    warm = np.exp(-(((canvas.x - sun_x) / 0.42) ** 2)) * np.exp(-np.maximum(depth, 0) / 0.05) * 0.3 * (1 - near)
    lay(colour, light.glow, warm)
    lay(picture[:, top:], colour, canvas.edge(depth))


def _body(brief: Brief, near: float) -> Colour:
    light, ramp = brief.palette.light, Ramp(brief.palette.ramp)
    pigment = ramp.at(0.12 + 0.88 * near)
    if brief.hour == "night":
        return blend(times(pigment, 0.3), light.haze, 0.55 * (1 - near))
    return blend(times(pigment, blend(light.key, (1, 1, 1), 0.5)), light.haze, 0.3 * (1 - near) ** 2)


def _slopes(canvas: Canvas, body: Colour, index: int, near: float) -> Planes:
    relief = canvas.noise(f"slope {index}", 9, 5, 0.55, stretch=(1, 1.4)) - 0.5
    return spread(body) * (1 + 0.22 * relief * near)
