"""Pictures as answers: decrypted on the way out, never kept by anybody on the way, with a type and a name that are safe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from litestar.response import Response, Stream

from gptimages.installation import Installation
from gptimages.studio.engine import MEDIA_TYPES
from gptimages.studio.models import Image

SUFFIXES = {media_type: suffix for suffix, media_type in MEDIA_TYPES.items()}
LONGEST_NAME = 48
WEBP = "image/webp"


def original(here: Installation, image: Image, *, name: str | None = None) -> Stream:
    """The picture itself; with `name` it is saved under that name instead of shown."""
    media_type = image.media_type if image.media_type in SUFFIXES else "application/octet-stream"
    return _stream(here, image, image.object, media_type, name)


def small(here: Installation, image: Image) -> Stream:
    """The smaller copy."""
    return _stream(here, image, image.thumbnail, WEBP, None)


def bytes_of(data: bytes, media_type: str) -> Response[bytes]:
    """An unfinished picture."""
    kind = media_type if media_type in SUFFIXES else "application/octet-stream"
    return Response(data, media_type=kind, headers=_headers(None))


def file_name(image: Image, words: str | None) -> str:
    """A good name to save under: the first words, the end of the id and the suffix, in letters that are safe anywhere."""
    slug = "-".join(re.findall(r"[a-z0-9]+", (words or "picture").lower()))[:LONGEST_NAME].strip("-")
    return f"{slug or 'picture'}-{image.id[:6]}.{SUFFIXES.get(image.media_type, 'bin')}"


def _stream(here: Installation, image: Image, key: str, media_type: str, name: str | None) -> Stream:
    chunks = here.objects.open(image.account_id, key)
    return Stream(_begun(chunks), media_type=media_type, headers=_headers(name))


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, the first of them read already: what is missing or damaged is said before the answer begins."""
    first = next(chunks, b"")
    return chain([first], chunks)


def _headers(name: str | None) -> dict[str, Any]:
    disposition = f'attachment; filename="{name}"' if name else "inline"
    return {
        "cache-control": "private, no-store",
        "content-disposition": disposition,
        "content-security-policy": "default-src 'none'; sandbox",
    }
