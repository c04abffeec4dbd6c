"""A wood of firs in mist or snow: rows of trees that pale with distance, a clearing in front."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Colour, Planes, Ramp, blend, lay
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.scenes import sky
from gptimages_jobs.engines.preview.sheet import Points, Sheet, cover

_ROWS = 6


def forest(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene."""
    light = brief.palette.light
    sun_x = sky.place(canvas, "sun", 0.35, 0.65)
    picture = sky.gradient(canvas, light, 0.75, 0.12)
    sky.glow(canvas, picture, light, sun_x, 0.34, 0.42, 0.55)
    if brief.hour == "night":
        sky.stars(canvas, picture, 0.55)
        sky.moon(canvas, picture, light, sun_x, 0.2, 0.045)
    elif brief.hour in ("mist", "dawn", "gold", "dusk"):
        sky.disc(canvas, picture, blend(light.sun, light.haze, 0.2), sun_x, 0.3, 0.042)
    snowy = brief.season == "winter"
    for row in range(_ROWS):
        near = row / (_ROWS - 1)
        picture = _row(canvas, brief, picture, row, near, snowy)
    if snowy:
        picture = _falling(canvas, picture)
    return Drawing(picture)


def _row(canvas: Canvas, brief: Brief, picture: Planes, row: int, near: float, snowy: bool) -> Planes:
    stream = canvas.stream(f"row {row}")
    light, ramp = brief.palette.light, Ramp(brief.palette.lit)
    floor = 0.6 + 0.31 * near**1.3
    ground = floor - 0.05 * (canvas.profile(f"ground {row}", 2.2 * canvas.aspect, 4) - 0.5) * (1 + near)
    firs = list(_firs(stream, canvas, floor, near))
    body = blend(ramp.at(0.22 + 0.78 * near), light.haze, 0.62 * (1 - near) ** 1.2)
    trees = cover(canvas, [points for points, _ in firs])
    shade = 1 - 0.16 * near * (canvas.noise(f"needles {row}", 60, 2, stretch=(1, 2)) - 0.3)
    lay(picture, np.stack([shade * channel for channel in body]), trees)
    if snowy and near > 0.15:
        picture = _snow_on(canvas, picture, firs, blend(light.haze, brief.palette.lit[0], 0.45 + 0.5 * near), near)
    soil = blend(light.haze, brief.palette.lit[0] if snowy else brief.palette.lit[4], 0.25 + 0.6 * near)
    depth = canvas.y - ground
    lay(picture, blend(soil, brief.palette.shaded[2 if snowy else 5], 0.28 * near), canvas.edge(depth))
    lay(picture, soil, canvas.edge(depth) * np.exp(-np.maximum(depth, 0) / 0.05) * 0.8)
    veil = np.exp(-(((canvas.y - floor - 0.01) / (0.11 - 0.05 * near)) ** 2)) * (0.75 * (1 - near) ** 0.8)
    mist = 0.65 + 0.5 * canvas.noise(f"mist {row}", 2.5, 4, stretch=(0.7, 2))
    lay(picture, light.haze, np.clip(veil * mist, 0, 1))
    return picture


def _firs(
    stream: np.random.Generator, canvas: Canvas, floor: float, near: float
) -> list[tuple[Points, tuple[float, float, float]]]:
    """The outlines of a row of firs with their foot and height; the nearest leave the middle open."""
    number = int((26 - 19 * near) * canvas.aspect) + 2
    firs = []
    for x in np.sort(stream.random(number)):
        if near > 0.5:
            x = 0.5 + (0.5 - 0.34 * stream.random()) * np.sign(x - 0.5) * (0.55 + 0.5 * near)
        tall = (0.17 + 0.52 * near**1.3) * stream.uniform(0.65, 1.12)
        foot = floor + 0.012 + 0.02 * near * stream.random()
        firs.append((_fir(stream, x * canvas.aspect, foot, tall), (x * canvas.aspect, foot, tall)))
    return firs


def _fir(stream: np.random.Generator, x: float, foot: float, tall: float) -> Points:
    """A fir's outline: tiers of boughs that hang, wider towards the ground."""
    tiers = 15
    sides = []
    for side in (-1, 1):
        edge = [(x, foot - tall)]
        for tier in range(1, tiers + 1):
            share = tier / tiers
            reach = tall * 0.2 * share**0.85 * stream.uniform(0.78, 1.15)
            height = foot - tall * (1 - share * 0.93)
            edge.append((x + side * reach, height + tall * 0.012 * stream.random()))
            edge.append((x + side * reach * 0.52, height - tall * 0.012))
        edge += [(x + side * tall * 0.014, foot - tall * 0.06), (x + side * tall * 0.014, foot + 0.02)]
        sides.append(edge)
    return sides[0] + sides[1][::-1]


def _snow_on(
    canvas: Canvas, picture: Planes, firs: list[tuple[Points, tuple[float, float, float]]], snow: Colour, near: float
) -> Planes:
    """Snow that lies on the boughs."""
    stream = canvas.stream(f"snow {near:.2f}")
    sheet = Sheet(canvas, picture)
    for _, (x, foot, tall) in firs:
        for tier in range(2, 15):
            share = tier / 15
            for _ in range(2 + tier // 3):
                reach = tall * 0.17 * share**0.85 * stream.uniform(-1, 1)
                y = foot - tall * (1 - share * 0.93) - tall * 0.02 * (1 - abs(reach) / (tall * 0.18))
                long = tall * 0.035 * stream.uniform(0.5, 1.1)
                slope = np.sign(reach) * long * 0.35
                sheet.line([(x + reach - long, y - slope), (x + reach + long, y + slope)], tall * 0.011, snow, 0.75)
    return sheet.planes()


def _falling(canvas: Canvas, picture: Planes) -> Planes:
    """Flakes in the air, the near ones large and soft."""
    stream = canvas.stream("flakes")
    sheet = Sheet(canvas, np.zeros_like(picture))
    for _ in range(int(420 * canvas.aspect)):
        size = 0.0009 + 0.0034 * stream.random() ** 4
        x, y = stream.random() * canvas.aspect, stream.random()
        sheet.ellipse(x, y, size, size, (1, 1, 1), stream.uniform(0.35, 0.9))
    return 1 - (1 - picture) * (1 - canvas.blur(sheet.planes(), 0.0008) * 0.8)
