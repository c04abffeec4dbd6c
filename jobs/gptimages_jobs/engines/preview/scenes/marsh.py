"""A marsh, a lake shore or an estuary in low light: sky doubled in still water, tussocks, reeds and one heron."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Colour, Plane, Planes, Ramp, blend, lay, mix, times
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.relief import Relief, clouds
from gptimages_jobs.engines.preview.scenes import sky
from gptimages_jobs.engines.preview.scenes.birds import heron
from gptimages_jobs.engines.preview.sheet import Sheet

_HORIZON = 0.4
_GROUND_FROM = 0.56
"""Where the ground's map is above this, tussocks stand out of the water."""


def marsh(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene."""
    light = brief.palette.light
    sun_x = sky.place(canvas, "sun", 0.55, 0.75)
    land = clouds(canvas.stream("land"), 26.0, 14, 5, 0.52)
    picture = sky.gradient(canvas, light, _HORIZON, 0.2)
    sky.glow(canvas, picture, light, sun_x, _HORIZON - 0.035, 0.28, 0.72)
    if brief.hour == "night":
        sky.stars(canvas, picture, _HORIZON)
        sky.moon(canvas, picture, light, sun_x, 0.16, 0.045)
    elif brief.hour != "day":
        sky.disc(canvas, picture, light.sun, sun_x, _HORIZON - 0.035, 0.036)
    _shore(canvas, brief, picture)
    top = int(_HORIZON * canvas.height)
    ground = _Ground(canvas, brief, land, sun_x, top)
    lay(picture[:, top:], ground.planes(), canvas.edge(canvas.y[top:] - _HORIZON, 1.2))
    return Drawing(_living(canvas, brief, picture, land, sun_x))


def _shore(canvas: Canvas, brief: Brief, picture: Planes) -> None:
    light = brief.palette.light
    far = blend(brief.palette.shaded[4], blend(light.haze, light.sky[1], 0.6), 0.55)
    near = blend(brief.palette.shaded[6], light.sky[0], 0.35)
    for name, height, colour in (("far shore", 0.045, far), ("shore", 0.022, near)):
        outline = _HORIZON - 0.006 - height * canvas.profile(name, 6 * canvas.aspect, 7, 0.5)
        lay(picture, colour, canvas.edge(canvas.y - outline, 1.2) * 0.9)


def land_at(land: Relief, across: Plane, away: Plane) -> Plane:
    """How far the ground rises at a place: blots, and the frayed edges that they have near to."""
    rise: Plane = (
        land.read(across, away)
        + 0.1 * (land.read(across * 6, away * 6) - 0.5)
        + 0.035 * (land.read(across * 29, away * 29) - 0.5)
    )
    return rise


class _Ground:
    """Everything below the horizon, drawn in perspective."""

    def __init__(self, canvas: Canvas, brief: Brief, land: Relief, sun_x: float, top: int) -> None:
        self._canvas, self._brief, self._land, self._sun_x, self._top = canvas, brief, land, sun_x, top
        self._drop = np.maximum(canvas.y[top:] - _HORIZON, 0)
        self._away = 1 / (self._drop + 0.018)
        self._across = (canvas.x - canvas.aspect / 2) * self._away

    def planes(self) -> Planes:
        """Water with tussocks in it."""
        rise = land_at(self._land, self._across, self._away)
        footprint = self._away / self._canvas.height * 1.2 + 0.004
        cover = np.clip((rise - _GROUND_FROM) / footprint + 0.5, 0, 1)
        wet = np.clip(1 - np.abs(rise - _GROUND_FROM + 0.012) / 0.014, 0, 1) * (1 - cover)
        picture = mix(self._water(), self._tussocks(rise), cover)
        lay(picture, self._brief.palette.light.glow, wet * 0.55)
        return picture

    def _water(self) -> Planes:
        canvas, light = self._canvas, self._brief.palette.light
        swell = canvas.noise("swell", 6, 4, stretch=(0.5, 7))[self._top :] - 0.5
        depth = np.clip(self._drop / (1 - _HORIZON), 0, 1)
        water = Ramp(light.sky, (0, 0.45, 0.8, 1))(0.97 - 0.92 * depth + 0.07 * swell) * np.float32(0.93)
        width = 0.04 + 0.13 * self._drop
        path = np.exp(-(((canvas.x - self._sun_x) / width) ** 2))
        glitter = np.clip((canvas.noise("glitter", 13, 4, stretch=(0.6, 9))[self._top :] - 0.46) * 9, 0, 1)
        lay(water, light.glow, path * glitter * 0.8)
        return water

    def _tussocks(self, rise: Plane) -> Planes:
        ramp = Ramp(self._brief.palette.lit)
        fine = self._land.read(self._across * 17, self._away * 11) - 0.5
        finer = self._land.read(self._across * 61, self._away * 23) - 0.5
        tone = 0.74 - 2.1 * (rise - _GROUND_FROM) + 0.3 * fine + 0.22 * finer * np.clip(self._drop / 0.2, 0, 1)
        picture = ramp(tone)
        haze = np.clip(1 - self._drop / 0.28, 0, 1) ** 2
        lay(picture, self._brief.palette.light.glow, haze * 0.55)
        return picture


def _living(canvas: Canvas, brief: Brief, picture: Planes, land: Relief, sun_x: float) -> Planes:
    sheet = Sheet(canvas, picture)
    _grass(canvas, brief, sheet, land)
    if "heron" in brief.details or canvas.stream("heron at all").random() < 0.5:
        x, y = _standing_place(canvas, land, sun_x)
        dark = blend(brief.palette.shaded[6], (0.05, 0.06, 0.08), 0.6)
        heron(sheet, x, y, 0.055 + 0.2 * (y - _HORIZON), dark, facing=1 if x < sun_x else -1)
    _reeds(canvas, brief, sheet, left=sun_x > canvas.aspect / 2)
    return sheet.planes()


def _rise_at(canvas: Canvas, land: Relief, x: Plane, y: Plane) -> Plane:
    away = 1 / (np.maximum(y - _HORIZON, 0) + 0.018)
    return land_at(land, (x - canvas.aspect / 2) * away, away)


def _standing_place(canvas: Canvas, land: Relief, sun_x: float) -> tuple[float, float]:
    """A place in shallow water, away from the sun's path and not at the picture's rim."""
    stream = canvas.stream("heron")
    x = stream.uniform(0.16, 0.84, 200) * canvas.aspect
    y = stream.uniform(0.6, 0.74, 200)
    tall = 0.055 + 0.2 * (y - _HORIZON)
    rise = _rise_at(canvas, land, x, y)
    under = [_rise_at(canvas, land, x, y + share * tall) for share in (0.35, 0.7, 1.0)]
    drowned = np.maximum.reduce(under) > _GROUND_FROM - 0.01
    crowded = np.abs(x - sun_x) < 0.14 * canvas.aspect
    best = int(np.argmin(np.abs(rise - _GROUND_FROM + 0.05) + 0.5 * crowded + 0.3 * drowned))
    return float(x[best]), float(y[best])


def _grass(canvas: Canvas, brief: Brief, sheet: Sheet, land: Relief) -> None:
    stream = canvas.stream("grass")
    number = int(6800 * canvas.aspect)
    x, drop = stream.random(number) * canvas.aspect, 0.03 + 0.6 * stream.random(number) ** 0.8
    order = np.argsort(drop)
    x, y = x[order], _HORIZON + drop[order]
    rise = _rise_at(canvas, land, x, y)
    tones, leans = stream.random(number), stream.normal(0, 0.3, number)
    ramp = Ramp(brief.palette.lit)
    for index in np.flatnonzero(rise > _GROUND_FROM + 0.006):
        scale = (y[index] - _HORIZON) / 0.6
        tall = (0.006 + 0.056 * scale) * (0.5 + tones[index])
        foot, lean = (x[index], y[index]), leans[index] * tall
        tip = (foot[0] + lean, foot[1] - tall)
        bend = (foot[0] + lean * 0.3, foot[1] - tall * 0.6)
        colour = ramp.at(0.2 + 0.62 * tones[index] + 0.1 * (1 - scale))
        sheet.line([foot, bend, tip], 0.0006 + 0.0013 * scale, colour, 0.35 + 0.5 * min(1, 2 * scale))


def _reeds(canvas: Canvas, brief: Brief, sheet: Sheet, left: bool) -> None:
    stream = canvas.stream("reeds")
    lit, dark = brief.palette.lit[3], blend(brief.palette.shaded[6], (0.04, 0.04, 0.05), 0.35)
    for _ in range(46):
        inward = stream.exponential(0.09) * canvas.aspect
        foot_x = inward - 0.02 if left else canvas.aspect - inward + 0.02
        tall = stream.uniform(0.16, 0.46) * np.exp(-inward / 0.5)
        lean = stream.normal(0.12 if left else -0.12, 0.14) * tall
        colour = blend(dark, lit, float(stream.random() ** 2 * 0.55))
        ticks = np.linspace(0, 1, 9)
        spine = np.stack([foot_x + lean * ticks**2, 1.02 - tall * ticks], 1)
        sheet.line(spine, 0.0026 * stream.uniform(0.6, 1.2), colour)
        if stream.random() < 0.45:
            _plume(sheet, spine, tall, times(colour, 1.2), stream)


def _plume(sheet: Sheet, spine: Plane, tall: float, colour: Colour, stream: np.random.Generator) -> None:
    """The feathery head of a reed: fine strokes that leave the stem near its top and droop to one side."""
    side = 1 if stream.random() < 0.5 else -1
    stem = spine[-1] - spine[-3]
    for share in np.linspace(0, 1, 22):
        start = spine[-1] - stem * share * 0.9
        reach = 0.05 * tall * (0.35 + np.sin(share * 2.6)) * stream.uniform(0.8, 1.2)
        bend = start + np.array([side * reach * 0.35, -reach * 0.55])
        end = start + np.array([side * reach * 0.95, -reach * 0.35])
        sheet.line(np.stack([start, bend, end]), 0.0016, colour, 0.85)
