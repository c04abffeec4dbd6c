"""A person's pictures in the order in which they were made: months, filters, and a search in their own words.

The words are ciphertext, so the search decrypts the person's own prompts one after the other in memory and keeps none.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import datetime

import msgspec
from dateutil.relativedelta import relativedelta
from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session

from gptimages.installation import Installation
from gptimages.studio import runs
from gptimages.studio.models import Favourite, Generation, Image, ShareLink

BATCH = 100  # rows read at a time, so that a search ends early without reading everything


class Filter(msgspec.Struct, frozen=True):
    """What is looked for: `words` that all occur in the prompt, a style, favourites, shared, or without words.

    `month` is the beginning of one (UTC).
    """

    words: str = ""
    style: str = ""
    favourites: bool = False
    shared: bool = False
    wordless: bool = False
    month: datetime | None = None


class Card(msgspec.Struct, frozen=True):
    """A picture as a list shows it. `words` is None when they are destroyed."""

    id: str
    run_id: str
    words: str | None
    style: str
    width: int
    height: int
    bytes: int
    created_at: datetime
    favourite: bool
    is_preview: bool


class Page(msgspec.Struct, frozen=True):
    """Some cards, newest first; `more` is the id to go on before, None at the end."""

    cards: list[Card]
    more: str | None


class Counts(msgspec.Struct, frozen=True):
    """What the person has: all pictures, favourites, shared, without words, and the time of the first."""

    pictures: int
    favourites: int
    shared: int
    wordless: int
    styles: list[str]
    since: datetime | None


def page(
    session: Session,
    here: Installation,
    account_id: str,
    wanted: Filter,
    *,
    now: datetime,
    before: str | None = None,
    size: int,
) -> Page:
    """The next `size` pictures that the filter lets through, after the picture `before` where one is given."""
    cards: list[Card] = []
    with closing(_rows(session, account_id, wanted, now, before)) as rows:
        for image, run, starred in rows:
            words = runs.words(here, run)
            if not matches(words, wanted.words):
                continue
            if len(cards) == size:
                return Page(cards, cards[-1].id)
            cards.append(card(image, run, words, starred is not None))
    return Page(cards, None)


def ids(session: Session, here: Installation, account_id: str, wanted: Filter, *, now: datetime) -> list[str]:
    """The ids of every picture that the filter lets through."""
    rows = _rows(session, account_id, wanted, now, None)
    return [image.id for image, run, _ in rows if not wanted.words or matches(runs.words(here, run), wanted.words)]


def counts(session: Session, account_id: str, now: datetime) -> Counts:
    """The figures at the head of the history."""
    mine = Image.account_id == account_id
    total, since = session.execute(select(func.count(), func.min(Image.created_at)).where(mine)).one()
    styles = select(Generation.style).join(Image, Image.generation_id == Generation.id).where(mine).distinct()

    def number(condition: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(Image).join(Generation).where(mine, condition)
        return session.scalar(query) or 0

    return Counts(
        pictures=total,
        favourites=number(_starred()),
        shared=number(_shared(now)),
        wordless=number(Generation.prompt.is_(None)),
        styles=sorted(session.scalars(styles)),
        since=since,
    )


def in_month(session: Session, account_id: str, month: datetime) -> int:
    """How many pictures the person has of the month that begins at `month`."""
    query = select(func.count()).where(Image.account_id == account_id, _within(month))
    return session.scalar(query) or 0


def matches(words: str | None, wanted: str) -> bool:
    """Whether every wanted word occurs in the words, whatever its case."""
    if not wanted.strip():
        return True
    return words is not None and all(word in words.casefold() for word in wanted.casefold().split())


def _rows(
    session: Session, account_id: str, wanted: Filter, now: datetime, before: str | None
) -> Generator[Row[Image, Generation, str | None], None, None]:
    query = (
        select(Image, Generation, Favourite.id)
        .join(Generation, Generation.id == Image.generation_id)
        .outerjoin(Favourite, Favourite.image_id == Image.id)
        .where(Image.account_id == account_id, *_conditions(wanted, now))
        .order_by(Image.created_at.desc(), Image.id.desc())
        .execution_options(yield_per=BATCH)
    )
    last = session.get(Image, before) if before else None
    if last is not None and last.account_id == account_id:
        older = (Image.created_at < last.created_at) | ((Image.created_at == last.created_at) & (Image.id < last.id))
        query = query.where(older)
    with session.execute(query) as found:  # who stops early closes the cursor on the server too
        yield from found


def _conditions(wanted: Filter, now: datetime) -> Iterator[ColumnElement[bool]]:
    if wanted.style:
        yield Generation.style == wanted.style
    if wanted.favourites:
        yield _starred()
    if wanted.shared:
        yield _shared(now)
    if wanted.wordless:
        yield Generation.prompt.is_(None)
    if wanted.month:
        yield _within(wanted.month)


def _starred() -> ColumnElement[bool]:
    return Image.id.in_(select(Favourite.image_id))


def _shared(now: datetime) -> ColumnElement[bool]:
    return Image.id.in_(select(ShareLink.image_id).where(ShareLink.ended_at.is_(None), ShareLink.expires_at > now))


def _within(month: datetime) -> ColumnElement[bool]:
    return (Image.created_at >= month) & (Image.created_at < month + relativedelta(months=1))


def card(image: Image, run: Generation, words: str | None, favourite: bool) -> Card:
    """A picture with what a list shows of it."""
    return Card(
        id=image.id,
        run_id=run.id,
        words=words,
        style=run.style,
        width=image.width,
        height=image.height,
        bytes=image.bytes,
        created_at=image.created_at,
        favourite=favourite,
        is_preview=run.is_preview,
    )
