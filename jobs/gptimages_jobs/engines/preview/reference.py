"""Reference pictures and masks: the colours to draw with, and the picture to draw into."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from gptimages.studio.engine import EngineRefused
from gptimages_jobs.engines.preview.colour import Colour, Plane, Planes
from gptimages_jobs.engines.preview.sheet import to_planes

_COLOURS = 8


def open_png(data: bytes) -> Image.Image:
    """The picture of PNG bytes. Raises EngineRefused when they are none."""
    try:
        image = Image.open(io.BytesIO(data), formats=["PNG"])
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise EngineRefused("A reference picture or the mask could not be read; choose another one.") from error
    return image.convert("RGBA")


def colours_of(image: Image.Image) -> tuple[Colour, ...]:
    """The colours that the picture is mostly made of, from its opaque pixels."""
    small = image.resize((64, 64), Image.Resampling.BOX)
    pixels = np.asarray(small)
    seen = pixels[pixels[..., 3] > 127][:, :3]
    if not len(seen):
        return ()
    row = Image.fromarray(np.ascontiguousarray(seen[None]))
    found = row.quantize(_COLOURS, Image.Quantize.MEDIANCUT, kmeans=2).convert("RGB")
    distinct = np.unique(np.asarray(found).reshape(-1, 3), axis=0)
    return tuple((red / 255, green / 255, blue / 255) for red, green, blue in distinct.tolist())


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture scaled to cover the size, what juts out cut off evenly."""
    scale = max(width / image.width, height / image.height)
    across, down = width / scale, height / scale
    left, top = (image.width - across) / 2, (image.height - down) / 2
    box = (left, top, left + across, top + down)
    return image.resize((width, height), Image.Resampling.BICUBIC, box=box)


def into_mask(drawn: Planes, reference: Image.Image, mask: Image.Image) -> Planes:
    """The drawn picture where the mask is transparent, the reference where it is opaque."""
    height, width = drawn.shape[1:]
    ground = to_planes(fitted(reference, width, height).convert("RGB"))
    kept: Plane = np.asarray(fitted(mask, width, height).getchannel("A"), np.float32) / 255
    return drawn + (ground - drawn) * kept
