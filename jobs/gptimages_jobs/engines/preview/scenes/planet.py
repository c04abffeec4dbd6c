"""A planet in its night: bands or clouds under a low sun, a rim of air, stars and a far nebula, rings when asked for."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Plane, Planes, Ramp, blend, lay, spread, times
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.relief import clouds
from gptimages_jobs.engines.preview.scenes import sky

_SUN = np.array([-0.74, -0.4, 0.54])


def planet(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene; the subject is the planet."""
    stream = canvas.stream("layout")
    short = min(canvas.aspect, 1.0)
    x, y = canvas.aspect * stream.uniform(0.5, 0.62), stream.uniform(0.5, 0.58)
    size = short * stream.uniform(0.27, 0.33)
    ringed = "ring" in brief.details or stream.random() < 0.45
    picture = _deep_space(canvas, brief)
    globe, shade, cover = _globe(canvas, brief, x, y, size)
    away = canvas.far_from(x, y) / size
    turned = ((canvas.x - x) * _SUN[0] + (canvas.y - y) * _SUN[1]) / size
    air = np.exp(-np.maximum(away - 1, 0) / 0.05) * np.clip(0.35 + 0.75 * turned, 0, 1)
    lay(picture, brief.palette.ramp[1], air * 0.5)
    tilt = float(stream.uniform(-0.5, -0.2))
    ring = _ring(canvas, brief, x, y, size, tilt) if ringed else None
    if ring is not None:
        lay(picture, ring[0], ring[1])
    lay(picture, globe * shade, cover)
    if ring is not None:
        lay(picture, ring[0], ring[1] * np.clip(ring[2] * canvas.height * size / 2, 0, 1))
    _small_moon(canvas, brief, picture, x - size * 1.75, y - size * 1.05, size * 0.12)
    return Drawing(picture, cover if ring is None else np.maximum(cover, ring[1]))


def _deep_space(canvas: Canvas, brief: Brief) -> Planes:
    deep = brief.palette.ramp[6]
    drift = canvas.noise("drift", 1.8, 6, 0.55)
    folds = 1 - np.abs(2 * canvas.noise("folds", 2.2, 6, 0.55) - 1)
    dark = times(deep, 0.32)
    picture = Ramp((dark, times(deep, 0.62), times(blend(deep, brief.palette.ramp[4], 0.4), 0.85)))(drift)
    lay(picture, times(brief.palette.ramp[3], 0.75), np.clip(drift * folds**2 * 1.3 - 0.32, 0, 1) * 0.75)
    lay(picture, times(brief.palette.ramp[2], 0.8), np.clip(drift * folds**4 * 1.5 - 0.55, 0, 1) * 0.6)
    sky.stars(canvas, picture, 1.0, 900)
    return picture


def _globe(canvas: Canvas, brief: Brief, x: float, y: float, size: float) -> tuple[Planes, Plane, Plane]:
    """The planet's surface, the light on it, and how far it covers each pixel."""
    right, down = (canvas.x - x) / size, (canvas.y - y) / size
    reach = np.hypot(right, down)
    facing = np.sqrt(np.clip(1 - reach**2, 0, 1))
    tilt = float(canvas.stream("tilt").uniform(-0.45, 0.1))
    east = right * np.cos(tilt) + down * np.sin(tilt)
    south = down * np.cos(tilt) - right * np.sin(tilt)
    longitude = np.arctan2(east, facing + 1e-3)
    latitude = np.arcsin(np.clip(south, -1, 1))
    weather = clouds(canvas.stream("weather"), 4.0, 6, 6, 0.55)
    swirl = weather.read(longitude * 0.5 + 1, latitude * 1.6 + 1) - 0.5
    curl = weather.read(longitude * 1.6 + swirl, latitude * 4.2 + swirl * 1.2) - 0.5
    bands = latitude + 0.12 * swirl + 0.04 * curl
    belt = 0.5 + 0.3 * np.sin(bands * 11 + 1) + 0.16 * np.sin(bands * 23) + 0.1 * np.sin(bands * 51)
    surface = Ramp(brief.palette.ramp[:6])(0.16 + 0.6 * belt + 0.3 * curl + 0.16 * swirl)
    sunlight = np.clip(right * _SUN[0] + down * _SUN[1] + facing * _SUN[2] + 0.06, 0, 1)
    shade = 0.012 + 1.12 * sunlight**0.85
    rim = np.clip(reach, 0, 1) ** 6 * sunlight * 0.5
    lay(surface, blend(brief.palette.ramp[0], (1, 1, 1), 0.3), rim)
    return surface, shade, canvas.edge((1 - reach) * size, 1.5)


def _ring(canvas: Canvas, brief: Brief, x: float, y: float, size: float, tilt: float) -> tuple[Planes, Plane, Plane]:
    """Rings: colour, how dense, and how far each place lies in front of the planet (positive is nearer)."""
    dx, dy = canvas.x - x, canvas.y - y
    along = (dx * np.cos(tilt) + dy * np.sin(tilt)) / size
    across = (dy * np.cos(tilt) - dx * np.sin(tilt)) / size / 0.24
    radius = np.hypot(along, across)
    inside = np.clip((radius - 1.32) / 0.02, 0, 1) * np.clip((2.2 - radius) / 0.02, 0, 1)
    grooves = 0.6 + 0.22 * np.sin(radius * 38) + 0.18 * np.sin(radius * 91 + 1.3) + 0.12 * np.sin(radius * 173)
    gap = 1 - 0.85 * np.exp(-(((radius - 1.86) / 0.03) ** 2))
    behind = np.clip((along * -_SUN[0] + 0.1) * 3, 0, 1) * np.exp(-((across / 0.95) ** 2)) * (across < 0)
    colour = Ramp(brief.palette.ramp[:4])(0.2 + 0.5 * np.clip(radius - 1.3, 0, 1)) * (1 - 0.85 * behind)
    return colour * spread((0.92, 0.92, 0.92)), np.clip(inside * grooves * gap, 0, 1) * 0.9, across


def _small_moon(canvas: Canvas, brief: Brief, picture: Planes, x: float, y: float, size: float) -> None:
    right, down = (canvas.x - x) / size, (canvas.y - y) / size
    reach = np.hypot(right, down)
    facing = np.sqrt(np.clip(1 - reach**2, 0, 1))
    lit = np.clip(right * _SUN[0] + down * _SUN[1] + facing * _SUN[2], 0, 1)
    craters = 0.82 + 0.3 * (canvas.noise("craters", 40, 3) - 0.3)
    colour = spread(blend(brief.palette.ramp[1], (0.8, 0.8, 0.82), 0.5)) * (0.02 + lit * craters)
    lay(picture, colour, canvas.edge((1 - reach) * size, 1.4))
