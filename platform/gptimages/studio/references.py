"""Pictures to start from: rebuilt, stored encrypted, and written down with the run that uses them.

The bytes are stored before the transaction of the run and are on the disposal list until its commit, see studio.pending.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy.orm import Session

from gptimages.errors import Conflict
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages.queue import queue
from gptimages.studio import pending
from gptimages.studio.keys import reference_key
from gptimages.studio.models import GenerationReference, ReferenceImage
from gptimages.studio.uploads import Picture

Role = Literal["reference", "mask"]
MEDIA_TYPE = "image/png"
DISPOSAL = "disposal"
TIME_TO_ATTACH = timedelta(minutes=15)
"""After this, bytes that no run was begun with are destroyed; a run is begun within seconds."""


class Stored(msgspec.Struct, frozen=True):
    """A picture whose bytes are in the object store and whose row is still to be written."""

    id: str
    role: Role
    picture: Picture

    @property
    def key(self) -> str:
        """The key of its object."""
        return reference_key(self.id)


def store(here: Installation, account_id: str, pictures: Sequence[tuple[Role, Picture]], now: datetime) -> list[Stored]:
    """Stores the bytes of rebuilt pictures, promised to disposal until `attach` has written their rows."""
    found = [Stored(new_id(), role, picture) for role, picture in pictures]
    if found:
        with here.writing("generate", account_id) as session:
            pending.announce(session, [each.key for each in found], now=now)
            queue.promise(session, DISPOSAL, account_id, now=now, run_after=now + TIME_TO_ATTACH)
    for each in found:
        here.objects.put(account_id, each.key, [each.picture.png])
    return found


def attach(session: Session, account_id: str, generation_id: str, stored: Sequence[Stored], now: datetime) -> None:
    """Writes the rows of stored pictures and binds them to the run. Raises Conflict when disposal was faster."""
    if stored and not pending.settle(session, [each.key for each in stored]):
        raise Conflict("Sending your pictures took too long: send them again.")
    session.add_all(_row(each, account_id, now) for each in stored)
    session.flush()
    positions: dict[Role, int] = {}
    for each in stored:
        position = positions.setdefault(each.role, 0)
        positions[each.role] += 1
        session.add(
            GenerationReference(
                id=new_id(), generation_id=generation_id, reference_id=each.id, role=each.role, position=position
            )
        )


def _row(stored: Stored, account_id: str, now: datetime) -> ReferenceImage:
    return ReferenceImage(
        id=stored.id,
        account_id=account_id,
        object=stored.key,
        media_type=MEDIA_TYPE,
        width=stored.picture.width,
        height=stored.picture.height,
        bytes=len(stored.picture.png),
        created_at=now,
        last_used_at=now,
    )
