"""Gouache: the picture painted again in flat brush strokes, large ones first, along its forms."""

from __future__ import annotations

import numpy as np

from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Plane, Planes, luma
from gptimages_jobs.engines.preview.sheet import Sheet
from gptimages_jobs.engines.preview.treatments.photograph import grain

_BRUSHES = (
    (0.034, 3.2, 0.95, 0.0),
    (0.017, 3.6, 0.88, 0.0),
    (0.0085, 4.0, 0.9, 0.012),
    (0.0042, 4.4, 0.92, 0.03),
    (0.0021, 5.0, 0.95, 0.06),
)
"""Width in heights, length in widths, opacity, and the contrast below which the brush is not taken up."""

_FINEST = 1.1
"""Pixels: brushes finer than this would not show."""


def gouache(canvas: Canvas, picture: Planes) -> Planes:
    """The style "gouache"."""
    picture = np.clip(picture, 0, 1)
    direction = _direction(canvas, picture)
    sheet = Sheet(canvas, canvas.blur(picture, 0.012))
    for number, (width, length, opacity, contrast) in enumerate(_BRUSHES):
        if width * canvas.height >= _FINEST:
            _paint(canvas, sheet, picture, direction, (number, width, length * width, opacity, contrast))
    painted = sheet.planes()
    ridge = luma(painted)
    relief = np.gradient(ridge, axis=0) + np.gradient(ridge, axis=1)
    tooth = canvas.noise("tooth", 130, 3, 0.7) - 0.5
    matt = 0.035 + 0.945 * painted
    return matt * (1 + 0.05 * tooth + np.clip(0.35 * relief, -0.05, 0.05)) + grain(canvas, 0.006)


def _direction(canvas: Canvas, picture: Planes) -> Plane:
    """The angle along which the forms run; where there are none, a slow drift."""
    light = canvas.blur(luma(picture), 0.006)
    down: Plane = np.gradient(light, axis=0)
    across: Plane = np.gradient(light, axis=1)
    strength = canvas.height / 1000
    across_more: Plane = (across * across - down * down) / strength**2
    both: Plane = 2 * across * down / strength**2
    xx, xy = canvas.blur(across_more, 0.014), canvas.blur(both, 0.014)
    drift = (canvas.noise("drift", 2, 2) - 0.5) * 2.2
    calm = 4e-7
    angle: Plane = 0.5 * np.arctan2(-xy + calm * np.sin(drift), -xx + calm * np.cos(drift))
    return angle


def _paint(
    canvas: Canvas, sheet: Sheet, picture: Planes, direction: Plane, brush: tuple[int, float, float, float, float]
) -> None:
    number, width, length, opacity, contrast = brush
    stream = canvas.stream(f"brush {number}")
    count = int(canvas.aspect / (width * length) * (3.4 if contrast else 3.0))
    x, y = stream.random(count) * canvas.aspect, stream.random(count)
    tone, bend = stream.normal(0, 0.016, count), stream.normal(0, 0.16, count)
    rows = np.minimum((y * canvas.height).astype(int), canvas.height - 1)
    columns = np.minimum((x / canvas.aspect * canvas.width).astype(int), canvas.width - 1)
    soft = canvas.blur(picture, width * 0.3)
    if contrast:
        detail = np.abs(luma(picture) - luma(canvas.blur(picture, width * 1.6)))
        kept = canvas.blur(detail, width)[rows, columns] > contrast
        x, y, rows, columns, tone, bend = (part[kept] for part in (x, y, rows, columns, tone, bend))
    colours = soft[:, rows, columns].T + tone[:, None]
    angle = direction[rows, columns] + bend * 0.5
    middle = np.stack([x, y], 1)
    forth = np.stack([np.cos(angle + bend), np.sin(angle + bend)], 1) * (length / 2)
    back = np.stack([np.cos(angle - bend), np.sin(angle - bend)], 1) * (length / 2)
    sheet.strokes(np.stack([middle - back, middle, middle + forth], 1), width, colours, opacity)
