"""Epochs: the key between the root key and the keysets of people, changed on the schedule of policies/encryption.yaml.

The root key wraps the keys of epochs and nothing else, so changing it touches a handful of small files. The key of an epoch
wraps the keysets of everybody in this process. At its end those who live are wrapped under the next one and the key is
destroyed: what a backup of the key store still holds of the dead opens no more.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, func, insert, select, update

from datasteward.base import new_id
from datasteward.crypto import FieldCipher, Keyset, KeysetKind, associated_data
from datasteward.errors import DecryptionFailed, KeyStoreError, RootKeyError
from datasteward.keys.cache import KeyCache
from datasteward.keys.database import faults
from datasteward.keys.directory import EpochPlace
from datasteward.keys.root import RootKey
from datasteward.keys.tables import epoch, key_store, subject_key

_NEWEST_FIRST = (epoch.c.begun_at.desc(), epoch.c.id.desc())
LIVING = 8
"""How many epochs' keys are kept unwrapped at once; two live while one follows another."""


class EpochEnded(KeyStoreError):
    """The epoch has ended meanwhile: what was to be wrapped under it is wrapped under the next one."""


class Epochs:
    """The living epochs of a key store. May be shared by threads."""

    def __init__(self, engine: Engine, place: EpochPlace, root_key: RootKey, cache: KeyCache[FieldCipher]) -> None:
        self.place, self.root_key = place, root_key
        self._engine, self._cache = engine, cache

    def begin(self, connection: Connection, now: datetime) -> str:
        """Begins an epoch, which is the present one once the transaction is committed, and returns its id.

        To be called in a transaction that one process has (`exclusively`). Raises RootKeyError when the root key here
        is not the one that wraps the other epochs: those who have that one alone could not open this one.
        """
        self.require_in_charge(connection)
        _bring_before(connection, now)
        name = new_id()
        plain = Keyset.random(KeysetKind.FIELDS).to_bytes()
        self.place.put(name, self.root_key.wrap(plain, _context(name)))
        connection.execute(insert(epoch).values(id=name, begun_at=now))
        return name

    def in_charge(self, connection: Connection) -> bool:
        """Whether the root key here is the one that the key store names: the one that wraps the keys of epochs."""
        return self.root_key.id == connection.scalar(select(key_store.c.root_key))

    def require_in_charge(self, connection: Connection) -> None:
        """Raises RootKeyError when it is not."""
        if not self.in_charge(connection):
            raise RootKeyError(
                "The root key here is not the one that wraps the keys of epochs: a change of it was cut off, or this process "
                "has the old one: change the root key again, or set the new one."
            )

    def present(self) -> str:
        """The id of the epoch under which new keysets are wrapped."""
        with faults(), self._engine.connect() as connection:
            return living(connection)[0]

    def wrap(self, name: str, plain: bytes, subject: str, use: str, kind: str) -> bytes:
        """The keyset wrapped under the key of the epoch, bound to whose and what it is."""
        return self._cipher(name).encrypt(plain, _keyset(subject, use, kind))

    def unwrap(self, name: str, wrapped: bytes, subject: str, use: str, kind: str) -> bytes:
        """The keyset. Raises DecryptionFailed, RootKeyError, or EpochEnded when the epoch's key is gone."""
        return self._cipher(name).decrypt(wrapped, _keyset(subject, use, kind))

    def hold(self, connection: Connection, name: str) -> None:
        """Keeps the epoch from ending before the transaction. To be called after its first write.

        Raises EpochEnded.
        """
        living_one = select(epoch.c.id).where(epoch.c.id == name, epoch.c.ended_at.is_(None))
        if connection.scalar(living_one.with_for_update(read=True)) is None:
            raise EpochEnded("The epoch has ended meanwhile: do it again.")

    def check_copies(self, connection: Connection, *, same: bool = True) -> None:
        """Raises KeyStoreError unless the key of each living epoch is wherever it should be, and `same` there.

        A disk that is away would come back with keys that were destroyed in the meantime. An older epoch's that is nowhere is
        lost: so it is after a backup was restored that was made while keysets were taken along from it. Raises RootKeyError
        where it is a change of the root key that has left different ones.
        """
        if same:
            self.check_change(connection)
        present, *older = (self.place.copies(name) for name in living(connection))
        copies = [present, *(each for each in older if any(each))]
        if any(None in each or (same and len(set(each)) > 1) for each in copies):
            raise KeyStoreError(
                "The directories of the keys of epochs do not all have the same: bring back the disk that is away; "
                "one that is new, or damaged, is to be filled from the others."
            )

    def check_change(self, connection: Connection) -> None:
        """Raises RootKeyError where a change of the root key was cut off between two copies of a key."""
        if any(len(set(self.place.copies(name)) - {None}) > 1 for name in living(connection)):
            self.require_in_charge(connection)

    def unknown(self, connection: Connection) -> list[str]:
        """Epochs that this key store does not know, though their keys are here and its root key opens them.

        So it is after a backup was restored: they began after it was made, and their keys open later backups.
        """
        return [name for name in self.place.names() - set(connection.scalars(select(epoch.c.id))) if self._opens(name)]

    def adopt(self, connection: Connection) -> None:
        """Takes up the unknown ones as older than the present one, in a transaction as for `begin`."""
        begun = connection.scalar(select(func.max(epoch.c.begun_at)).where(epoch.c.ended_at.is_(None)))
        for name in self.unknown(connection):
            self.copy(name)  # who began it may have been killed before it was everywhere
            connection.execute(insert(epoch).values(id=name, begun_at=begun - timedelta(microseconds=1)))

    def _opens(self, name: str) -> bool:
        try:
            self._unwrap(name)
        except (EpochEnded, RootKeyError):
            return False
        return True

    def gone(self, connection: Connection) -> list[str]:
        """Epochs that live by the key store's word, though no copy of their key is left and no keyset needs one.

        So it is after a backup was restored: they ended after it was made.
        """
        used = set(connection.scalars(select(subject_key.c.epoch).distinct()))
        _, *older = living(connection)
        return [name for name in older if name not in used and not any(self.place.copies(name))]

    def rewrap(self, name: str) -> None:
        """Wraps the key of an epoch under the present root key, wherever it is kept; nothing else is touched."""
        plain, _ = self._unwrap(name)
        self.place.put(name, self.root_key.wrap(plain, _context(name)))

    def copy(self, name: str) -> None:
        """Writes the key of an epoch, wrapped as it is, wherever it should be. Raises RootKeyError, EpochEnded."""
        _, wrapped = self._unwrap(name)
        self.place.put(name, wrapped)

    def check(self) -> None:
        """Raises RootKeyError when the root key is another one, KeyStoreError when the key of the epoch is not there."""
        try:
            self._cipher(self.present())
        except EpochEnded:
            raise KeyStoreError(
                "The keys of epochs are not those of this key store: give the directory that was written with it, and a "
                "backup of the key store that was made since the present epoch began."
            ) from None

    def forget(self, name: str) -> None:
        """Drops the unwrapped key of an epoch."""
        self._cache.forget(name)

    def forget_all(self) -> None:
        """Drops the unwrapped keys of all epochs."""
        self._cache.clear()

    def _cipher(self, name: str) -> FieldCipher:
        return self._cache.get(name, self._load)

    def _load(self, name: str) -> FieldCipher:
        plain, _ = self._unwrap(name)
        return FieldCipher(Keyset.from_bytes(KeysetKind.FIELDS, plain))

    def _unwrap(self, name: str) -> tuple[bytes, bytes]:
        """The key of an epoch, and the wrapped copy that opens."""
        for _ in range(2):  # a change of the root key overwrites a file that is just being read
            copies = {copy for copy in self.place.copies(name) if copy is not None}
            if not copies:
                raise EpochEnded(
                    "The key of an epoch is not where the keys of epochs are: it was destroyed, or is lost."
                )
            for wrapped in copies:  # one may be cut short, or under the old root key
                with suppress(DecryptionFailed):
                    return self.root_key.unwrap(wrapped, _context(name)), wrapped
        with faults(), self._engine.connect() as connection:
            present = living(connection)[0]
            # While the root key changes it is not in charge yet, but opens the present epoch's key.
            if self.in_charge(connection) or (name != present and self._opens(present)):
                raise EpochEnded(
                    "The key of an epoch is damaged in each place that keeps it: what it wraps opens only from a backup of the "
                    "key store that was made after the next epoch began."
                )
        raise RootKeyError(
            "The root key is not the one that this key store was made with: "
            "put the right root key in place, or the key store that belongs to it."
        )


def living(connection: Connection) -> list[str]:
    """The ids of epochs that have not ended, the present one first."""
    query = select(epoch.c.id).where(epoch.c.ended_at.is_(None)).order_by(*_NEWEST_FIRST)
    return [str(name) for name in connection.scalars(query)]


def _bring_before(connection: Connection, now: datetime) -> None:
    """Lets epochs that began later than now, by a clock that was wrong, have begun just before, in their order."""
    later = connection.scalars(select(epoch.c.id).where(epoch.c.begun_at >= now).order_by(*_NEWEST_FIRST)).all()
    for place, name in enumerate(later, 1):
        begun = now - place * timedelta(microseconds=1)
        connection.execute(update(epoch).where(epoch.c.id == name).values(begun_at=begun))


def _context(name: str) -> bytes:
    return associated_data("datasteward/epoch/1", name)


def _keyset(subject: str, use: str, kind: str) -> bytes:
    return associated_data("datasteward/keyset/2", subject, use, kind)
