"""Pictures that people send, rebuilt from their pixels: what comes out holds nothing but the picture.

Only PNG, JPEG and WebP are opened at all, and the pixels are counted before any is decoded (a 109 kB PNG can be 900
megapixels). Place, camera, comments and colour profiles are gone: orientation and profile are applied to the pixels first.
Touches neither database nor objects; its callers are studio.references and the avatar of accounts.
"""

from __future__ import annotations

import io
import threading
from typing import Protocol

import msgspec
import numpy as np
from PIL import Image, ImageCms, ImageOps

from gptimages.errors import InputError, LimitReached

FORMATS = ("PNG", "JPEG", "WEBP")
UNREADABLE = "This file is not a picture we can read: send PNG, JPEG or WebP."
BUSY = "Many pictures are being sent just now: send yours again in a moment."
AT_ONCE = threading.BoundedSemaphore(2)
"""Rebuilding the largest picture that is taken needs several hundred megabytes: a process does few side by side."""
PATIENCE = 15.0  # seconds; whoever waits longer holds a thread that others need
DAMAGED = "This picture is damaged or cut short: save it again and send the new file."


class Amount(Protocol):
    """A limit that is a number."""

    @property
    def value(self) -> int:
        """The number."""
        ...


class Limits(Protocol):
    """The limits of policies/limits.yaml that concern one upload."""

    @property
    def upload_bytes(self) -> Amount:
        """How many bytes a file may have."""
        ...

    @property
    def upload_pixels(self) -> Amount:
        """How many pixels a picture may have, width times height."""
        ...


class Picture(msgspec.Struct, frozen=True):
    """A rebuilt picture: `png` are the bytes of an 8-bit PNG in sRGB without metadata, sizes in pixels."""

    png: bytes
    width: int
    height: int


def rebuild(data: bytes, *, limits: Limits) -> Picture:
    """The picture in `data` (its first frame), upright, in sRGB, with its transparency. Raises InputError.

    Raises LimitReached when too many others are being rebuilt.
    16-bit, grey, palette and CMYK pictures become 8-bit RGB; alpha is kept where anything is transparent.
    """
    if len(data) > limits.upload_bytes.value:
        most = limits.upload_bytes.value // 1_000_000
        raise InputError(f"This file is too large: send a picture of at most {most} MB.")
    opened = _open(data, limits.upload_pixels.value)
    if not AT_ONCE.acquire(timeout=PATIENCE):
        opened.close()
        raise LimitReached(BUSY, retry_after=int(PATIENCE))
    try:
        return _rebuilt(opened)
    finally:
        AT_ONCE.release()


def _rebuilt(opened: Image.Image) -> Picture:
    try:
        with opened:
            opened.load()
            plain = _plain(opened)
    except Exception:  # a damaged file makes a decoder raise almost anything
        raise InputError(DAMAGED) from None
    return Picture(_encode(plain), plain.width, plain.height)


def _open(data: bytes, most_pixels: int) -> Image.Image:
    """Reads the header alone and counts the pixels that it announces."""
    too_many = f"This picture has too many pixels: send one of at most {most_pixels // 1_000_000} megapixels."
    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(too_many) from None
    except Exception:  # as above
        raise InputError(UNREADABLE) from None
    if opened.width * opened.height > most_pixels:
        opened.close()
        raise InputError(too_many)
    return opened


def _plain(opened: Image.Image) -> Image.Image:
    """A picture in RGB or RGBA that was made from pixels alone, so that nothing else can come along."""
    colour, alpha = _split(_upright(_eight_bit(opened)))
    colour = _to_srgb(colour, opened.info.get("icc_profile"))
    fresh = Image.frombytes("RGB", colour.size, colour.tobytes())
    if alpha is not None and alpha.getextrema() != (255, 255):
        fresh.putalpha(Image.frombytes("L", alpha.size, alpha.tobytes()))
    return fresh


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey as 8-bit grey; `convert` would cut off instead of scaling."""
    if not image.mode.startswith("I"):
        return image
    high = np.clip(np.asarray(image).astype(np.int64), 0, 0xFFFF) >> 8
    grey = Image.fromarray(high.astype(np.uint8))
    grey.info.update({key: value for key, value in image.info.items() if key == "exif"})
    return grey


def _upright(image: Image.Image) -> Image.Image:
    """The picture as its orientation tag wants it seen; a tag that cannot be read counts as none."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # metadata may be nonsense while the picture is fine
        return image


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Colour without alpha, in a mode that a colour profile can be applied to, and the alpha channel if there is one."""
    alpha = None
    if image.has_transparency_data:
        alpha = image.convert("RGBA").getchannel("A")
    if image.mode in ("RGB", "L", "CMYK"):
        return image, alpha
    return image.convert("L" if image.mode in ("LA", "La", "1") else "RGB"), alpha


def _to_srgb(colour: Image.Image, profile: bytes | None) -> Image.Image:
    """Applies the colour profile; one that cannot be used counts as none."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(colour, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            return converted
    return colour.convert("RGB")


def _encode(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
