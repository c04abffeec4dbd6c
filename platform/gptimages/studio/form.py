"""The composer's form, read in memory: a framework would write larger uploads to a temporary file, in the clear."""

from __future__ import annotations

from collections import defaultdict

import msgspec
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from gptimages.errors import InputError
from gptimages.studio.references import Role
from gptimages.studio.wish import Wish

UNREADABLE = "The form could not be read: reload the page and send it again."
MOST_PARTS = 200
NO_NUMBER = -1
ROLES: tuple[Role, ...] = ("reference", "mask")


class Form(msgspec.Struct, frozen=True):
    """What was sent: `fields` by name, the last of each, and the files that were not empty, in order."""

    fields: dict[str, str]
    files: list[tuple[Role, bytes]]


def read(body: bytes, content_type: str) -> Form:
    """The form in `body`. Raises InputError when it is none."""
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise InputError(UNREADABLE)
    fields: dict[str, str] = {}
    files: list[tuple[Role, bytes]] = []
    for part, data in _parts(body, options["boundary"]):
        if part.name in ROLES:
            if data:
                files.append(("mask" if part.name == "mask" else "reference", data))
        else:
            fields[part.name] = data.decode(errors="replace")
    return Form(fields, files)


def wish(form: Form) -> Wish:
    """What the form asks for, unchecked."""
    known = defaultdict(str, form.fields)
    width, _, height = known["size"].partition("x")
    return Wish(
        prompt=known["prompt"],
        style=known["style"] or "none",
        width=_number(width),
        height=_number(height),
        count=_number(known["count"]) or 1,
        quality=known["quality"] or "fine",
        background=known["background"] or "auto",
        format=known["format"] or "webp",
        keep_prompt=not known["forget"],
    )


def _parts(body: bytes, boundary: str) -> list[tuple[MultipartSegment, bytes]]:
    found: list[tuple[MultipartSegment, bytes]] = []
    try:
        with PushMultipartParser(boundary, max_segment_count=MOST_PARTS) as parser:
            pieces: list[bytes] = []
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    pieces = []
                    found.append((event, b""))
                elif event:
                    pieces.append(bytes(event))
                else:
                    found[-1] = (found[-1][0], b"".join(pieces))
    except (MultipartError, ValueError):
        raise InputError(UNREADABLE) from None
    return found


def _number(text: str) -> int | None:
    """The number; what is none becomes one that no check lets through, so that the rest of the form is not lost."""
    try:
        return int(text) if text else None
    except ValueError:
        return NO_NUMBER
