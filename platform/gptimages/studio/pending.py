"""Objects on their way: promised to disposal before their bytes are stored, and taken off the list with their row.

So a process that dies between storing bytes and committing the row leaves nothing behind: disposal destroys them. `announce`
is committed before `EncryptedObjects.put`; `settle` belongs to the transaction that writes the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from datasteward.disposal.disposal import promise_object
from datasteward.disposal.models import ObjectDisposal


def announce(session: Session, keys: Sequence[str], *, now: datetime) -> None:
    """Promises the objects `keys`, which do not exist yet, to disposal."""
    waiting = set(session.scalars(select(ObjectDisposal.key).where(ObjectDisposal.key.in_(keys))))
    for key in keys:
        if key not in waiting:
            promise_object(session, key, now=now)


def settle(session: Session, keys: Sequence[str]) -> bool:
    """Takes the objects off the list, for the row that now names them.

    False when disposal was faster and has destroyed some of the bytes: they have to be stored again.
    """
    done = session.execute(delete(ObjectDisposal).where(ObjectDisposal.key.in_(keys)))
    return bool(done.rowcount == len(keys))  # type: ignore[attr-defined]
