"""Still life: pebbles stacked on a table, in the light of a window that is not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gptimages_jobs.engines.preview.brief import Brief
from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Colour, Plane, Planes, Ramp, lay, spread, times
from gptimages_jobs.engines.preview.drawing import Drawing

_TABLE = 0.68
_LIGHT = np.array([-0.6, -0.62, 0.5]) / np.sqrt(0.6**2 + 0.62**2 + 0.5**2)
_BY_SIZE = (4, 2, 0, 6, 3, 1, 5)
"""Which pigment each stone has, from the lowest up."""


@dataclass(frozen=True, slots=True)
class _Stone:
    """A pebble: its middle, half axes, tilt in radians, the unevenness of its outline, and its colour."""

    x: float
    y: float
    across: float
    down: float
    tilt: float
    waves: tuple[float, float, float]
    colour: Colour


def stones(canvas: Canvas, brief: Brief) -> Drawing:
    """Draws the scene; the subject is the stack of stones."""
    pile = _pile(canvas, brief)
    picture = _room(canvas, brief, pile[0])
    subject = np.zeros((canvas.height, canvas.width), np.float32)
    for index, stone in enumerate(pile):
        above = pile[index + 1] if index + 1 < len(pile) else None
        _draw(canvas, brief, picture, subject, stone, above, index)
    return Drawing(picture, subject)


def _pile(canvas: Canvas, brief: Brief) -> list[_Stone]:
    stream = canvas.stream("pile")
    number = min(7, brief.number or int(stream.integers(3, 6)))
    short = min(canvas.aspect, 1.0)
    shrink = 0.72 if number > 4 else 0.78
    across = [0.235 * short * shrink**index * stream.uniform(0.9, 1.1) for index in range(number)]
    down = [size * stream.uniform(0.56, 0.74) + 0.012 * short for size in across]
    fit = min(1.0, 0.66 / (2 * sum(down)))
    x, y = canvas.aspect * stream.uniform(0.46, 0.56), 0.83
    pile: list[_Stone] = []
    for index in range(number):
        half, rise = across[index] * fit, down[index] * fit
        y -= rise * (1 if index == 0 else 0.955)
        waves = (float(stream.uniform(0.01, 0.04)), float(stream.uniform(0, 6.3)), float(stream.uniform(0, 6.3)))
        colour = brief.palette.ramp[_BY_SIZE[index]]
        pile.append(_Stone(x, y, half, rise, float(stream.normal(0, 0.07)), waves, colour))
        y -= rise * 0.955
        x += float(stream.uniform(-0.2, 0.2)) * half
    return pile


def _room(canvas: Canvas, brief: Brief, lowest: _Stone) -> Planes:
    """Wall with a bar of light, table, and the shadow that the stack throws."""
    ramp, light = brief.palette.ramp, brief.palette.light
    wall = Ramp((times(ramp[1], 0.86), times(ramp[0], 0.94)))(canvas.y / _TABLE + 0 * canvas.x)
    beam = canvas.x - canvas.y * 0.42 - lowest.x + 0.12
    bar = np.clip((0.21 - np.abs(beam)) / 0.035, 0, 1) * np.clip(np.abs(beam + 0.02) / 0.012 - 0.6, 0, 1)
    plaster = canvas.noise("plaster", 14, 5, 0.6) - 0.5
    wall = wall * ((0.72 + 0.36 * canvas.blur(bar, 0.012)) * (1 + 0.05 * plaster)) * spread(light.key)
    depth = np.clip((canvas.y - _TABLE) / (1 - _TABLE), 0, 1)
    grain = canvas.noise("grain", 3, 6, 0.6, stretch=(0.5, 16)) - 0.5
    table = Ramp((times(ramp[3], 0.86), times(ramp[5], 0.8)))(depth + 0 * canvas.x)
    table = table * (1 + 0.16 * grain) * spread(light.key)
    on_table = canvas.edge(canvas.y - _TABLE, 2.2)
    lay(wall, table, on_table)
    wall *= 1 - 0.3 * np.exp(-(np.maximum(_TABLE - canvas.y, 0) / 0.012)) * (1 - on_table)
    return wall * (1 - _thrown(canvas, lowest))


def _thrown(canvas: Canvas, stone: _Stone) -> Plane:
    foot = stone.y + stone.down * 0.93
    long_x = (canvas.x - stone.x - stone.across * 0.95) / (stone.across * 1.95)
    long_y = (canvas.y - foot + 0.004) / (stone.down * 0.34)
    soft = np.clip(1.18 - np.hypot(long_x, long_y), 0, 1)
    near_x = (canvas.x - stone.x - stone.across * 0.1) / (stone.across * 0.98)
    close = np.clip(1.1 - np.hypot(near_x, (canvas.y - foot) / (stone.down * 0.16)), 0, 1)
    shadow = np.clip(0.66 * np.clip(soft * 1.7, 0, 1) + 0.6 * np.clip(close * 2, 0, 1), 0, 0.86)
    return canvas.blur(shadow, 0.008)


def _draw(
    canvas: Canvas, brief: Brief, picture: Planes, subject: Plane, stone: _Stone, above: _Stone | None, index: int
) -> None:
    cos, sin = np.cos(stone.tilt), np.sin(stone.tilt)
    dx, dy = canvas.x - stone.x, canvas.y - stone.y
    right, down = (dx * cos + dy * sin) / stone.across, (dy * cos - dx * sin) / stone.down
    turn = np.arctan2(down, right)
    uneven, first, second = stone.waves
    squared = (np.abs(right) ** 2.35 + np.abs(down) ** 2.35) ** (1 / 2.35)
    reach = squared / (1 + uneven * np.sin(2 * turn + first) + 0.5 * uneven * np.sin(3 * turn + second))
    cover = canvas.edge((1 - reach) * stone.down, 1.4)
    facing = np.sqrt(np.clip(1 - np.minimum(reach, 1) ** 2, 0, 1))
    diffuse = np.clip(right * _LIGHT[0] + down * _LIGHT[1] + facing * _LIGHT[2], 0, 1)
    gleam = np.clip(right * -0.36 + down * -0.42 + facing * 0.83, 0, 1) ** 22
    shade = 0.27 + 0.95 * diffuse
    if above is not None:
        shade = shade * (1 - _pressed(canvas, stone, above))
    shade = shade * (1 - 0.5 * np.clip((down - 0.72) / 0.3, 0, 1))
    colour = spread(times(stone.colour, brief.palette.light.key)) * _surface(canvas, index) * shade
    colour += spread(brief.palette.ramp[3]) * (np.clip(down, 0, 1) ** 2 * np.clip(0.95 - reach, 0, 1) * 0.5)
    lay(picture, colour + 0.13 * gleam, cover)
    np.maximum(subject, cover, out=subject)


def _surface(canvas: Canvas, index: int) -> Plane:
    """Speckle and a few veins."""
    speck = canvas.noise(f"speck {index}", 60, 4, 0.7) - 0.5
    cloud = canvas.noise(f"cloud {index}", 7, 4) - 0.5
    vein = np.exp(-((cloud + 0.04) ** 2) / 0.00016)
    return 1 + 0.26 * speck + 0.28 * cloud + (0.16 * vein if index % 2 == 0 else 0)


def _pressed(canvas: Canvas, stone: _Stone, above: _Stone) -> Plane:
    """The shade of the stone above where it rests, and what it keeps of the light to the right of there."""
    touch_y = stone.y - stone.down * 0.95
    rest = np.hypot((canvas.x - above.x - above.across * 0.12) / (above.across * 0.62), (canvas.y - touch_y) / 0.028)
    cast = np.hypot(
        (canvas.x - above.x - above.across * 0.5) / (above.across * 0.95), (canvas.y - touch_y - 0.02) / 0.06
    )
    shade: Plane = np.clip(0.75 * np.exp(-(rest**2)) + 0.5 * np.exp(-(cast**2)), 0, 0.85)
    return shade
