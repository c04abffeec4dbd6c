"""Wind over a field of barley, seen from above: thousands of stalks that lie as the air lays them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Plane, Ramp, blend
from gptimages_jobs.engines.preview.drawing import Drawing
from gptimages_jobs.engines.preview.relief import Relief, clouds
from gptimages_jobs.engines.preview.sheet import Sheet

_STEPS = 14
_WHOLE = 160
"""Pixels: lower pictures show fewer stalks, thicker, for nobody could count them."""
_THUMB = 40


def barley(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene."""
    stream = canvas.stream("stalks")
    flow = clouds(canvas.stream("flow"), 2.6, 4, 3, 0.42)
    tone = clouds(canvas.stream("tone"), 2.2, 4, 3, 0.5)
    number = int(4300 * canvas.aspect)
    feet = stream.random((number, 2)) * np.array([canvas.aspect + 0.3, 1.3]) - np.array([0.2, 0.1])
    feet = feet[np.argsort(feet[:, 1])]
    paths = _paths(feet, flow, stream.uniform(0.0075, 0.0125, number), float(stream.uniform(-0.2, 0.2)))
    ramp = Ramp(brief.palette.lit[::-1])
    shine = tone.read(feet[:, 0], feet[:, 1]) * 1.12 - 0.2 + stream.normal(0, 0.09, number) + 0.12 * feet[:, 1]
    widths = stream.uniform(0.0016, 0.0036, number)
    ground = Ramp([blend(colour, (0, 0, 0), 0.25) for colour in brief.palette.lit[:3:-1]])
    sheet = Sheet(canvas, ground(tone.read(canvas.x + 0 * canvas.y, canvas.y + 0 * canvas.x) * 0.8))
    _stalks(canvas, sheet, ramp, paths, shine, widths, stream.random(number) < 0.3)
    return Drawing(sheet.planes())


def _paths(feet: Plane, flow: Relief, steps: Plane, turn: float) -> Plane:
    """The course of every stalk: _STEPS + 1 points each, shape (points, stalks, 2)."""
    points = [feet]
    for _ in range(_STEPS):
        here = points[-1]
        angle = -0.75 + turn + 2.3 * (flow.read(here[:, 0], here[:, 1]) - 0.5)
        points.append(here + np.stack([np.cos(angle), np.sin(angle)], 1) * steps[:, None])
    return np.stack(points)


def _stalks(
    canvas: Canvas, sheet: Sheet, ramp: Ramp, paths: Plane, shine: Plane, widths: Plane, eared: npt.NDArray[np.bool_]
) -> None:
    """Each stalk with its shadow, darker at the foot; some bear ears."""
    places = np.clip(shine, 0, 1).tolist()
    every = 1 if canvas.height >= _WHOLE else 2 if canvas.height >= _THUMB else 8
    widths = widths * every
    for index in range(0, len(shine), every):
        place = places[index]
        colour = ramp.at(0.12 + 0.88 * place)
        path = paths[:, index]
        sheet.line(path + 0.0022, widths[index] * 1.3, ramp.at(0.0), 0.28)
        sheet.line(path, widths[index], colour, 0.9)
        sheet.line(path[: _STEPS // 2], widths[index], ramp.at(place * 0.6), 0.35)
        if eared[index] and place > 0.4:
            _ear(sheet, path, widths[index], ramp.at(min(1, place + 0.14)))


def _ear(sheet: Sheet, path: Plane, width: float, colour: tuple[float, float, float]) -> None:
    """The ear at a stalk's tip, with awns on both sides."""
    along = path[-1] - path[-4]
    across = np.array([-along[1], along[0]])
    for share in (0.0, 0.25, 0.5, 0.75):
        root = path[-4] + along * share
        for side in (-1, 1):
            sheet.line(np.stack([root, root + along * 0.75 + across * 0.22 * side]), width * 0.5, colour, 0.8)
    sheet.line(np.stack([path[-4], path[-1]]), width * 1.5, colour)
