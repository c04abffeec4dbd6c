"""What an operator does with keys: changes them while the service runs. The service's vault cannot.

Every change works in batches of one short transaction each, can be killed at any place and is taken up by doing it again;
each record can be read at every step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, func, select, update

from datasteward.crypto import Key, Keyset, KeysetKind
from datasteward.keys.database import exclusively, faults
from datasteward.keys.epochs import EpochEnded, living
from datasteward.keys.roles import require_owner
from datasteward.keys.state import due
from datasteward.keys.store import CACHE_SECONDS, KeyStore
from datasteward.keys.tables import epoch, key_store, subject_key

BATCH = 200
SETTLED = timedelta(seconds=2 * CACHE_SECONDS)
"""How long a new key stands beside the old one before it encrypts: by then no process has a keyset without it."""
Told = Callable[[int], None]
Changed = Callable[[Row[Any]], tuple[bytes, dict[str, Any]]]


class KeyAdmin:
    """Changes of root, epoch and people's keys. `per_second` keysets a second at most; `told` hears how many are done.

    It is the owner's of the key store (see datasteward.keys.roles). Every method may raise KeyStoreError and RootKeyError.
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
        require_owner(store.engine)
        self._store, self._engine, self._epochs = store, store.engine, store.epochs
        self._per_second, self._batch, self._told, self._pause = per_second, batch, told, pause

    def waiting(self) -> bool:
        """Whether keysets have a new key that does not encrypt yet."""
        query = select(subject_key.c.subject).where(subject_key.c.staged_at.is_not(None)).limit(1)
        with faults(), self._engine.connect() as connection:
            return connection.scalar(query) is not None

    def rewrap_epochs(self) -> int:
        """Wraps the key of each living epoch under the present root key and returns how many; touches no keyset.

        Afterwards no other root key opens this key store.
        """
        with faults(), self._engine.connect() as connection:
            names = [str(name) for name in connection.scalars(living())]
        for name in names:
            self._epochs.rewrap(name)
        now = {"root_key": self._store.root_key.id, "root_since": self._store.clock()}
        with faults(), self._engine.begin() as connection:
            connection.execute(update(key_store).values(now))
        return len(names)

    def begin_epoch(self, *, begun_before: datetime | None = None) -> bool:
        """Begins an epoch; with `begun_before` only when the present one is older. Two processes begin one."""
        with faults(), exclusively(self._engine) as connection:
            latest = connection.scalar(select(func.max(epoch.c.begun_at)))
            if begun_before is not None and latest is not None and latest > begun_before:
                return False
            self._epochs.begin(connection, self._store.clock())
            return True

    def rewrap(self) -> int:
        """Wraps every keyset that is not yet under the present epoch's key under it; returns how many there were."""
        present = self._epochs.present()
        return self._change(subject_key.c.epoch != present, lambda row: (self._store.plain(row), {}))

    def end_epochs(self, *, overlap_before: datetime) -> int:
        """Ends the epochs before the present one and destroys their keys, if the present one began by that time.

        Backups of the key store made in them open nothing from then on. Returns how many ended; one under whose key
        there still are keysets does not.
        """
        with faults(), self._engine.connect() as connection:
            present, *older = connection.execute(
                select(epoch.c.id, epoch.c.begun_at)
                .where(epoch.c.ended_at.is_(None))
                .order_by(epoch.c.begun_at.desc(), epoch.c.id.desc())
            ).all()
        ended = [row.id for row in older if present.begun_at <= overlap_before and self._end(row.id)]
        self._destroy_ended()
        return len(ended)

    def _end(self, name: str) -> bool:
        with faults(), self._engine.begin() as connection:
            # The change comes first: it makes those who are about to wrap under this key wait (see Epochs.hold).
            connection.execute(update(epoch).where(epoch.c.id == name).values(ended_at=self._store.clock()))
            used = connection.scalar(select(func.count()).where(subject_key.c.epoch == name))
            if used:
                connection.rollback()
        return not used

    def _destroy_ended(self) -> None:
        with faults(), self._engine.connect() as connection:
            names = list(connection.scalars(select(epoch.c.id).where(epoch.c.ended_at.is_not(None))))
        for name in names:
            self._epochs.place.destroy(name)
            self._epochs.forget(name)
        with faults():
            self._store.settle()

    def stage(self, *, made_before: datetime) -> int:
        """Adds a new key, which does not encrypt yet, to each keyset made before that time; returns how many."""
        return self._change(due(made_before), self._with_a_new_key)

    def promote(self, *, staged_before: datetime) -> int:
        """Has the new key encrypt wherever it was added by that time; the old ones go on to decrypt. Returns how many."""
        ready = subject_key.c.staged_at.is_not(None) & (subject_key.c.staged_at <= staged_before)
        return self._change(ready, self._with_the_new_key_first)

    def _with_a_new_key(self, row: Row[Any]) -> tuple[bytes, dict[str, Any]]:
        keyset = self._keyset(row)
        more = Keyset(keyset.kind, keyset.primary, (*keyset.keys, Key.random()))
        return more.to_bytes(), {"staged_at": self._store.clock()}

    def _with_the_new_key_first(self, row: Row[Any]) -> tuple[bytes, dict[str, Any]]:
        keyset = self._keyset(row)
        turned = Keyset(keyset.kind, keyset.keys[-1].id, keyset.keys)
        return turned.to_bytes(), {"staged_at": None, "created_at": row.staged_at, "version": row.version + 1}

    def _keyset(self, row: Row[Any]) -> Keyset:
        return Keyset.from_bytes(KeysetKind(row.keyset), self._store.plain(row))

    def _change(self, wanted: ColumnElement[bool], changed: Changed) -> int:
        done = 0
        while rows := self._rows(wanted):
            try:
                self._write(rows, changed)
            except EpochEnded:
                continue
            done += len(rows)
            self._told(done)
            self._pause(len(rows) / self._per_second)
        with faults():
            self._store.settle()
        return done

    def _rows(self, wanted: ColumnElement[bool]) -> list[Row[Any]]:
        query = select(subject_key).where(wanted).order_by(*subject_key.primary_key).limit(self._batch)
        with faults(), self._engine.connect() as connection:
            return list(connection.execute(query))

    def _write(self, rows: list[Row[Any]], changed: Changed) -> None:
        """Writes the changed keysets, wrapped under the present epoch; who was destroyed or changed meanwhile stays so."""
        name = self._epochs.present()
        key, values = subject_key.c, [self._values(name, row, *changed(row)) for row in rows]
        same = (key[each] == bindparam(f"old_{each}") for each in ("subject", "use", "keyset", "wrapped"))
        written = update(subject_key).where(*same).values({each: bindparam(f"new_{each}") for each in _WRITTEN})
        with faults(), self._engine.begin() as connection:
            connection.execute(written, values)
            self._epochs.hold(connection, name)

    def _values(self, name: str, row: Row[Any], plain: bytes, more: dict[str, Any]) -> dict[str, Any]:
        wrapped = self._epochs.wrap(name, plain, row.subject, row.use, row.keyset)
        new = {**row._mapping, **more, "wrapped": wrapped, "epoch": name}
        old = {f"old_{each}": row._mapping[each] for each in ("subject", "use", "keyset", "wrapped")}
        return {**old, **{f"new_{each}": new[each] for each in _WRITTEN}}


_WRITTEN = ("wrapped", "epoch", "version", "created_at", "staged_at")
