"""Pages of the history: months, filters, search, and what can be done with several pictures at once.

A search travels in the body of a POST, so that nobody's words stand in an address.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, RawBody
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_303_SEE_OTHER
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gptimages.errors import InputError
from gptimages.forgetting import forget_deleted
from gptimages.installation import Installation
from gptimages.studio import history, images, runs, views
from gptimages.studio.history import Card, Filter
from gptimages.studio.models import Generation
from gptimages.web.permissions import Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor

READ = needs(Permission.IMAGE_READ)
DELETE = needs(Permission.IMAGE_DELETE)
HISTORY = "/history"


class Month(msgspec.Struct, frozen=True):
    """The pictures of one calendar month on a page; `total` is how many the person has of it, on all pages."""

    value: str
    begins: datetime
    total: int
    cards: list[Card]


@get(HISTORY, opt=READ, sync_to_thread=True, include_in_schema=False)
def history_page(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    show: FromQuery[str] = "",
    style: FromQuery[str] = "",
    before: FromQuery[str | None] = None,
) -> Response[Any]:
    """The person's pictures, newest first."""
    return _page(here, pages, visitor, _filter("", show, style), show, before)


@post(HISTORY, opt=READ, sync_to_thread=True, status_code=200, include_in_schema=False)
def search(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    body: RawBody,
) -> Response[Any]:
    """The person's pictures in whose words everything occurs that was looked for."""
    sent = _fields(body)
    show = _last(sent, "show")
    wanted = _filter(_last(sent, "q"), show, _last(sent, "style"))
    return _page(here, pages, visitor, wanted, show, _last(sent, "before") or None)


@post("/history/favourite", opt=READ, sync_to_thread=True, include_in_schema=False)
def mark_all(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], body: RawBody) -> Redirect:
    """Makes every chosen picture a favourite."""
    with here.writing("deliver", visitor.id) as session:
        for image_id in _picked(session, here, visitor.id, body):
            images.mark(session, visitor.id, image_id, now=here.clock())
    return Redirect(HISTORY, status_code=HTTP_303_SEE_OTHER)


@post("/history/delete", opt=DELETE, sync_to_thread=True, status_code=200, include_in_schema=False)
def delete_preview(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    body: RawBody,
) -> Response[Any]:
    """What deleting the chosen pictures takes, in numbers; nothing is deleted yet."""
    with here.reading("deliver", visitor.id) as session:
        picked = _picked(session, here, visitor.id, body)
        toll = images.toll(session, visitor.id, picked)
    if not toll.pictures:
        raise InputError("No picture is chosen: tick the ones to delete first.")
    return pages.page("studio/delete.html", visitor, toll=toll, picked=picked, back=HISTORY)


@post("/history/delete/confirmed", opt=DELETE, sync_to_thread=True, include_in_schema=False)
def delete_confirmed(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], body: RawBody) -> Redirect:
    """Deletes exactly the pictures that the preview named."""
    with here.writing("deliver", visitor.id) as session:
        images.remove(session, here, visitor.id, _fields(body).get("pick", []), now=here.clock())
    forget_deleted(here)
    return Redirect(HISTORY, status_code=HTTP_303_SEE_OTHER)


@get("/history/unmade", opt=DELETE, sync_to_thread=True, include_in_schema=False)
def unmade_page(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The runs that ended without a picture, and the question whether they should go."""
    with here.reading("deliver", visitor.id) as session:
        found = session.scalars(
            select(Generation).where(images.unmade(visitor.id)).order_by(Generation.created_at.desc())
        )
        listed = [(run, runs.words(here, run)) for run in found]
    return pages.page("studio/unmade.html", visitor, runs=listed)


@post("/history/unmade", opt=DELETE, sync_to_thread=True, include_in_schema=False)
def unmade_delete(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> Redirect:
    """Deletes the runs that ended without a picture, with their words."""
    with here.writing("deliver", visitor.id) as session:
        images.remove_unmade(session, here, visitor.id, now=here.clock())
    forget_deleted(here)
    return Redirect(HISTORY, status_code=HTTP_303_SEE_OTHER)


def _page(
    here: Installation, pages: Renderer, visitor: Visitor, wanted: Filter, show: str, before: str | None
) -> Response[Any]:
    now = here.clock()
    with here.reading("deliver", visitor.id) as session:
        size = here.policies.limits.page_size.value
        found = history.page(session, here, visitor.id, wanted, now=now, before=before, size=size)
        counts = history.counts(session, visitor.id, now)
        unmade = session.scalar(select(func.count()).where(images.unmade(visitor.id))) or 0
        months = _months(session, visitor.id, found.cards)
    return pages.page(
        "studio/history.html",
        visitor,
        months=months,
        more=found.more,
        counts=counts,
        unmade=unmade,
        wanted=wanted,
        show=show,
        whole=wanted == Filter(),
        ratio=views.ratio,
        style_name=views.style_name,
    )


def _months(session: Session, account_id: str, cards: list[Card]) -> list[Month]:
    found: dict[str, Month] = {}
    for card in cards:
        value = card.created_at.strftime("%Y-%m")
        if value not in found:
            begins = _month(value)
            found[value] = Month(value, begins, history.in_month(session, account_id, begins), [])
        found[value].cards.append(card)
    return list(found.values())


def _filter(words: str, show: str, style: str) -> Filter:
    return Filter(
        words=words.strip(),
        style=style,
        favourites=show == "favourites",
        shared=show == "shared",
        wordless=show == "wordless",
    )


def _picked(session: Session, here: Installation, account_id: str, body: bytes) -> list[str]:
    """The chosen pictures, those of chosen months included."""
    sent = _fields(body)
    picked = dict.fromkeys(sent.get("pick", []))
    for month in sent.get("month", []):
        wanted = Filter(month=_month(month))
        picked |= dict.fromkeys(history.ids(session, here, account_id, wanted, now=here.clock()))
    return list(picked)


def _month(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise InputError("The month could not be read: reload the page and choose again.") from None


def _fields(body: bytes) -> dict[str, list[str]]:
    return parse_qs(body.decode(errors="replace"), keep_blank_values=True)


def _last(sent: dict[str, list[str]], name: str) -> str:
    return sent.get(name, [""])[-1]


ROUTES = [history_page, search, mark_all, delete_preview, delete_confirmed, unmade_page, unmade_delete]
