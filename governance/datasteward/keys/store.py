"""The key store: each person's wrapped keysets, in a database apart from the data they protect.

It holds opaque ids and wrapped keys, nothing else. The service's backups do not contain it, and what its own still hold of
people who were destroyed opens no more once the epoch has ended (datasteward.keys.epochs).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from datasteward.crypto import KeysetKind
from datasteward.errors import KeyMissing, KeyStoreError
from datasteward.keys import migrations, sqlite
from datasteward.keys.cache import KeyCache
from datasteward.keys.database import about, exclusively, faults, open_engine
from datasteward.keys.directory import EpochDirectory, EpochPlace
from datasteward.keys.epochs import LIVING, EpochEnded, Epochs
from datasteward.keys.root import RootKey
from datasteward.keys.tables import Use, epoch, having_keys, person_count, subject_key

CACHE_SECONDS = 60.0
ATTEMPTS = 3
MISSING = "The key of this person is destroyed or was never made: its data cannot be read."


def utc_now() -> datetime:
    """The present, aware, UTC."""
    return datetime.now(UTC)


class KeyStore:
    """Wrapped keysets by subject, made at the first opening. May be used by several threads and processes.

    `epochs` is where the keys of epochs lie; else the directory `epochs` beside the file of an SQLite store. Their keys are
    kept unwrapped for `cache_seconds` of `ticks`, so a root key that is withdrawn is missed within that time.
    Raises KeyStoreError when the database cannot be used or is newer, RootKeyError when it belongs to another root key.
    """

    def __init__(
        self,
        url: str,
        root_key: RootKey,
        *,
        epochs: EpochPlace | None = None,
        clock: Callable[[], datetime] = utc_now,
        cache_seconds: float = CACHE_SECONDS,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root_key, self.clock = root_key, clock
        self._destroying = Lock()
        self.engine = open_engine(url)
        place = epochs or _beside(self.engine)
        self.epochs = Epochs(self.engine, place, root_key, KeyCache(age=cache_seconds, size=LIVING, clock=ticks))
        try:
            with faults():
                with exclusively(self.engine) as connection:
                    migrations.migrate(connection, self.epochs, clock())
                self.epochs.check()
        except BaseException:
            self.close()
            raise

    def add(self, subject: str, keysets: Mapping[KeysetKind, bytes], use: Use = Use.CONTENT) -> bool:
        """Stores a person's keysets, wrapped; durable when it returns. False, and nothing changed, when there are.

        Raises KeyMissing for records of somebody without keys for content: after an erasure nobody would destroy them.
        """
        while True:
            name = self.epochs.present()
            with faults():
                try:
                    self._add(name, subject, keysets, use)
                except IntegrityError:
                    return False
                except EpochEnded:
                    if name == self.epochs.present():  # it has not: its key is away
                        raise
                    continue
                return True

    def _add(self, name: str, subject: str, keysets: Mapping[KeysetKind, bytes], use: Use) -> None:
        rows = [
            {
                "subject": subject,
                "use": use.value,
                "keyset": kind.value,
                "wrapped": self.epochs.wrap(name, plain, subject, use, kind),
                "epoch": name,
                "version": 1,
                "created_at": self.clock(),
            }
            for kind, plain in keysets.items()
        ]
        with about(self.engine, subject) as connection:
            connection.execute(insert(subject_key), rows)
            self.epochs.hold(connection, name)
            if use is not Use.CONTENT:
                _require_content(connection, subject)

    def has(self, subject: str, use: Use = Use.CONTENT) -> bool:
        """Whether the person has keys for this use."""
        mine = (subject_key.c.subject == subject) & (subject_key.c.use == use)
        with faults(), about(self.engine, subject) as connection:
            return connection.scalar(select(subject_key.c.keyset).where(mine).limit(1)) is not None

    def having(self, keysets: Collection[tuple[str, Use]]) -> set[tuple[str, Use]]:
        """Which of these people have keys for these uses; asked of the database at once, however many there are."""
        asked = {subject for subject, _ in keysets}
        with faults(), self.engine.connect() as connection:
            found = {(subject, Use(use)) for subject, use in connection.execute(having_keys(connection, asked))}
        return found & set(keysets)

    def count(self) -> int:
        """How many persons have keys; standing keysets are nobody's."""
        with faults(), self.engine.connect() as connection:
            return connection.scalar(select(person_count.c.persons)) or 0

    def keysets(self, subject: str, use: Use = Use.CONTENT) -> dict[KeysetKind, bytes]:
        """The person's keysets for this use in the clear, empty when there are none. Raises what `opened` raises."""
        return self.opened(subject).get(use, {})

    def opened(self, subject: str) -> dict[Use, dict[KeysetKind, bytes]]:
        """All keysets of the person in the clear, by use and kind. Raises DecryptionFailed when one is damaged."""
        for _ in range(ATTEMPTS - 1):
            try:
                return self._opened(subject)
            except EpochEnded:  # the epoch ended between the two looks: the keyset lies under the next one
                continue
        return self._opened(subject)

    def _opened(self, subject: str) -> dict[Use, dict[KeysetKind, bytes]]:
        query = select(subject_key).where(subject_key.c.subject == subject)
        with faults(), about(self.engine, subject) as connection:
            rows = connection.execute(query).all()
        found: dict[Use, dict[KeysetKind, bytes]] = {}
        for row in rows:
            found.setdefault(Use(row.use), {})[KeysetKind(row.keyset)] = self.plain(row)
        return found

    def plain(self, row: Row[tuple[object, ...]]) -> bytes:
        """The keyset of a row of `subject_key` in the clear."""
        return self.epochs.unwrap(row.epoch, row.wrapped, row.subject, row.use, row.keyset)

    def destroy_all(self, keysets: Iterable[tuple[str, Use]]) -> int:
        """Overwrites and deletes these people's keysets; leaves no copy in file, log or free pages (SQLite).

        A transaction for each, and file and log tidied once at the end. How many there were. Cut off before the end, file
        or log still have them: it is done again for all of them, those that are gone included. What lies below the file
        system (journal, flash cells, snapshots) is beyond it, as are a server's log and backups: what they hold opens no
        more once the epoch has ended.
        """
        with self._destroying, faults():  # one at a time: those who tidy up stand in each other's way
            try:
                return sum(self._destroy(subject, use) for subject, use in keysets)
            finally:
                self.settle()

    def _destroy(self, subject: str, use: Use) -> bool:
        mine = (subject_key.c.subject == subject) & (subject_key.c.use == use)
        with about(self.engine, subject) as connection:
            found = connection.execute(select(subject_key).where(mine)).all()
            for row in found:
                noise = os.urandom(len(row.wrapped))
                connection.execute(
                    update(subject_key).where(mine, subject_key.c.keyset == row.keyset).values(wrapped=noise)
                )
            connection.execute(delete(subject_key).where(mine))
        return bool(found)

    def settle(self) -> None:
        """Leaves no copy of what was overwritten or moved in file or log (SQLite)."""
        if self.engine.dialect.name == "sqlite":
            sqlite.tidy(self.engine)

    def epoch_begun(self) -> datetime:
        """When the present epoch began (UTC)."""
        query = select(epoch.c.begun_at).where(epoch.c.ended_at.is_(None)).order_by(epoch.c.begun_at.desc()).limit(1)
        with faults(), self.engine.connect() as connection:
            begun: datetime = connection.execute(query).scalar_one()
        return begun

    def close(self) -> None:
        """Drops all unwrapped keys and closes all connections."""
        self.epochs.forget_all()
        self.engine.dispose()


def _beside(engine: Engine) -> EpochDirectory:
    if engine.dialect.name != "sqlite" or not engine.url.database:
        raise KeyStoreError("A key store on a server needs to be told where the keys of epochs lie.")
    return EpochDirectory(Path(engine.url.database).parent / "epochs")


def _require_content(connection: Connection, subject: str) -> None:
    """Keeps the person's keys for content from being destroyed before the transaction ends. Raises KeyMissing."""
    content = (subject_key.c.subject == subject) & (subject_key.c.use == Use.CONTENT)
    if connection.scalar(select(subject_key.c.subject).where(content).limit(1).with_for_update(read=True)) is None:
        raise KeyMissing(MISSING)
