"""Woodblock: a few flat colours printed from wood, its grain in them, under one dark key block."""

from __future__ import annotations

import numpy as np
from PIL import Image

from gptimages_jobs.engines.preview.canvas import Canvas
from gptimages_jobs.engines.preview.colour import Plane, Planes, lay, luma, rgb, spread
from gptimages_jobs.engines.preview.sheet import to_image, to_planes
from gptimages_jobs.engines.preview.treatments.lines import key_lines, levelled, simplified

_PAPER = rgb("#f3ead6")
_KEY = rgb("#1b2438")
_COLOURS = 9
_PROOF = 128
"""Pixels of the proof from which the colours are chosen, so that every resolution is printed in the same ones."""


def woodblock(canvas: Canvas, picture: Planes) -> Planes:
    """The style "woodblock"."""
    picture = np.clip(picture, 0, 1)
    soft = canvas.blur(simplified(canvas, picture), 0.0012)
    flat = canvas.blur(_printed(soft), 0.0007)
    pressed = flat * 0.8 + canvas.blur(soft, 0.03) * 0.2
    grain = _wood(canvas)
    printed = pressed + (spread(_PAPER) - pressed) * (0.06 + 0.3 * grain) * (0.3 + 0.7 * luma(pressed))
    tone = luma(printed)
    printed = np.clip(tone + (printed - tone) * 1.14, 0, 1)
    lines = key_lines(canvas, levelled(canvas.blur(luma(flat), 0.001)), 0.0017, 0.018)
    lay(printed, _KEY, np.clip(lines * (1.05 - 0.35 * grain), 0, 1) * 0.88)
    fibre = canvas.noise("fibre", 110, 3, 0.7, stretch=(1.3, 1)) - 0.5
    result: Planes = printed * (1 + 0.05 * fibre)
    return result


def _printed(picture: Planes) -> Planes:
    """The picture in the few colours that its proof needs."""
    image = to_image(picture)
    proof = image.resize((_PROOF, _PROOF), Image.Resampling.BOX)
    colours = _blocks(proof)
    return to_planes(image.quantize(palette=colours, dither=Image.Dither.NONE).convert("RGB"))


def _blocks(proof: Image.Image) -> Image.Image:
    """A palette of the proof's main colours, with its darkest and its lightest, which are few but carry the picture."""
    main = np.asarray(proof.quantize(_COLOURS, Image.Quantize.MEDIANCUT, kmeans=3).convert("RGB")).reshape(-1, 3)
    pixels = np.asarray(proof).reshape(-1, 3)
    order = np.argsort(pixels.sum(1))
    ends = [pixels[order[:24]].mean(0), pixels[order[-24:]].mean(0)]
    chosen = np.concatenate([np.unique(main, axis=0), np.array(ends).astype(np.uint8)])
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.resize(chosen, (256, 3)).tobytes())
    return palette


def _wood(canvas: Canvas) -> Plane:
    """The grain of a cherry block: long fibres that wander, 0 to 1, mostly low."""
    wander = canvas.noise("wander", 1.6, 3)
    fibres = canvas.noise("wood", 3, 5, 0.72, stretch=(0.35, 26))
    rings = 0.5 + 0.5 * np.sin((canvas.y * 1.4 + 0.35 * wander) * 130)
    speck = canvas.noise("speck", 170, 1)
    grain: Plane = np.clip(0.75 * fibres**2 + 0.16 * rings * fibres + 0.5 * np.clip(speck - 0.72, 0, 1), 0, 1)
    return grain
