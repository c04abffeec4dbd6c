"""Pictures that were made: finding one's own, favourites, what stands beside one, and deleting for good.

Everything works in the caller's transaction. Deleted bytes are destroyed after its commit by the job `disposal`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Table, delete, exists, func, select
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from datasteward.disposal.disposal import dispose
from datasteward.retention.held import Held, free, refuse
from gptimages.errors import Conflict, NotFound
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages.queue import queue
from gptimages.studio import runs
from gptimages.studio.models import Favourite, Generation, GenerationReference, Image, ReferenceImage, ShareLink
from gptimages.studio.references import DISPOSAL
from gptimages.studio.runs import ENDED


class Toll(msgspec.Struct, frozen=True):
    """What goes when pictures are deleted: the pictures and their bytes, and what hangs on them.

    `words` are the runs that lose their last picture, whose descriptions go too; `references` the pictures to start
    from that no other run uses.
    """

    pictures: int
    bytes: int
    words: int
    references: int
    favourites: int
    links: int


def find(session: Session, account_id: str, image_id: str) -> Image:
    """The person's picture. Raises NotFound when there is none of theirs with this id."""
    image = session.get(Image, image_id)
    if image is None or image.account_id != account_id:
        raise NotFound("There is no such picture of yours.")
    return image


def run_of(session: Session, image: Image) -> Generation:
    """The run that the picture came from."""
    return session.get_one(Generation, image.generation_id)


def is_favourite(session: Session, image: Image) -> bool:
    """Whether the person marked the picture."""
    return session.scalar(select(Favourite.id).where(Favourite.image_id == image.id)) is not None


def mark(session: Session, account_id: str, image_id: str, *, now: datetime) -> bool:
    """Makes a picture a favourite; False when it was one. Raises NotFound."""
    image = find(session, account_id, image_id)
    if is_favourite(session, image):
        return False
    session.add(Favourite(id=new_id(), account_id=account_id, image_id=image.id, created_at=now))
    return True


def unmark(session: Session, here: Installation, account_id: str, image_id: str) -> None:
    """Makes a picture no favourite. Raises NotFound, or HoldInTheWay while a legal hold keeps the mark."""
    marks = Favourite.image_id == find(session, account_id, image_id).id
    refuse(session, here.catalog, _table(Favourite), marks)
    session.execute(delete(Favourite).where(marks))


def neighbours(session: Session, image: Image) -> tuple[str | None, str | None]:
    """The ids of the person's picture made before this one and of the one made after it."""
    mine = select(Image.id).where(Image.account_id == image.account_id)
    place = (Image.created_at, Image.id)
    here = (image.created_at, image.id)
    earlier = mine.where(_before(place, here)).order_by(Image.created_at.desc(), Image.id.desc())
    later = mine.where(_before(here, place)).order_by(Image.created_at, Image.id)
    return session.scalar(earlier.limit(1)), session.scalar(later.limit(1))


def _before(left: tuple[object, object], right: tuple[object, object]) -> ColumnElement[bool]:
    result: ColumnElement[bool] = (left[0] < right[0]) | ((left[0] == right[0]) & (left[1] < right[1]))  # type: ignore[operator]
    return result


def toll(session: Session, account_id: str, wanted: Collection[str]) -> Toll:
    """What deleting these pictures of the person would take. Unknown ids and other people's are left out."""
    chosen = _chosen(account_id, wanted)
    count, size = session.execute(select(func.count(), func.coalesce(func.sum(Image.bytes), 0)).where(chosen)).one()
    emptied = _emptied(account_id, chosen)
    ids = select(Image.id).where(chosen)
    return Toll(
        pictures=count,
        bytes=int(size),
        words=_number(session, Generation, emptied & Generation.prompt.is_not(None)),
        references=_number(session, ReferenceImage, _unused(account_id, emptied)),
        favourites=_number(session, Favourite, Favourite.image_id.in_(ids)),
        links=_number(session, ShareLink, ShareLink.image_id.in_(ids)),
    )


