"""Maps of the ground: values that repeat without a seam and are read smoothly at any place, however near or far."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from gptimages_jobs.engines.preview.colour import Plane


class Relief:
    """A square map of values from 0 to 1 that repeats every `period` in both directions."""

    def __init__(self, values: npt.NDArray[np.float32], period: float) -> None:
        self._values = values
        self._scale = values.shape[0] / period

    def read(self, across: Plane, away: Plane) -> Plane:
        """Values at places on the ground, smoothly between the map's cells."""
        values, size = self._values, self._values.shape[0]
        column, row = across * self._scale % size, away * self._scale % size
        left, top = column.astype(np.int32), row.astype(np.int32)
        share, drop = column - left, row - top
        left, top = left % size, top % size
        right, bottom = (left + 1) % size, (top + 1) % size
        upper = values[top, left] * (1 - share) + values[top, right] * share
        lower = values[bottom, left] * (1 - share) + values[bottom, right] * share
        values_there: Plane = upper * (1 - drop) + lower * drop
        return values_there


def waves(stream: np.random.Generator, period: float, counts: tuple[int, ...], powers: tuple[float, ...]) -> Relief:
    """A map of long gentle waves; `counts` is how many cross a period, `powers` how strong each set is."""
    size = 96
    ticks = np.arange(size) * (2 * np.pi / size)
    total = np.zeros((size, size))
    for count, power in zip(counts, powers, strict=True):
        for _ in range(3):
            across, down = stream.integers(-count, count + 1), stream.integers(1, count + 1)
            total += power * np.cos(across * ticks[None] + down * ticks[:, None] + stream.uniform(0, 6.3))
    return _levelled(total, period)


def clouds(stream: np.random.Generator, period: float, cells: int, octaves: int = 5, fall: float = 0.5) -> Relief:
    """A map of blots, `cells` to a period, with finer ones in them that fade by `fall`."""
    size = 512
    total = np.zeros((size, size))
    for octave in range(octaves):
        count = cells * 2**octave
        if count > size // 2:
            break
        grid = np.pad(stream.random((count, count), np.float32), 3, mode="wrap")
        tile = -(-size // count)
        large = Image.fromarray(grid).resize(((count + 6) * tile,) * 2, Image.Resampling.BICUBIC)
        inner = large.crop((3 * tile, 3 * tile, (3 + count) * tile, (3 + count) * tile))
        total += fall**octave * np.asarray(inner.resize((size, size), Image.Resampling.BICUBIC))
    return _levelled(total, period)


def _levelled(values: npt.NDArray[np.float64], period: float) -> Relief:
    low, high = float(values.min()), float(values.max())
    return Relief(((values - low) / (high - low)).astype(np.float32), period)
