"""Rain on a window at night, the town's lights out of focus behind it."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Colour, Planes, Ramp, lay, rgb, spread
from gptimages_jobs.engines.preview.drawing import Drawing

_DARK: tuple[Colour, ...] = (rgb("#0c1420"), rgb("#1b2635"), rgb("#0b1017"))


def rain(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene."""
    lights = Ramp(_DARK, (0, 0.55, 1))(canvas.y + 0 * canvas.x)
    stream = canvas.stream("lights")
    for _ in range(int(66 * canvas.aspect)):
        _disc(canvas, brief, lights, stream)
    lights = 1 - np.exp(-lights * 1.2)
    misted = 0.82 * canvas.blur(lights, 0.004) + 0.36 * canvas.blur(lights, 0.06)
    picture = misted * (0.93 + 0.12 * canvas.noise("breath", 3, 4))
    glass = _Glass(canvas, 1.1 * canvas.blur(lights, 0.02) + 0.35 * lights)
    drops = canvas.stream("drops")
    for _ in range(int(15 * canvas.aspect)):
        glass.trail(picture, drops)
    for _ in range(int(430 * canvas.aspect)):
        size = drops.uniform(0.0022, 0.0095) * (1.9 if drops.random() < 0.1 else 1)
        glass.drop(picture, drops.random() * canvas.aspect, drops.random(), size, drops.uniform(1.0, 1.3))
    return Drawing(picture)


def _window(canvas: Canvas, x: float, y: float, across: float, down: float) -> tuple[slice, slice]:
    rows = slice(max(0, int((y - down) * canvas.height)), max(0, int((y + down) * canvas.height) + 2))
    scale = canvas.width / canvas.aspect
    return rows, slice(max(0, int((x - across) * scale)), max(0, int((x + across) * scale) + 2))


def _disc(canvas: Canvas, brief: Brief, lights: Planes, stream: np.random.Generator) -> None:
    """One light out of focus: a disc a little brighter at its rim."""
    size, x = stream.uniform(0.018, 0.075), stream.uniform(0, canvas.aspect)
    y = float(np.clip(stream.normal(0.52, 0.17), 0.04, 0.96))
    colour = brief.palette.ramp[int(stream.integers(7))]
    rows, columns = _window(canvas, x, y, size * 1.05, size * 1.05)
    away = np.hypot(canvas.x[:, columns] - x, canvas.y[rows] - y)
    disc = canvas.edge(size - away, 2.5) * (0.55 + 0.45 * np.clip(away / size, 0, 1) ** 3)
    lights[:, rows, columns] += spread(colour) * (disc * stream.uniform(0.16, 1.0))


class _Glass:
    """The wet pane: drops show the lights upside down and small."""

    def __init__(self, canvas: Canvas, lights: Planes) -> None:
        self._canvas, self._lights = canvas, lights

    def drop(self, picture: Planes, x: float, y: float, size: float, tall: float) -> None:
        """A drop of half width `size`."""
        canvas = self._canvas
        rows, columns = _window(canvas, x, y, size, size * tall)
        right = (canvas.x[:, columns] - x) / size
        down = (canvas.y[rows] - y) / (size * tall)
        if right.size == 0 or down.size == 0:
            return
        away = np.hypot(right, down)
        cover = np.clip((1 - away) * size * canvas.height / 1.2, 0, 1)
        source_x = np.clip((x - right * 0.22 + 0 * down) / canvas.aspect, 0, 0.999) * canvas.width
        source_y = np.clip(0.5 - down * 0.42 + 0 * right, 0, 0.999) * canvas.height
        seen = self._lights[:, source_y.astype(int), source_x.astype(int)]
        seen = seen * (0.72 + 0.75 * np.clip(down, -0.6, 1)) * (1 - 0.6 * np.clip(away - 0.72, 0, 1))
        gleam = np.clip(1 - np.hypot(right + 0.34, down + 0.42) * 3.4, 0, 1) * 0.5
        lay(picture[:, rows, columns], seen + gleam, cover * 0.94)

    def trail(self, picture: Planes, stream: np.random.Generator) -> None:
        """The clear track of a drop that ran down, beads left behind in it."""
        canvas = self._canvas
        x, top, size = stream.random() * canvas.aspect, stream.uniform(-0.1, 0.5), stream.uniform(0.004, 0.008)
        long = stream.uniform(0.2, 0.6)
        sway = x + size * 1.5 * np.sin(canvas.y * stream.uniform(8, 20) + stream.uniform(0, 6))
        rows, columns = _window(canvas, x, top + long / 2, size * 4, long / 2)
        across = np.abs(canvas.x[:, columns] - sway[rows]) / size
        along = np.clip((canvas.y[rows] - top) / long, 0, 1)
        lay(picture[:, rows, columns], self._lights[:, rows, columns] * 0.9, np.clip(1.2 - across, 0, 1) * along * 0.75)
        for _ in range(9):
            self.drop(picture, x, top + long * stream.random(), size * stream.uniform(0.25, 0.5), 1.2)
        self.drop(picture, x, top + long, size * 1.45, 1.35)
