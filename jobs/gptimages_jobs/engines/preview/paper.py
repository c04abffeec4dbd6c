"""Cut paper: a sheet laid upon a picture with its shadow and its lit rim. Used by scenes and by the paper-cut treatment."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Plane, Planes, mix


def sheet_upon(canvas: Canvas, picture: Planes, paper: Planes, inside: Plane, depth: float = 1.0) -> Planes:
    """A sheet laid upon a picture where `inside` (distance into it, in heights) is positive; light from above left."""
    cover = canvas.edge(inside)
    down, right = (round(share * depth * canvas.height) for share in (0.010, 0.005))
    far = shifted(canvas.blur(cover, 0.013 * depth), down, right)
    close = shifted(canvas.blur(cover, 0.003 * depth), round(down / 4), round(right / 4))
    shadow = (0.4 * far + 0.22 * close) * (1 - cover)
    rim = np.clip(1 - np.abs(inside - 0.0012) / 0.0014, 0, 1) * min(1.0, canvas.height / 400)
    lit = np.minimum(paper + 0.09 * rim, 1)
    return mix(picture * (1 - shadow), lit, cover)


def fibres(canvas: Canvas, strength: float) -> Plane:
    """The grain of paper, to be multiplied with its colour."""
    return 1 + strength * (canvas.noise("fibres", 240, 2, stretch=(1, 1.6)) - 0.5)


def steepness(canvas: Canvas, field: Plane, least: float = 0.25) -> Plane:
    """How much a field changes per height; never below `least`, so that it can be divided by."""
    down, across = np.gradient(field)
    slope: Plane = np.maximum(np.hypot(down, across) * canvas.height, least)
    return slope


def shifted(plane: Plane, down: int, right: int) -> Plane:
    """The plane moved down and to the right; what comes in at the rim repeats the rim."""
    height, width = plane.shape
    return np.pad(plane, ((down, 0), (right, 0)), mode="edge")[:height, :width]
