"""Birds: a heron that stands in shallow water with its reflection, and small ones far off."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.colour import Colour
from gptimages_jobs.engines.preview.sheet import Points, Sheet

# Outlines of a bird that looks right and is one unit tall: x to the right, y up from the feet.
_BODY = (
    (-0.34, 0.40),
    (-0.22, 0.50),
    (-0.06, 0.585),
    (0.06, 0.60),
    (0.125, 0.56),
    (0.135, 0.50),
    (0.07, 0.43),
    (-0.05, 0.385),
    (-0.18, 0.37),
    (-0.38, 0.345),
)
_NECK = ((0.08, 0.55), (0.15, 0.62), (0.145, 0.70), (0.085, 0.77), (0.065, 0.845), (0.115, 0.915))
_HEAD = ((0.07, 0.915), (0.115, 0.955), (0.17, 0.95), (0.37, 0.90), (0.185, 0.905), (0.12, 0.89))
_CREST = ((0.10, 0.94), (0.02, 0.925), (-0.06, 0.885))
_LEGS = (((-0.02, 0.40), (-0.005, 0.22), (-0.03, 0.0)), ((0.04, 0.41), (0.07, 0.21), (0.05, 0.0)))


def heron(sheet: Sheet, x: float, y: float, tall: float, colour: Colour, facing: int) -> None:
    """A heron whose feet stand at (x, y), `tall` heights high, facing right (1) or left (-1)."""
    for upward, opacity in ((1, 0.3), (-1, 1.0)):

        def placed(points: Points, upward: int = upward) -> Points:
            return np.array([(x + facing * across * tall, y + upward * up * tall) for across, up in points])

        sheet.polygon(placed(smooth(_BODY, closed=True)), colour, opacity)
        sheet.line(placed(smooth(_NECK)), 0.05 * tall, colour, opacity)
        sheet.polygon(placed(_HEAD), colour, opacity)
        sheet.line(placed(_CREST), 0.014 * tall, colour, opacity)
        for leg in _LEGS:
            sheet.line(placed(leg), 0.016 * tall, colour, opacity)


def flock(sheet: Sheet, stream: np.random.Generator, x: float, y: float, number: int, colour: Colour) -> None:
    """Small birds far off, two strokes each."""
    for _ in range(number):
        left, top = x + stream.normal(0, 0.07), y + stream.normal(0, 0.025)
        span, lift = stream.uniform(0.006, 0.013), stream.uniform(0.25, 0.55)
        wings = [(left - span, top - span * lift), (left, top), (left + span, top - span * lift)]
        sheet.line(smooth(wings), 0.0016, colour, 0.8)


def smooth(points: Points, closed: bool = False, steps: int = 6) -> Points:
    """The points joined by Catmull-Rom curves."""
    knots = np.asarray(points, float)
    ring = np.concatenate([knots[-1:], knots, knots[:2]]) if closed else np.concatenate([knots[:1], knots, knots[-1:]])
    pieces = []
    for before, start, end, after in zip(ring, ring[1:], ring[2:], ring[3:], strict=False):
        t = np.linspace(0, 1, steps, endpoint=False)[:, None]
        bend = (2 * before - 5 * start + 4 * end - after) * t**2 + (3 * start - before - 3 * end + after) * t**3
        pieces.append(0.5 * (2 * start + (end - before) * t + bend))
    return np.concatenate([*pieces, ring[-2:-1]])