def remove(session: Session, here: Installation, account_id: str, wanted: Collection[str], *, now: datetime) -> Toll:
    """Deletes pictures of the person for good, with what hangs on them; a run without pictures goes with its words.

    Raises HoldInTheWay while a legal hold keeps one of them. Ids that are not the person's change nothing.
    """
    chosen = _chosen(account_id, wanted)
    refuse(session, here.catalog, _table(Image), chosen)
    gone = toll(session, account_id, wanted)
    if not gone.pictures:
        return gone
    touched = list(session.scalars(select(Image.generation_id).where(chosen).distinct()))
    dispose(session, here.catalog, _table(Image), chosen, now=now)
    empty = Generation.id.in_(touched) & unmade(account_id)
    remove_runs(session, here, account_id, empty, now=now)
    queue.promise(session, DISPOSAL, account_id, now=now)
    facts = {"pictures": gone.pictures, "runs": gone.words, "references": gone.references}
    audit.append(session, "image.deleted", actor=account_id, subject=account_id, now=now, **facts)
    return gone


def unmade(account_id: str) -> ColumnElement[bool]:
    """Runs of the person that ended without a picture, or whose pictures are gone: only words and settings are left."""
    without = ~exists().where(Image.generation_id == Generation.id)
    return (Generation.account_id == account_id) & Generation.state.in_(ENDED) & without


def remove_unmade(session: Session, here: Installation, account_id: str, *, now: datetime) -> int:
    """Deletes the runs that ended without a picture, with their words; returns how many. Raises HoldInTheWay."""
    refuse(session, here.catalog, _table(Generation), unmade(account_id))
    gone = _number(session, Generation, unmade(account_id))
    if gone:
        remove_runs(session, here, account_id, unmade(account_id), now=now)
        queue.promise(session, DISPOSAL, account_id, now=now)
        audit.append(session, "generation.deleted", actor=account_id, subject=account_id, now=now, runs=gone)
    return gone


def remove_run(session: Session, here: Installation, account_id: str, run_id: str, *, now: datetime) -> None:
    """Deletes a run that has ended, with its pictures and words. Raises NotFound, HoldInTheWay, or Conflict before its end."""
    run = runs.find(session, account_id, run_id)
    if run.state in runs.UNDER_WAY:
        raise Conflict("The run is still under way: stop it first.")
    remove_runs(session, here, account_id, Generation.id == run.id, now=now)
    queue.promise(session, DISPOSAL, account_id, now=now)
    audit.append(session, "generation.deleted", actor=account_id, subject=account_id, now=now, run=run_id)


def remove_runs(
    session: Session, here: Installation, account_id: str, where: ColumnElement[bool], *, now: datetime
) -> None:
    """Deletes runs with their words, and the pictures to start from that no other run uses. Raises HoldInTheWay."""
    mine = where & (Generation.account_id == account_id)
    refuse(session, here.catalog, _table(Generation), mine)
    dispose(session, here.catalog, _table(Generation), mine, now=now)
    table = _table(ReferenceImage)
    for unused in free(session, table, _unused(account_id), Held(session, here.catalog).keeps(table)):
        dispose(session, here.catalog, table, unused, now=now)


def _chosen(account_id: str, wanted: Collection[str]) -> ColumnElement[bool]:
    return (Image.account_id == account_id) & Image.id.in_(list(wanted))


def _emptied(account_id: str, chosen: ColumnElement[bool]) -> ColumnElement[bool]:
    """Runs that have ended and whose every picture is chosen."""
    touched = select(Image.generation_id).where(chosen)
    kept = select(Image.generation_id).where(Image.account_id == account_id, ~chosen)
    mine = (Generation.account_id == account_id) & Generation.state.in_(ENDED)
    return mine & Generation.id.in_(touched) & Generation.id.not_in(kept)


def _unused(account_id: str, going: ColumnElement[bool] | None = None) -> ColumnElement[bool]:
    """Pictures to start from that no run uses; or, given runs that go, none but those and at least one of those."""
    mine = ReferenceImage.account_id == account_id
    uses = select(GenerationReference.reference_id)
    if going is None:
        return mine & ReferenceImage.id.not_in(uses)
    leaving = select(Generation.id).where(going)
    elsewhere = uses.where(GenerationReference.generation_id.not_in(leaving))
    there = uses.where(GenerationReference.generation_id.in_(leaving))
    return mine & ReferenceImage.id.in_(there) & ReferenceImage.id.not_in(elsewhere)


def _number(session: Session, model: type, where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(model).where(where)) or 0


def _table(model: type) -> Table:
    found: Table = model.__table__  # type: ignore[attr-defined]
    return found
