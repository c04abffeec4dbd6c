"""What an operator does with keys: changes them while the service runs. The service's vault cannot.

Every change works in batches of one short transaction each, can be killed at any place and is taken up by doing it again;
each record can be read at every step. A keyset that is damaged is passed over and named, so that it holds nobody else up.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, true, update

from datasteward.crypto import Key, Keyset, KeysetKind
from datasteward.keys.changing import DAMAGED, Changed, Changing
from datasteward.keys.database import exclusively, faults
from datasteward.keys.epochs import EpochEnded, living
from datasteward.keys.roles import require_owner
from datasteward.keys.roots import RootKeyFile
from datasteward.keys.state import due, mirrored
from datasteward.keys.store import CACHE_SECONDS
from datasteward.keys.tables import epoch, key_store, subject_key

SETTLED = timedelta(seconds=2 * CACHE_SECONDS)
"""How long a new key stands beside the old one before it encrypts: by then no process has a keyset without it."""


class KeyAdmin:
    """Changes of root, epoch and people's keys, at the pace of `changing`.

    It is the owner's of the key store (see datasteward.keys.roles). `before` is called once, before the first change: what
    it writes down is there although the change is cut off. Every method may raise KeyStoreError and RootKeyError.
    """

    def __init__(self, changing: Changing, *, before: Callable[[], None] = lambda: None) -> None:
        require_owner(changing.store.engine)
        self.store, self._changing = changing.store, changing
        self._engine, self._epochs = self.store.engine, self.store.epochs
        self._before: Callable[[], None] | None = before

    @property
    def damaged(self) -> frozenset[str]:
        """The owners of keysets that could not be opened so far: they are as they were, and their epoch does not end."""
        return frozenset(self._changing.damaged)

    def waiting(self) -> bool:
        """Whether keysets have a new key that does not encrypt yet."""
        query = select(subject_key.c.subject).where(subject_key.c.staged_at.is_not(None)).limit(1)
        with faults(), self._engine.connect() as connection:
            return connection.scalar(query) is not None

    def change_root(self) -> bool:
        """Wraps the key of each living epoch under the present root key, alone from now on; touches no keyset.

        A root key in a file gets its successor, and is overwritten. False when the present root key is the one that wrapped
        them before.
        """
        self._announce()
        self._let_go()
        root = self.store.root_key
        with faults(), exclusively(self._engine) as connection:
            self._epochs.check_copies(connection, same=False)  # a change that was cut off leaves both root keys' behind
            if isinstance(root, RootKeyFile):
                root.follow()
            new = self._take_over(connection)
            if isinstance(root, RootKeyFile):
                root.settle()
        return new

    def take_over(self) -> None:
        """Has the root key here wrap the keys of epochs, and the key store name it, after a backup was restored.

        One from before a change of the root key names the old one, and no epoch would begin under the new.
        """
        self._let_go()
        with faults(), exclusively(self._engine) as connection:
            self._take_over(connection)

    def _take_over(self, connection: Connection) -> bool:
        _each(connection, self._epochs.rewrap)
        new = not self._epochs.in_charge(connection)
        if new:
            named = {"root_key": self.store.root_key.id, "root_since": self.store.clock()}
            connection.execute(update(key_store).values(named))
        return new

    def refill(self) -> None:
        """Writes the key of each living epoch, as it is, wherever it should be: on a disk that is new, or that was damaged.

        Raises RootKeyError where a change of the root key that was cut off is to be done again. Not for a disk that is away
        and comes back: it would bring keys that were destroyed in the meantime.
        """
        self._announce()
        self._let_go()
        with faults(), exclusively(self._engine) as connection:
            self._epochs.check_change(connection)
            _each(connection, self._epochs.copy)

    def _let_go(self) -> None:
        """Ends epochs whose key has gone since the backup that was restored (Epochs.gone)."""
        with faults(), self._engine.connect() as connection:
            if not self._epochs.gone(connection):
                return
        self._announce()
        with faults(), exclusively(self._engine) as connection:
            gone = epoch.c.id.in_(self._epochs.gone(connection))
            connection.execute(update(epoch).where(gone).values(ended_at=self.store.clock()))

    def begin_epoch(self, *, begun_before: datetime | None = None) -> bool:
        """Begins an epoch; with `begun_before` only when the present one is older. Two processes begin one.

        One that began in the future, by as much as that time lies in the past, counts as older too: the clock was wrong.
        One begins as well where a restored key store does not know some (Epochs.unknown): they are taken up as older ones,
        and end with them, their overlap counted from now.
        """
        self._let_go()
        with faults(), self._engine.connect() as connection:
            self._epochs.check_copies(connection)
            if not self._is_due(connection, begun_before):
                return False
        self._announce()
        with faults(), exclusively(self._engine) as connection:
            if not self._is_due(connection, begun_before):
                return False
            self._epochs.adopt(connection)
            self._epochs.begin(connection, self.store.clock())
            return True

    def _is_due(self, connection: Connection, begun_before: datetime | None) -> bool:
        return self._is_older(connection, begun_before) or bool(self._epochs.unknown(connection))

    def _is_older(self, connection: Connection, begun_before: datetime | None) -> bool:
        begun = connection.scalar(select(func.max(epoch.c.begun_at)))
        return (
            begun is None
            or begun_before is None
            or begun <= begun_before
            or begun >= mirrored(begun_before, self.store.clock())
        )

    def rewrap(self) -> int:
        """Wraps every keyset that is not yet under the present epoch's key under it; returns how many there were."""
        present = self._epochs.present()
        return self._change(subject_key.c.epoch != present, self._as_it_is)

    def end_epochs(self, *, overlap_before: datetime) -> int:
        """Ends the epochs before the present one and destroys their keys, if the present one began by that time.

        Backups of the key store made in them open nothing from then on. Returns how many ended; one under whose key
        there still are keysets does not.
        """
        self._let_go()
        with faults(), self._engine.connect() as connection:
            present, *older = living(connection)
            begun = connection.scalar(select(epoch.c.begun_at).where(epoch.c.id == present))
            self._epochs.check_copies(connection)
        over = older if begun is not None and begun <= overlap_before else []
        if over:
            self._announce()
        ended = [name for name in over if self._end(name)]
        self._destroy_ended()
        return len(ended)

    def _end(self, name: str) -> bool:
        with faults(), exclusively(self._engine) as connection:  # nobody is just wrapping its key anew
            # The change comes first: it makes those who are about to wrap under this key wait (see Epochs.hold).
            connection.execute(update(epoch).where(epoch.c.id == name).values(ended_at=self.store.clock()))
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
            self.store.settle()

    def stage(self, *, made_before: datetime) -> int:
        """Adds a new key, which does not encrypt yet, to each keyset made before that time (see `due`); returns how many."""
        return self._change(due(made_before, self.store.clock()), self._with_a_new_key)

    def promote(self, *, staged_before: datetime) -> int:
        """Has the new key encrypt wherever it was added by that time; the old ones go on to decrypt. Returns how many."""
        staged_at = subject_key.c.staged_at
        wrong = staged_at > self.store.clock() + SETTLED  # by a clock that was ahead
        ready = staged_at.is_not(None) & ((staged_at <= staged_before) | wrong)
        return self._change(ready, self._with_the_new_key_first)

    def mend(self, copy: Connection) -> int:
        """Takes each damaged keyset from a backup of the key store (backup.reading); returns how many. The others stay.

        A key that was added after the backup was made is not in it. Who is in the backup alone was destroyed, and stays so.
        """
        return self._change(true(), partial(self._from_a_copy, copy))

    def _from_a_copy(self, copy: Connection, row: Row[Any]) -> tuple[bytes, dict[str, Any]] | None:
        try:
            self._keyset(row)
        except DAMAGED:
            same = (each == row._mapping[each.name] for each in subject_key.primary_key)
            kept = copy.execute(select(subject_key).where(*same)).one_or_none()
            if kept is None:
                raise
            what = {each: kept._mapping[each] for each in ("version", "created_at", "staged_at")}
            return self._keyset(kept).to_bytes(), what
        return None

    def _as_it_is(self, row: Row[Any]) -> tuple[bytes, dict[str, Any]]:
        return self.store.plain(row), {}

    def _with_a_new_key(self, row: Row[Any]) -> tuple[bytes, dict[str, Any]]:
        keyset = self._keyset(row)
        more = Keyset(keyset.kind, keyset.primary, (*keyset.keys, Key.random()))
        return more.to_bytes(), {"staged_at": self.store.clock()}

    def _with_the_new_key_first(self, row: Row[Any]) -> tuple[bytes, dict[str, Any]]:
        keyset = self._keyset(row)
        turned = Keyset(keyset.kind, keyset.keys[-1].id, keyset.keys)
        made = min(row.staged_at, self.store.clock())
        return turned.to_bytes(), {"staged_at": None, "created_at": made, "version": row.version + 1}

    def _keyset(self, row: Row[Any]) -> Keyset:
        return Keyset.from_bytes(KeysetKind(row.keyset), self.store.plain(row))

    def _change(self, wanted: ColumnElement[bool], changed: Changed) -> int:
        return self._changing.all(wanted, changed, self._announce)

    def _announce(self) -> None:
        if self._before is not None:
            self._before()
            self._before = None


def _each(connection: Connection, change: Callable[[str], None]) -> None:
    """Changes the key of each living epoch; an older one whose key is lost holds no other up."""
    present, *older = living(connection)
    change(present)
    for name in older:
        with suppress(EpochEnded):
            change(name)
