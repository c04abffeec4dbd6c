"""Changing keysets, many of them, a batch at a time: what every rotation of datasteward.keys.admin does.

A batch is one short transaction, in which nobody's destruction and nobody else's change is lost; so it can be killed
anywhere and done again. A keyset that is damaged is passed over and named: it holds nobody else up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, literal, select, tuple_, update

from datasteward.errors import DecryptionFailed
from datasteward.keys.database import faults
from datasteward.keys.epochs import EpochEnded
from datasteward.keys.store import KeyStore
from datasteward.keys.tables import subject_key

BATCH = 200
DAMAGED = (DecryptionFailed, EpochEnded, ValueError)
"""What opening a keyset raises that is not what was written, or whose epoch's key is lost."""
Told = Callable[[int], None]
Changed = Callable[[Row[Any]], tuple[bytes, dict[str, Any]] | None]
"""What a keyset becomes, in the clear, and the columns of its row that change too; None when it stays as it is."""


class Changing:
    """`per_second` keysets a second at most, `batch` in a transaction; `told` hears how many are done.

    `damaged` are the owners of keysets that could not be opened so far.
    """

    def __init__(
        self,
        store: KeyStore,
        *,
        per_second: int,
        batch: int = BATCH,
        told: Told = lambda _done: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store, self._engine, self._epochs = store, store.engine, store.epochs
        self._per_second, self._batch, self._told, self._pause = per_second, batch, told, pause
        self.damaged: set[str] = set()

    def all(self, wanted: ColumnElement[bool], changed: Changed, before: Callable[[], None]) -> int:
        """Changes all keysets that are wanted and wraps them under the present epoch's key; returns how many.

        `before` is called before each batch. Raises KeyStoreError, RootKeyError.
        """
        done, following = 0, wanted
        while rows := self._rows(following):
            before()
            name = self._epochs.present()
            try:
                written = self._write(name, rows, changed)
            except EpochEnded:
                if name == self._epochs.present():  # it has not: its key is lost
                    raise
                continue
            following = wanted & (tuple_(*_KEY) > tuple_(*(literal(rows[-1]._mapping[each]) for each in _KEY)))
            done += written
            self._told(done)
            self._pause(len(rows) / self._per_second)
        with faults():
            self.store.settle()
        return done

    def _rows(self, wanted: ColumnElement[bool]) -> list[Row[Any]]:
        query = select(subject_key).where(wanted).order_by(*_KEY).limit(self._batch)
        with faults(), self._engine.connect() as connection:
            return list(connection.execute(query))

    def _write(self, name: str, rows: list[Row[Any]], changed: Changed) -> int:
        """Writes the changed keysets, wrapped under the epoch's key; who was destroyed or changed meanwhile stays so."""
        opened = [(row, *new) for row in rows if (new := self._opened(row, changed)) is not None]
        values = [self._values(name, row, plain, more) for row, plain, more in opened]
        if not values:
            return 0
        key = subject_key.c
        same = (key[each] == bindparam(f"old_{each}") for each in _SAME)
        written = update(subject_key).where(*same).values({each: bindparam(f"new_{each}") for each in _WRITTEN})
        with faults(), self._engine.begin() as connection:
            connection.execute(written, values)
            self._epochs.hold(connection, name)
        return len(values)

    def _opened(self, row: Row[Any], changed: Changed) -> tuple[bytes, dict[str, Any]] | None:
        """What is to be written, or None for a keyset that stays as it is, or cannot be opened."""
        try:
            return changed(row)
        except DAMAGED:
            same = (subject_key.c[each] == row._mapping[each] for each in _SAME)
            with faults(), self._engine.connect() as connection:
                # Nobody has changed it meanwhile.
                if connection.scalar(select(subject_key.c.subject).where(*same)) is not None:
                    self.damaged.add(row.subject)
            return None

    def _values(self, name: str, row: Row[Any], plain: bytes, more: dict[str, Any]) -> dict[str, Any]:
        wrapped = self._epochs.wrap(name, plain, row.subject, row.use, row.keyset)
        new = {**row._mapping, **more, "wrapped": wrapped, "epoch": name}
        old = {f"old_{each}": row._mapping[each] for each in _SAME}
        return {**old, **{f"new_{each}": new[each] for each in _WRITTEN}}


_KEY = tuple(subject_key.primary_key)
_SAME = (*(column.name for column in _KEY), "wrapped")
_WRITTEN = ("wrapped", "epoch", "version", "created_at", "staged_at")
