"""Objects as answers: decrypted on the way out, never kept by anybody on the way, with a type and a name that are safe.

One range is answered (RFC 9110 section 14), a condition by its ETag too (section 13); one by a date is passed over, as
13.1.3 and 13.1.4 have it where no date of a change is told. The ETag is made from random bytes
of the object's encryption: it tells one version from another, and nothing of what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import quote

from litestar import Request, route
from litestar.enums import HttpMethod
from litestar.response import Stream
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_206_PARTIAL_CONTENT,
    HTTP_304_NOT_MODIFIED,
    HTTP_412_PRECONDITION_FAILED,
    HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE,
)

from datasteward.errors import ObjectMissing
from gptimages.errors import NotFound
from gptimages.installation import Installation

FileRequest = Request[Any, Any, Any]

file_route = partial(route, http_method=[HttpMethod.GET, HttpMethod.HEAD], sync_to_thread=True)
"""What stands above a handler that answers with `send`, in place of `get`."""

RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")
TAG = re.compile(r'((?:W/)?)("[^"]*")')
BEYOND = 1 << 50
"""Bytes: no object is as long, and every store understands the number."""
UNSAFE = re.compile(r'["\\\\/:*?<>|%;]')


def send(
    here: Installation,
    asked: FileRequest,
    subject: str,
    key: str,
    media_type: str,
    *,
    missing: str,
    name: str | None = None,
) -> Stream:
    """The person's object, as much of it as was asked for; with `name` it is saved under that name instead of shown.

    Raises NotFound with the sentence `missing` when it is not there, KeyMissing, and DecryptionFailed when it does not
    open, before the answer has begun.
    """
    try:
        return _answer(here, asked, subject, key, media_type, headers(name))
    except ObjectMissing:
        raise NotFound(missing) from None


def _answer(
    here: Installation, asked: FileRequest, subject: str, key: str, media_type: str, told: dict[str, Any]
) -> Stream:
    places = _places(asked)
    part = here.objects.open_range(subject, key, places.start, len(places)) if places else None
    look = part.look if part else here.objects.look(key)
    tag = f'"{look.version}"'
    told |= {"etag": tag, "accept-ranges": "bytes"}
    answer = partial(Stream, media_type=media_type)
    if not _wants(asked.headers.get("if-match"), tag):
        return answer(iter(()), status_code=HTTP_412_PRECONDITION_FAILED, headers=told | {"content-length": "0"})
    if _knows(asked.headers.get("if-none-match"), tag):
        return answer(iter(()), status_code=HTTP_304_NOT_MODIFIED, headers=told)
    if asked.method == HttpMethod.HEAD:
        return answer(iter(()), status_code=HTTP_200_OK, headers=told | {"content-length": str(look.size)})
    wanted = _range(asked, tag, look.size)
    if wanted is None:
        chunks = here.objects.open(subject, key)
        return answer(_begun(chunks), status_code=HTTP_200_OK, headers=told | {"content-length": str(look.size)})
    if not wanted:
        told |= {"content-range": f"bytes */{look.size}", "content-length": "0"}
        return answer(iter(()), status_code=HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE, headers=told)
    told |= {
        "content-range": f"bytes {wanted.start}-{wanted.stop - 1}/{look.size}",
        "content-length": str(len(wanted)),
    }
    part = part or here.objects.open_range(subject, key, wanted.start, len(wanted))
    return answer(_begun(part.chunks), status_code=HTTP_206_PARTIAL_CONTENT, headers=told)


def gives_bytes(asked: FileRequest, answer: Stream) -> bool:
    """Whether bytes of the object go out with what `send` answers; not with HEAD, 304, 412 and 416."""
    return asked.method == HttpMethod.GET and answer.status_code in (HTTP_200_OK, HTTP_206_PARTIAL_CONTENT)


def headers(name: str | None = None) -> dict[str, Any]:
    """For bytes of a person: kept by nobody, run by nothing, shown or saved under a safe name."""
    return {
        "cache-control": "private, no-store",
        "content-disposition": disposition(name),
        "content-security-policy": "default-src 'none'; sandbox",
    }


def disposition(name: str | None) -> str:
    """Content-Disposition (RFC 6266): in letters that are safe anywhere, and in its own ones where it has others."""
    if name is None:
        return "inline"
    shown = "".join(each if each.isprintable() else "_" for each in UNSAFE.sub("_", name)).strip(" .") or "file"
    plain = re.sub(r"[^ -~]", "_", shown)
    told = f'attachment; filename="{plain}"'
    return told if plain == shown else f"{told}; filename*=UTF-8''{quote(shown, safe='')}"


def _knows(told: str | None, tag: str) -> bool:
    """Whether the asker has this version already (If-None-Match, compared weakly)."""
    return told is not None and (told.strip() == "*" or any(each == tag for _, each in TAG.findall(told)))


def _wants(told: str | None, tag: str) -> bool:
    """Whether this version is one that the asker wants (If-Match, compared strongly: a weak one is none)."""
    return told is None or told.strip() == "*" or ("", tag) in TAG.findall(told)


def _places(asked: FileRequest) -> range | None:
    """The bytes that are asked for where that is told without the object's size, so that one request brings both.

    None for what `_range` tells afterwards, and where a condition may need no bytes.
    """
    found = RANGE.fullmatch(asked.headers.get("range", "").strip())
    if found is None or not found[1] or asked.method != HttpMethod.GET or "if-none-match" in asked.headers:
        return None
    places = range(int(found[1]), min(int(found[2] or BEYOND), BEYOND) + 1)
    return places or None


def _range(asked: FileRequest, tag: str, size: int) -> range | None:
    """The bytes that are asked for, none when there are no such bytes; None for all of it.

    A range that is not understood, several at once, or one of another version (If-Range) is for all of it.
    """
    found = RANGE.fullmatch(asked.headers.get("range", "").strip())
    if found is None or not any(found.groups()) or asked.headers.get("if-range", tag).strip() != tag:
        return None
    first, last = (int(each) if each else None for each in found.groups())
    if first is None:
        return range(max(size - (last or 0), 0), size)
    if last is not None and last < first:
        return None
    return range(first, size if last is None else min(last + 1, size))


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, the first of them read already: what is missing or damaged is said before the answer begins."""
    first = next(chunks, b"")
    return chain([first], chunks)
