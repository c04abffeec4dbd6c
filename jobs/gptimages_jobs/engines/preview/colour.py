"""Colour for the preview engine: pictures as float planes, ramps of colours, mixing, and tinting in OKLab.

A picture is `Planes`, an array (3, height, width) of sRGB values from 0 to 1; a `Plane` is (height, width).
Channels come first because NumPy multiplies a mask over them several times faster than over a last axis of three.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.floating[Any]]
Planes = npt.NDArray[np.floating[Any]]
Colour = tuple[float, float, float]

LUT_SIZE = 2048

# Björn Ottosson's OKLab: linear sRGB to cone response, and cube-rooted cone response to Lab.
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_LUMA = (0.299, 0.587, 0.114)


def rgb(code: str) -> Colour:
    """The colour of a code such as "#f4c98f"."""
    digits = code.lstrip("#")
    red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red, green, blue


def spread(colour: Colour | Planes) -> Planes:
    """A single colour shaped so that it mixes with planes; planes as they are."""
    return np.array(colour, np.float32).reshape(3, 1, 1) if isinstance(colour, tuple) else colour


def mix(under: Planes, over: Colour | Planes, cover: Plane | float) -> Planes:
    """`over` laid upon `under` as far as `cover` (0 to 1) says."""
    return under + (spread(over) - under) * cover


def lay(picture: Planes, over: Colour | Planes, cover: Plane | float) -> None:
    """As `mix`, but into `picture` itself, which saves a copy."""
    picture += (spread(over) - picture) * cover


def blend(one: Colour, other: Colour, share: float) -> Colour:
    """The colour at `share` of the way from `one` to `other`."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def times(colour: Colour, factor: Colour | float) -> Colour:
    """`colour` under a light, or made lighter or darker; kept within 0 to 1."""
    factors = (factor, factor, factor) if isinstance(factor, float | int) else factor
    red, green, blue = (min(1.0, a * b) for a, b in zip(colour, factors, strict=True))
    return red, green, blue


def luma(picture: Planes) -> Plane:
    """How light each pixel looks (Rec. 601 weights on sRGB values)."""
    light: Plane = picture[0] * _LUMA[0] + picture[1] * _LUMA[1] + picture[2] * _LUMA[2]
    return light


class Ramp:
    """Colours along 0 to 1, evenly spaced unless `at` says where each one stands."""

    def __init__(self, colours: Sequence[Colour], at: Sequence[float] | None = None) -> None:
        places = np.linspace(0, 1, len(colours)) if at is None else np.asarray(at)
        steps = np.linspace(0, 1, LUT_SIZE)
        table = [np.interp(steps, places, [colour[channel] for colour in colours]) for channel in range(3)]
        self._table = np.asarray(table, np.float32)

    def __call__(self, place: Plane) -> Planes:
        """The colour at each place; places outside 0 to 1 take the end colours."""
        index = np.clip(place * (LUT_SIZE - 1), 0, LUT_SIZE - 1).astype(np.int32)
        return np.stack([np.take(channel, index) for channel in self._table])

    def at(self, place: float) -> Colour:
        """The one colour at `place`."""
        red, green, blue = self._table[:, int(np.clip(place, 0, 1) * (LUT_SIZE - 1))].tolist()
        return red, green, blue


def to_lab(colour: Colour) -> tuple[float, float, float]:
    """Lightness, green to red and blue to yellow in OKLab."""
    srgb = np.asarray(colour)
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    light, green_red, blue_yellow = (_TO_LAB @ np.cbrt(_TO_CONES @ linear)).tolist()
    return light, green_red, blue_yellow


def from_lab(lab: tuple[float, float, float]) -> Colour:
    """The sRGB colour of an OKLab triple, clipped into the gamut."""
    linear = np.linalg.solve(_TO_CONES, np.linalg.solve(_TO_LAB, np.asarray(lab)) ** 3)
    linear = np.clip(linear, 0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = np.clip(srgb, 0, 1).tolist()
    return red, green, blue


def tint(colour: Colour, anchors: Sequence[Colour], strength: float) -> Colour:
    """`colour` with its lightness kept and its hue drawn towards those anchors that are about as light, vivid ones first."""
    if not anchors:
        return colour
    light, green_red, blue_yellow = to_lab(colour)
    labs = np.array([to_lab(anchor) for anchor in anchors])
    vivid = 0.03 + np.hypot(labs[:, 1], labs[:, 2])
    weight = vivid * np.exp(-(((labs[:, 0] - light) / 0.1) ** 2)) + vivid * 2e-2
    weight = weight**3
    target = (labs * weight[:, None]).sum(0) / weight.sum()
    edge = min(1.0, 4.2 * light, 4.2 * (1.04 - light))
    return from_lab(
        (
            light,
            green_red + (float(target[1]) * edge - green_red) * strength,
            blue_yellow + (float(target[2]) * edge - blue_yellow) * strength,
        )
    )
