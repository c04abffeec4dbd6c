"""Checks the pictures that an engine sends back: the base64, the length, the kind by its first bytes, the pixels."""

from __future__ import annotations

import base64
import binascii
import io
import struct

from PIL import Image

from gptimages.studio.engine import MEDIA_TYPES, EngineUnavailable, Format, Size

MOST_PIXELS = 3840 * 2160
"""The largest picture that the Images API documents."""

PREVIEW_EDGE = 512
NOT_A_PICTURE = "The engine's answer is not the picture that was asked for; try again in a little while."
TOO_LARGE = "The engine's picture is larger than we accept; the operator has to look into it."

_PIL_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


def decoded(text: object, *, most_bytes: int) -> bytes:
    """The bytes of a base64 text. Raises EngineUnavailable when it is none or holds more than `most_bytes`."""
    if not isinstance(text, str):
        raise EngineUnavailable(NOT_A_PICTURE)
    if len(text) > 4 * (most_bytes // 3 + 1):
        raise EngineUnavailable(TOO_LARGE)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EngineUnavailable(NOT_A_PICTURE) from None
    if len(data) > most_bytes:
        raise EngineUnavailable(TOO_LARGE)
    return data


def kind_of(data: bytes) -> Format | None:
    """The format that the first bytes speak for."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return None


def checked(data: bytes, declared: str) -> tuple[str, Size]:
    """Media type and size of a whole picture. Raises EngineUnavailable when it is not one in the format `declared`."""
    kind = kind_of(data)
    if kind is None or kind != declared:
        raise EngineUnavailable(NOT_A_PICTURE)
    image = _loaded(data, kind)
    if image is None:
        raise EngineUnavailable(NOT_A_PICTURE)
    return MEDIA_TYPES[kind], Size(image.width, image.height)


def preview(data: bytes) -> bytes | None:
    """A small WebP of an unfinished picture, or None when it cannot be read: a run does not fail over a preview."""
    kind = kind_of(data)
    image = _loaded(data, kind) if kind else None
    if image is None:
        return None
    image.thumbnail((PREVIEW_EDGE, PREVIEW_EDGE))
    out = io.BytesIO()
    image.convert("RGBA" if image.has_transparency_data else "RGB").save(out, "WEBP", quality=75)
    return out.getvalue()


def _loaded(data: bytes, kind: Format) -> Image.Image | None:
    try:
        image = Image.open(io.BytesIO(data), formats=[kind.upper()])
        if image.width * image.height > MOST_PIXELS:
            return None
        image.load()
    except _PIL_ERRORS:
        return None
    return image
