"""The studio for programs: the same acts as the pages, as JSON under /api/v1."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

import msgspec
from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream

from gptimages.activity import engagement
from gptimages.errors import InputError
from gptimages.forgetting import forget_deleted
from gptimages.installation import Installation
from gptimages.studio import asking, files, history, images, runs, sharing, views
from gptimages.studio.facts import EngineFacts
from gptimages.studio.history import Filter
from gptimages.studio.images import Toll
from gptimages.studio.progress import Hub
from gptimages.studio.references import Role
from gptimages.studio.views import Status
from gptimages.studio.wish import Wish
from gptimages.web.downloads import FileRequest, file_route
from gptimages.web.permissions import Permission, needs
from gptimages.web.visitor import Visitor

CREATE = needs(Permission.IMAGE_CREATE)
READ = needs(Permission.IMAGE_READ)
DELETE = needs(Permission.IMAGE_DELETE)
TAGS = ("images",)


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to make. Pictures to start from, and the mask, are PNG, JPEG or WebP in base64."""

    prompt: str
    style: str = "none"
    width: int | None = None
    height: int | None = None
    count: int = 1
    quality: str = "fine"
    background: str = "auto"
    format: str = "webp"
    moderation: str = "auto"
    keep_prompt: bool = True
    seed: int | None = None
    references: list[str] = []
    mask: str | None = None


class Picture(msgspec.Struct, frozen=True):
    """A picture. Sizes in pixels and bytes, times in UTC; `prompt` is null when the words are destroyed."""

    id: str
    run: str
    prompt: str | None
    style: str
    width: int
    height: int
    bytes: int
    created_at: datetime
    favourite: bool
    is_preview: bool


class RunAnswer(msgspec.Struct, frozen=True):
    """A run, how far it is, and the ids of the pictures that are there."""

    run: Status
    images: list[str]


class PictureList(msgspec.Struct, frozen=True):
    """Pictures, newest first; `more` is what to send as `before` for the next ones, null at the end."""

    images: list[Picture]
    more: str | None


class Sought(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for. `words` must all occur in the prompt; they travel in the body so that no address holds them."""

    words: str = ""
    style: str = ""
    favourites: bool = False
    before: str | None = None


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ids of pictures to delete. With `preview` nothing is deleted and the figures are told."""

    ids: list[str]
    preview: bool = False


class SharedLink(msgspec.Struct, frozen=True):
    """A link, told this once; `id` ends it."""

    id: str
    address: str
    expires_at: datetime


@post("/api/v1/images", opt=CREATE, sync_to_thread=True, status_code=202, tags=TAGS)
def ask(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    engine: NamedDependency[EngineFacts],
    hub: NamedDependency[Hub],
    data: JSONBody[Asked],
) -> RunAnswer:
    """Begin a run. Follow it at `/api/v1/runs/ID`."""
    sent: list[tuple[Role, bytes]] = [("reference", _decoded(each)) for each in data.references]
    if data.mask is not None:
        sent.append(("mask", _decoded(data.mask)))
    wanted = msgspec.convert(msgspec.structs.asdict(data), Wish)
    return _run(here, hub, visitor.id, asking.ask(here, engine, visitor.id, wanted, sent))


@get("/api/v1/runs/{run_id:str}", opt=READ, sync_to_thread=True, tags=TAGS)
def run(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    hub: NamedDependency[Hub],
    run_id: FromPath[str],
) -> RunAnswer:
    """How far a run is."""
    return _run(here, hub, visitor.id, run_id)


@post("/api/v1/runs/{run_id:str}/stop", opt=CREATE, sync_to_thread=True, status_code=200, tags=TAGS)
def stop(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    hub: NamedDependency[Hub],
    run_id: FromPath[str],
) -> RunAnswer:
    """Stop a run; the pictures that are finished stay."""
    with here.writing("generate", visitor.id) as session:
        runs.stop(session, here, visitor.id, run_id, now=here.clock())
    forget_deleted(here)
    return _run(here, hub, visitor.id, run_id)


@delete("/api/v1/runs/{run_id:str}", opt=DELETE, sync_to_thread=True, tags=TAGS)
def remove_run(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], run_id: FromPath[str]) -> None:
    """Delete a run that has ended, with its words and its pictures."""
    with here.writing("deliver", visitor.id) as session:
        images.remove_run(session, here, visitor.id, run_id, now=here.clock())
    forget_deleted(here)


@get("/api/v1/images", opt=READ, sync_to_thread=True, tags=TAGS)
def listed(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    favourites: FromQuery[bool] = False,
    style: FromQuery[str] = "",
    before: FromQuery[str | None] = None,
) -> PictureList:
    """Your pictures, newest first."""
    return _list(here, visitor.id, Filter(style=style, favourites=favourites), before)


