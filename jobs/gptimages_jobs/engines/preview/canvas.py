"""The canvas of the preview engine: coordinates, seeded noise, soft edges and blur, the same at every resolution.

Lengths are in picture heights: y runs from 0 to 1, x from 0 to `aspect`. All that is random comes from streams
named by their purpose and is drawn independently of the resolution, so that a small drawing and a large one with
the same seed show the same picture.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from PIL import Image

from gptimages_jobs.engines.preview.colour import Plane, Planes

_GAUGE = 96
"""Pixels of the small picture on which noise is gauged, so that its range does not depend on the resolution."""


class Canvas:
    """A drawing surface of `width` by `height` pixels whose nominal shape is `aspect` (width over height)."""

    def __init__(self, width: int, height: int, aspect: float, seed: int) -> None:
        self.width = width
        self.height = height
        self.aspect = aspect
        self.seed = seed
        self.x: Plane = ((np.arange(width, dtype=np.float32) + 0.5) * (aspect / width)).reshape(1, -1)
        self.y: Plane = ((np.arange(height, dtype=np.float32) + 0.5) / height).reshape(-1, 1)

    def stream(self, name: str) -> np.random.Generator:
        """The random numbers for one purpose; the same name gives the same numbers again."""
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8]))

    def noise(
        self, name: str, cells: float, octaves: int = 5, fall: float = 0.5, stretch: tuple[float, float] = (1, 1)
    ) -> Plane:
        """Cloudy values from 0 to 1: about `cells` blots along the root of the area, finer ones fading by `fall`.

        `stretch` multiplies the number of blots across and down.
        """
        root = math.sqrt(self.aspect)
        across, down = cells * stretch[0] * root, cells * stretch[1] / root
        gauge = (round(_GAUGE * root) + 1, round(_GAUGE / root) + 1)
        return self._octaves(name, (across, down), (self.width, self.height), gauge, octaves, fall)

    def profile(self, name: str, cells: float, octaves: int = 6, fall: float = 0.5) -> Plane:
        """One row of noise, as the outline of a ridge has it: about `cells` swings across the picture, shape (1, width)."""
        return self._octaves(name, (cells, 0), (self.width, 1), (_GAUGE * 2, 1), octaves, fall)

    def _octaves(
        self,
        name: str,
        cells: tuple[float, float],
        size: tuple[int, int],
        gauge: tuple[int, int],
        octaves: int,
        fall: float,
    ) -> Plane:
        stream = self.stream(name)
        total, gauged = np.zeros(size[::-1], np.float32), np.zeros(gauge[::-1], np.float32)
        for octave in range(octaves):
            across = max(2, int(cells[0] * 2**octave) + 2)
            down = max(2, int(cells[1] * 2**octave) + 2) if cells[1] else 1
            grid = Image.fromarray(stream.random((down, across), np.float32) * np.float32(fall**octave))
            total += np.asarray(grid.resize(size, Image.Resampling.BICUBIC))
            gauged += np.asarray(grid.resize(gauge, Image.Resampling.BICUBIC))
        low, high = float(gauged.min()), float(gauged.max())
        return np.clip((total - low) / (high - low), 0, 1)

    def edge(self, inside: Plane, softness: float = 1.3) -> Plane:
        """How much of each pixel is covered where `inside` is the distance into a shape, in heights."""
        cover: Plane = np.clip(inside * (self.height / softness) + 0.5, 0, 1)
        return cover

    def far_from(self, x: float, y: float, squeeze: float = 1.0) -> Plane:
        """The distance of each pixel from a point, heights above and below counted `squeeze` times."""
        away: Plane = np.hypot(self.x - x, (self.y - y) * squeeze)
        return away

    def blur(self, picture: Planes, radius: float) -> Planes:
        """Gaussian blur of a plane or of planes; `radius` is the standard deviation in heights."""
        return blur(picture, radius * self.height)


def resize(picture: Planes, width: int, height: int, how: Image.Resampling = Image.Resampling.BICUBIC) -> Planes:
    """A plane or planes at another size."""
    if picture.ndim == 3:
        return np.stack([resize(plane, width, height, how) for plane in picture])
    flat = np.ascontiguousarray(picture, np.float32)
    return np.asarray(Image.fromarray(flat).resize((width, height), how))


def blur(picture: Planes, sigma: float) -> Planes:
    """Gaussian blur, `sigma` in pixels; wide ones are done on a smaller picture, which nobody can tell."""
    if sigma < 0.3:
        return picture
    if picture.ndim == 3:
        return np.stack([blur(plane, sigma) for plane in picture])
    height, width = picture.shape
    shrink = min(max(1, int(sigma / 1.6)), max(1, min(width, height) // 4))
    if shrink == 1:
        return _convolve(_convolve(picture, sigma, 0), sigma, 1)
    small = resize(picture, max(2, width // shrink), max(2, height // shrink), Image.Resampling.BOX)
    small = _convolve(_convolve(small, sigma / shrink, 0), sigma / shrink, 1)
    return resize(small, width, height)


def _convolve(plane: Plane, sigma: float, axis: int) -> Plane:
    reach = max(1, math.ceil(sigma * 2.5))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    pads = [(0, 0), (0, 0)]
    pads[axis] = (reach, reach)
    padded = np.pad(plane.astype(np.float32, copy=False), pads, mode="edge")
    length = plane.shape[axis]
    out = np.zeros(plane.shape, np.float32)
    for offset, weight in enumerate(weights):
        out += weight * (padded[offset : offset + length] if axis == 0 else padded[:, offset : offset + length])
    return out
