"""The sea: swell in perspective that throws back the sky, a path of light, now and then a boat."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Colour, Plane, Planes, Ramp, blend, lay, times
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.relief import clouds
from gptimages_jobs.engines.preview.scenes import sky
from gptimages_jobs.engines.preview.scenes.birds import flock, smooth
from gptimages_jobs.engines.preview.sheet import Sheet

_HORIZON = 0.46


def sea(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene."""
    light = brief.palette.light
    light_x = sky.place(canvas, "sun", 0.3, 0.7)
    picture = sky.gradient(canvas, light, _HORIZON, 0.24)
    _clouds(canvas, brief, picture, light_x)
    if brief.hour == "night":
        sky.stars(canvas, picture, _HORIZON * 0.9, 300)
        sky.moon(canvas, picture, light, light_x, 0.19, 0.052)
    else:
        low = _HORIZON - (0.26 if brief.hour == "day" else 0.05)
        sky.glow(canvas, picture, light, light_x, low, 0.32, 0.7)
        sky.disc(canvas, picture, light.sun, light_x, low, 0.04)
    top = int(_HORIZON * canvas.height)
    lay(picture[:, top:], _water(canvas, brief, light_x, top), canvas.edge(canvas.y[top:] - _HORIZON, 1.2))
    haze = np.exp(-((np.abs(canvas.y - _HORIZON) / 0.012) ** 2)) * 0.35
    lay(picture, light.haze, haze)
    return Drawing(_details(canvas, brief, picture, light_x))


def _clouds(canvas: Canvas, brief: Brief, picture: Planes, light_x: float) -> None:
    """Long banks of cloud near the horizon, bright on the side of the light."""
    light = brief.palette.light
    bank = canvas.noise("banks", 2.2, 6, 0.55, stretch=(0.7, 4.4))
    low = np.exp(-(((canvas.y - _HORIZON * 0.62) / 0.2) ** 2))
    cover = np.clip((bank * (0.55 + 0.6 * low) - 0.52) * 4.5, 0, 1)
    rim = np.clip(1 - np.abs(cover - 0.55) / 0.55, 0, 1) * np.clip(bank * 1.6 - 0.3, 0, 1)
    near = np.exp(-(((canvas.x - light_x) / 0.45) ** 2))
    lay(picture, blend(light.sky[1], light.sky[2], 0.6), cover * 0.5)
    lay(picture, light.glow, rim * cover * (0.15 + 0.5 * near))


def _water(canvas: Canvas, brief: Brief, light_x: float, top: int) -> Planes:
    light, stormy = brief.palette.light, "storm" in brief.details
    drop = np.maximum(canvas.y[top:] - _HORIZON, 0)
    away = 1 / (drop + 0.02)
    across = (canvas.x - canvas.aspect / 2) * away
    swell = clouds(canvas.stream("swell"), 16.0, 9, 5, 0.55)
    reach = 0.5 if stormy else 0.27
    height: Plane = np.zeros_like(across)
    chop: Plane = np.zeros_like(across)
    for scale, power in ((0.62, 0.7), (1.9, 0.5), (5.3, 0.45), (13.0, 0.36), (31.0, 0.24)):
        seen = np.clip(2.4 - away * scale / 40, 0, 1)
        wave = power * seen * (swell.read(across * scale * reach, away * scale * 0.8) - 0.5)
        height = height + wave
        chop = chop + (wave if scale > 4 else 0)
    depth = np.clip(drop / (1 - _HORIZON), 0, 1)
    facing = 0.56 - 0.27 * depth + height * (0.72 + (0.3 if stormy else 0))
    deep, mid = brief.palette.shaded[5], blend(brief.palette.shaded[3], light.sky[1], 0.5)
    colours = (
        times(blend(deep, light.sky[0], 0.3), 0.9),
        blend(deep, light.sky[0], 0.6),
        mid,
        light.sky[2],
        light.sky[3],
    )
    water = Ramp(colours, (0.0, 0.3, 0.55, 0.82, 1.0))(facing)
    lay(water, light.haze, np.clip(1 - drop / 0.08, 0, 1) ** 2 * 0.45)
    width = 0.035 + 0.3 * drop
    path = np.exp(-(((canvas.x - light_x) / width) ** 2))
    glitter = np.clip((chop + 0.25 * height - 0.02 - 0.05 * depth) * (9 + 8 * depth), 0, 1)
    lay(water, blend(light.glow, light.sun, 0.5), np.clip(path * glitter * 1.25, 0, 0.95))
    if stormy:
        foam = np.clip((height - 0.3) * 9, 0, 1) * np.clip(drop / 0.06, 0, 1)
        lay(water, blend(brief.palette.lit[0], light.haze, 0.3), foam * 0.8)
    return water


def _details(canvas: Canvas, brief: Brief, picture: Planes, light_x: float) -> Planes:
    stream = canvas.stream("details")
    sheet = Sheet(canvas, picture)
    dark = blend(brief.palette.shaded[6], (0.02, 0.03, 0.05), 0.55)
    side = -1 if light_x > canvas.aspect / 2 else 1
    if stream.random() < 0.5 or "boat" in brief.details:
        x = light_x + side * stream.uniform(0.14, 0.24) * canvas.aspect
        _boat(sheet, x, _HORIZON + 0.055, 0.105, dark, blend(brief.palette.light.sun, brief.palette.light.sky[2], 0.45))
    elif brief.hour != "night":
        flock(sheet, stream, light_x + side * 0.25 * canvas.aspect, 0.2, 7, dark)
    return sheet.planes()


def _boat(sheet: Sheet, x: float, y: float, tall: float, dark: Colour, sail: Colour) -> None:
    """A small sailing boat with its broken reflection."""

    def placed(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x + across * tall, y - up * tall) for across, up in points]

    for row in range(9):
        shift, reach = 0.05 * (-1) ** row, 0.3 - 0.026 * row
        down = -0.05 - 0.075 * row
        band = [(shift - reach, down), (shift + reach, down), (shift + reach * 0.8, down - 0.03)]
        sheet.polygon(placed([*band, (shift - reach * 0.8, down - 0.03)]), dark, 0.4 - 0.035 * row)
    hull = [(-0.34, 0.07), (-0.27, -0.02), (0.0, -0.045), (0.26, -0.02), (0.36, 0.09)]
    sheet.polygon(smooth(placed(hull)), dark)
    sheet.line(placed([(0.02, 0.05), (0.03, 1.0)]), 0.018 * tall, dark)
    sheet.polygon(smooth(placed([(0.05, 0.97), (0.16, 0.6), (0.34, 0.16), (0.05, 0.14)])), sail)
    sheet.polygon(smooth(placed([(0.0, 0.9), (-0.14, 0.5), (-0.28, 0.14), (0.0, 0.14)])), times(sail, 0.82))