@post("/api/v1/images/search", opt=READ, sync_to_thread=True, status_code=200, tags=TAGS)
def search(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: JSONBody[Sought]
) -> PictureList:
    """Your pictures in whose words everything occurs that you look for."""
    wanted = Filter(words=data.words, style=data.style, favourites=data.favourites)
    return _list(here, visitor.id, wanted, data.before)


@get("/api/v1/images/{image_id:str}", opt=READ, sync_to_thread=True, tags=TAGS)
def one(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], image_id: FromPath[str]) -> Picture:
    """One picture."""
    with here.reading("deliver", visitor.id) as session:
        image = images.find(session, visitor.id, image_id)
        came_from = images.run_of(session, image)
        words, starred = runs.words(here, came_from), images.is_favourite(session, image)
    return _picture(history.card(image, came_from, words, starred))


@file_route("/api/v1/images/{image_id:str}/file", opt=READ, tags=TAGS)
def file(
    request: FileRequest,
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    image_id: FromPath[str],
) -> Stream:
    """The picture's bytes."""
    with here.reading("deliver", visitor.id) as session:
        image = images.find(session, visitor.id, image_id)
    return files.original(here, request, image)


@put("/api/v1/images/{image_id:str}/favourite", opt=READ, sync_to_thread=True, status_code=204, tags=TAGS)
def mark(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], image_id: FromPath[str]) -> None:
    """Make a picture a favourite."""
    with here.writing("deliver", visitor.id) as session:
        marked = images.mark(session, visitor.id, image_id, now=here.clock())
        style = images.run_of(session, images.find(session, visitor.id, image_id)).style
    if marked:
        engagement.record(here, visitor.id, "favourite", style, signal=visitor.signal, now=here.clock())


@delete("/api/v1/images/{image_id:str}/favourite", opt=READ, sync_to_thread=True, tags=TAGS)
def unmark(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], image_id: FromPath[str]) -> None:
    """Take the mark off."""
    with here.writing("deliver", visitor.id) as session:
        images.unmark(session, here, visitor.id, image_id)


@delete("/api/v1/images/{image_id:str}", opt=DELETE, sync_to_thread=True, tags=TAGS)
def remove(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], image_id: FromPath[str]) -> None:
    """Delete a picture for good, with its bytes; its words go with the last picture made from them."""
    with here.writing("deliver", visitor.id) as session:
        images.find(session, visitor.id, image_id)
        images.remove(session, here, visitor.id, [image_id], now=here.clock())
    forget_deleted(here)


@post("/api/v1/images/delete", opt=DELETE, sync_to_thread=True, status_code=200, tags=TAGS)
def remove_many(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: JSONBody[Chosen]) -> Toll:
    """Delete several pictures for good, or see in figures what that would take. Other people's ids change nothing."""
    if data.preview:
        with here.reading("deliver", visitor.id) as session:
            return images.toll(session, visitor.id, data.ids)
    with here.writing("deliver", visitor.id) as session:
        gone = images.remove(session, here, visitor.id, data.ids, now=here.clock())
    forget_deleted(here)
    return gone


@post("/api/v1/images/{image_id:str}/share", opt=needs(Permission.IMAGE_SHARE), sync_to_thread=True, tags=TAGS)
def share(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], image_id: FromPath[str]
) -> SharedLink:
    """Make a link under which anyone who has it sees the picture."""
    with here.writing("deliver", visitor.id) as session:
        secret, link = sharing.share(session, here, visitor.id, image_id, now=here.clock())
    address = f"{here.settings.public_url.rstrip('/')}/shared/{secret}"
    return SharedLink(link.id, address, link.expires_at)


@delete("/api/v1/shares/{link_id:str}", opt=needs(Permission.IMAGE_SHARE), sync_to_thread=True, tags=TAGS)
def end_share(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], link_id: FromPath[str]) -> None:
    """End a link at once."""
    with here.writing("deliver", visitor.id) as session:
        sharing.end(session, visitor.id, link_id, now=here.clock())


def _run(here: Installation, hub: Hub, account_id: str, run_id: str) -> RunAnswer:
    with here.reading("generate", account_id) as session:
        found = runs.find(session, account_id, run_id)
        made = [image.id for image in runs.pictures(session, found)]
        return RunAnswer(views.status(found, len(made), hub.newest(found.id), here.clock()), made)


def _list(here: Installation, account_id: str, wanted: Filter, before: str | None) -> PictureList:
    size = here.policies.limits.page_size.value
    with here.reading("deliver", account_id) as session:
        page = history.page(session, here, account_id, wanted, now=here.clock(), before=before, size=size)
    return PictureList([_picture(card) for card in page.cards], page.more)


def _picture(card: history.Card) -> Picture:
    fields: dict[str, Any] = msgspec.structs.asdict(card)
    return Picture(run=fields.pop("run_id"), prompt=fields.pop("words"), **fields)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError("A picture to start from is not valid base64: encode its bytes and send it again.") from None


API = [ask, run, stop, remove_run, listed, search, one, file, mark, unmark, remove, remove_many, share, end_share]
