"""From planes to the bytes of a picture, labelled as a preview: final pictures and small partial ones."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, PngImagePlugin

from gptimages.studio.engine import Format
from gptimages_jobs.engines.preview import label
from gptimages_jobs.engines.preview.colour import Plane, Planes
from gptimages_jobs.engines.preview.sheet import to_image

PARTIAL_WIDTH = 420
"""Pixels: partial pictures are no wider."""
PARTIAL_BYTES = 15_000
"""Partial pictures stay below this."""


def finished(planes: Planes, cut: Plane | None, kind: Format) -> bytes:
    """The picture as PNG, JPEG or WebP; `cut` is its opacity, which JPEG cannot keep."""
    image = to_image(planes)
    if cut is not None and kind != "jpeg":
        alpha = np.clip(cut * 255 + 0.5, 0, 255).astype(np.uint8)
        image.putalpha(Image.fromarray(alpha))
    out = io.BytesIO()
    if kind == "png":
        image.save(out, "PNG", pnginfo=_png_text(), compress_level=4)
    elif kind == "jpeg":
        image.save(out, "JPEG", quality=92, subsampling=0, xmp=label.XMP)
    else:
        image.save(out, "WEBP", quality=90, method=3, xmp=label.XMP)
    return out.getvalue()


def partial(planes: Planes, width: int, height: int) -> bytes:
    """A small WebP of at most PARTIAL_WIDTH by as much and PARTIAL_BYTES, in the shape of the picture to come."""
    shrink = min(1.0, PARTIAL_WIDTH / max(width, height))
    size = (max(1, int(width * shrink)), max(1, int(height * shrink)))
    image = to_image(planes).resize(size, Image.Resampling.BICUBIC)
    for quality in (72, 56, 40, 24):
        data = _small(image, quality)
        if len(data) < PARTIAL_BYTES:
            return data
    while len(data) >= PARTIAL_BYTES:
        image = image.resize((image.width * 3 // 4, image.height * 3 // 4), Image.Resampling.BOX)
        data = _small(image, 30)
    return data


def _small(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=2, xmp=label.XMP)
    return out.getvalue()


def _png_text() -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", label.TOOL)
    text.add_itxt("XML:com.adobe.xmp", label.XMP.decode())
    return text
