"""Hard-edged shapes for the preview engine: polygons and lines that Pillow draws larger and that are then reduced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Colour, Plane, Planes

Points = Sequence[tuple[float, float]] | npt.NDArray[np.floating[Any]]

_LEAST_HEIGHT = 512
"""Pixels: small drawings are reduced from at least this height, so that thin lines stay as thin as in the large one."""


_MOST = 8


def factor(canvas: Canvas, least: int = 2) -> int:
    """How many times larger than the canvas a sheet is."""
    return max(least, min(_MOST, -(-_LEAST_HEIGHT // canvas.height)))


class Sheet:
    """A picture to draw coloured shapes on; all lengths in heights."""

    def __init__(self, canvas: Canvas, ground: Planes) -> None:
        times = factor(canvas)
        self._canvas = canvas
        self._scale = times * canvas.height
        base = to_image(ground)
        self._image = base.resize((canvas.width * times, canvas.height * times), Image.Resampling.BILINEAR)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def polygon(self, points: Points, colour: Colour, opacity: float = 1.0) -> None:
        """A filled shape."""
        scaled = (np.asarray(points) * self._scale).ravel().tolist()
        self._draw.polygon(scaled, fill=_ink(colour, opacity))

    def line(self, points: Points, width: float, colour: Colour, opacity: float = 1.0) -> None:
        """A line through the points."""
        scaled = (np.asarray(points) * self._scale).ravel().tolist()
        self._draw.line(scaled, fill=_ink(colour, opacity), width=max(1, round(width * self._scale)), joint="curve")

    def strokes(self, paths: npt.NDArray[np.float64], width: float, colours: Planes, opacity: float) -> None:
        """Many lines of one width: `paths` is (lines, points, 2), `colours` is (lines, 3)."""
        scaled = (paths.reshape(len(paths), -1) * self._scale).tolist()
        inks = np.clip(colours * 255 + 0.5, 0, 255).astype(int).tolist()
        alpha, thick = int(opacity * 255), max(1, round(width * self._scale))
        for points, (red, green, blue) in zip(scaled, inks, strict=True):
            self._draw.line(points, fill=(red, green, blue, alpha), width=thick)

    def ellipse(self, x: float, y: float, across: float, down: float, colour: Colour, opacity: float = 1.0) -> None:
        """A filled ellipse about a middle, with its two half axes."""
        box = np.array([x - across, y - down, x + across, y + down]) * self._scale
        self._draw.ellipse(box.tolist(), fill=_ink(colour, opacity))

    def planes(self) -> Planes:
        """What was drawn, at the canvas' size."""
        times = self._image.width // self._canvas.width
        return to_planes(self._image.reduce(times) if times > 1 else self._image)


def cover(canvas: Canvas, shapes: Iterable[Points]) -> Plane:
    """How far each pixel lies within any of the polygons, 0 to 1."""
    times = factor(canvas, 3)
    image = Image.new("L", (canvas.width * times, canvas.height * times), 0)
    draw = ImageDraw.Draw(image)
    for points in shapes:
        draw.polygon((np.asarray(points) * canvas.height * times).ravel().tolist(), fill=255)
    return np.asarray(image.reduce(times), np.float32) / 255


def to_image(planes: Planes) -> Image.Image:
    """Planes as an 8-bit RGB picture."""
    pixels = np.clip(planes * 255 + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def to_planes(image: Image.Image) -> Planes:
    """An RGB picture as planes."""
    return np.ascontiguousarray(np.asarray(image, np.float32).transpose(2, 0, 1)) / 255


def _ink(colour: Colour, opacity: float) -> tuple[int, int, int, int]:
    red, green, blue, alpha = (int(min(max(part, 0), 1) * 255 + 0.5) for part in (*colour, opacity))
    return red, green, blue, alpha
