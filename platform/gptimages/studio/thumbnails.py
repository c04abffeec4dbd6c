"""The smaller copy of a picture, for lists: WebP, whole, without metadata."""

from __future__ import annotations

import io

from PIL import Image

LONGEST_SIDE = 640  # pixels; lists show pictures about half as large, so they stay sharp on dense screens
QUALITY = 82


def thumbnail(data: bytes) -> bytes:
    """A WebP of at most 640 pixels on its longer side, of a PNG, JPEG or WebP that an engine made."""
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as opened:
        small = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    small.info.clear()
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()
