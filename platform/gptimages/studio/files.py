"""Pictures as answers, each with its type and a good name."""

from __future__ import annotations

import re

from litestar.response import Response, Stream

from gptimages.installation import Installation
from gptimages.studio.engine import MEDIA_TYPES
from gptimages.studio.models import Image
from gptimages.web.downloads import FileRequest, headers, send

SUFFIXES = {media_type: suffix for suffix, media_type in MEDIA_TYPES.items()}
LONGEST_NAME = 48
WEBP = "image/webp"
GONE = "The file of this picture is gone and cannot be brought back: make a new picture from its words."


def original(here: Installation, asked: FileRequest, image: Image, *, name: str | None = None) -> Stream:
    """The picture itself; with `name` it is saved under that name instead of shown."""
    return send(here, asked, image.account_id, image.object, _safe(image.media_type), missing=GONE, name=name)


def small(here: Installation, asked: FileRequest, image: Image) -> Stream:
    """The smaller copy."""
    return send(here, asked, image.account_id, image.thumbnail, WEBP, missing=GONE)


def bytes_of(data: bytes, media_type: str) -> Response[bytes]:
    """An unfinished picture."""
    return Response(data, media_type=_safe(media_type), headers=headers())


def file_name(image: Image, words: str | None) -> str:
    """A good name to save under: the first words, the end of the id and the suffix, in letters that are safe anywhere."""
    slug = "-".join(re.findall(r"[a-z0-9]+", (words or "picture").lower()))[:LONGEST_NAME].strip("-")
    return f"{slug or 'picture'}-{image.id[:6]}.{SUFFIXES.get(image.media_type, 'bin')}"


def _safe(media_type: str) -> str:
    return media_type if media_type in SUFFIXES else "application/octet-stream"
