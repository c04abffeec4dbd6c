"""Portraits for people who do not exist: a disc and a shoulder line over a ground, coloured by the subject."""

from __future__ import annotations

import colorsys
import hashlib
import io

from PIL import Image, ImageDraw

SIDE = 192  # pixels
SCALE = 4  # drawn larger and brought down, so that edges are smooth


def portrait(subject: str) -> bytes:
    """A PNG of 192 by 192 pixels; the same for the same subject."""
    seed = hashlib.sha256(subject.encode()).digest()
    hue = seed[0] / 255
    side = SIDE * SCALE
    image = Image.new("RGB", (side, side), _colour(hue, 0.28, 0.90))
    draw = ImageDraw.Draw(image)
    sun = side * (0.20 + 0.6 * seed[1] / 255)
    draw.ellipse(_around(sun, side * 0.24, side * 0.15), fill=_colour(hue + 0.12, 0.35, 0.98))
    draw.ellipse(_around(side / 2, side * 1.06, side * 0.42), fill=_colour(hue + 0.52, 0.55, 0.42))
    draw.ellipse(_around(side / 2, side * 0.50, side * 0.19), fill=_colour(hue + 0.05, 0.38, 0.62))
    out = io.BytesIO()
    image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def _around(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return (x - radius, y - radius, x + radius, y + radius)


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
