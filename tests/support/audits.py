"""Three pictures of a person with their objects, audits of them, and plans carried out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from datasteward.disposal.models import ObjectDisposal
from datasteward.retention import orphans
from datasteward.retention.orphans import Mending
from gptimages.installation import Installation
from gptimages.studio.keys import picture_key, thumbnail_key
from gptimages.studio.models import Image

LATER = datetime.now(UTC) + timedelta(days=2)
"""When everything that a test stores is old."""


def picture(here: Installation, account: str, name: str, position: int) -> Image:
    """A picture with its objects, whose row is still to be added."""
    for key in (picture_key(name), thumbnail_key(name)):
        here.objects.put(account, key, [name.encode()])
    kept = Image(id=name, account_id=account, generation_id="run", position=position, created_at=LATER)
    kept.object, kept.thumbnail, kept.media_type = picture_key(name), thumbnail_key(name), "image/png"
    kept.width, kept.height, kept.bytes = 1, 1, 8
    return kept


def audited(here: Installation) -> Mending:
    """What an audit finds now."""
    with here.db.read() as session:
        return orphans.audit(session, here.steward, now=here.clock())


def carried_out(here: Installation, plan: Mending, meanwhile: Callable[[], object] = lambda: None) -> None:
    """The plan, applied; `meanwhile` comes between the questions to the store and the transaction."""
    answers = orphans.ask(here.objects, plan)
    meanwhile()
    with here.db.write() as session:
        orphans.apply(session, here.steward, plan, answers, by="tests", now=here.clock())


def state(here: Installation) -> tuple[list[str], list[str], list[str]]:
    """Rows, objects and promises."""
    with here.db.read() as session:
        rows = list(session.scalars(select(Image.id).order_by(Image.id)))
        promised = list(session.scalars(select(ObjectDisposal.key).order_by(ObjectDisposal.key)))
    return rows, sorted(here.objects.keys()), promised
