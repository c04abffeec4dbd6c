"""How the keys of a key store stand: ages, counts and what is due, without a word of what or whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, Table, func, select

from datasteward.keys.database import faults
from datasteward.keys.tables import epoch, key_store, keyset_age, subject_key


@dataclass(frozen=True, slots=True)
class EpochState:
    """An epoch that has not ended: when it began and how many keysets are wrapped under its key."""

    id: str
    begun_at: datetime
    keysets: int


@dataclass(frozen=True, slots=True)
class KeyState:
    """The keys, without a word of what or whose they are. `versions`: how many keysets are at each version."""

    root_key: str
    root_since: datetime
    epochs: tuple[EpochState, ...]
    versions: dict[int, int]
    oldest: datetime | None
    due: int
    staged: int


def state_of(engine: Engine, *, made_before: datetime, now: datetime) -> KeyState:
    """How things stand in this key store; `due` are the keysets made before the given time (see `due`).

    Raises KeyStoreError.
    """
    key, count = keyset_age.c, func.count()
    under = select(count).where(key.epoch == epoch.c.id).scalar_subquery()
    epochs = select(epoch.c.id, epoch.c.begun_at, under).where(epoch.c.ended_at.is_(None))
    with faults(), engine.connect() as connection:
        root = connection.execute(select(key_store.c.root_key, key_store.c.root_since)).one()
        versions = connection.execute(select(key.version, count).group_by(key.version).order_by(key.version))
        return KeyState(
            *root,
            tuple(EpochState(*row) for row in connection.execute(epochs.order_by(epoch.c.begun_at))),
            {row[0]: row[1] for row in versions},
            connection.scalar(select(func.min(key.created_at))),
            connection.scalar(select(count).where(due(made_before, now, keyset_age))) or 0,
            connection.scalar(select(count).where(key.staged_at.is_not(None))) or 0,
        )


def due(made_before: datetime, now: datetime, of: Table = subject_key) -> ColumnElement[bool]:
    """The keysets that were made before the given time, or by a clock that was wrong, and have not got a new key yet."""
    made = of.c.created_at
    return ((made < made_before) | (made > mirrored(made_before, now))) & of.c.staged_at.is_(None)


def mirrored(before: datetime, now: datetime) -> datetime:
    """As far in the future as that time lies in the past: what is from then on was not made by a clock that is right."""
    return now + (now - before)
