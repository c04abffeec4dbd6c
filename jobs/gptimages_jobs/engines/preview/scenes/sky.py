"""Skies that several scenes share: gradient with drifting cloud, glow, sun or moon, stars."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.canvas import Canvas, blur
from gptimages_jobs.engines.preview.colour import Colour, Plane, Planes, Ramp, lay
from gptimages_jobs.engines.preview.palette import Light


def gradient(canvas: Canvas, light: Light, horizon: float, drift: float = 0.16) -> Planes:
    """The sky from the top edge to the horizon, with streaks of cloud that shift its colours by `drift`."""
    cloud = canvas.noise("cloud", 2.2, 5, stretch=(0.7, 3.2)) - 0.5
    height = np.clip(canvas.y / horizon, 0, 1.2)
    return Ramp(light.sky, (0, 0.45, 0.8, 1))(height * 0.96 + drift * cloud)


def glow(canvas: Canvas, picture: Planes, light: Light, x: float, y: float, reach: float, strength: float) -> None:
    """Light around the sun, fading over `reach` heights."""
    away = canvas.far_from(x, y)
    lay(picture, light.glow, np.exp(-((away / reach) ** 2)) * strength)


def disc(canvas: Canvas, picture: Planes, colour: Colour, x: float, y: float, radius: float) -> None:
    """The sun or a plain moon."""
    lay(picture, colour, canvas.edge(radius - canvas.far_from(x, y), 1.6) * 0.96)


def moon(canvas: Canvas, picture: Planes, light: Light, x: float, y: float, radius: float) -> None:
    """A full moon with its seas and a faint ring of light."""
    away = canvas.far_from(x, y)
    lay(picture, light.glow, np.exp(-((away / (radius * 2.6)) ** 2)) * 0.35)
    seas = canvas.noise("moon", 11, 4) * 0.16 + 0.84
    lay(picture, np.stack([seas * channel for channel in light.sun]), canvas.edge(radius - away, 1.6))


def stars(canvas: Canvas, picture: Planes, horizon: float, number: int = 420) -> None:
    """Stars above the horizon, fewer and fainter towards it."""
    stream = canvas.stream("stars")
    across, up, power = stream.random(number), stream.random(number) ** 1.4, stream.random(number) ** 3
    spots = np.zeros((canvas.height, canvas.width), np.float32)
    rows = np.minimum((up * horizon * canvas.height).astype(int), canvas.height - 1)
    columns = np.minimum((across * canvas.width).astype(int), canvas.width - 1)
    size = canvas.height / 1000
    np.maximum.at(spots, (rows, columns), ((0.25 + power) * (1 - 0.7 * up)).astype(np.float32) * size**2)
    picture += blur(spots, max(0.55, 0.75 * size)) * np.float32(5.2)


def place(canvas: Canvas, name: str, low: float = 0.25, high: float = 0.75) -> float:
    """Where the sun stands from left to right, in heights."""
    return float(canvas.stream(name).uniform(low, high)) * canvas.aspect


def below(canvas: Canvas, outline: Plane) -> Plane:
    """How far each pixel lies below an outline of shape (1, width)."""
    return canvas.y - outline
