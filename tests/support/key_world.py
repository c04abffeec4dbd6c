"""A key store with people and what they wrote, and a clock that can be moved: what tests of changing keys begin with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine, update

from datasteward import backup
from datasteward.crypto import Box
from datasteward.keys import Context, EpochDirectory, FileRootKey, KeyStore, RootKey, RootKeyFile, Vault
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from datasteward.keys.tables import metadata, subject_key
from datasteward.ledger.entries import Head
from datasteward.policy.model import KeySchedule
from datasteward.policy.period import Period

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEDULE = KeySchedule(
    epoch=Period.parse("P30D"),
    overlap=Period.parse("P7D"),
    margin=Period.parse("P3D"),
    root=Period.parse("P1Y"),
    persons=Period.parse("P2Y"),
    per_second=1,
    why="w",
    source="s",
)
"""A month for an epoch, a week of overlap, three days for the job to be late."""
PEOPLE = ("ada", "ben", "carla", "dan", "eva")


class World:
    """A key store with people, a clock that can be moved, and a sealed text and object of each of them."""

    def __init__(self, directory: Path, url: str) -> None:
        self.now, self.directory, self.url = START, directory, url
        FileRootKey.create(directory / "root.key")
        self.root = RootKeyFile(directory / "root.key")
        self.places = EpochDirectory(directory / "epochs", directory / "mirror")
        self.backup = directory / "backup"
        self.store = self.open(self.root)
        self.vault = Vault(self.store)
        self.pauses: list[float] = []
        self.admin = KeyAdmin(Changing(self.store, per_second=10, batch=3, pause=self.pauses.append))
        self.texts: dict[str, list[tuple[Context, Box]]] = {name: [] for name in PEOPLE}
        self.objects: dict[str, list[bytes]] = {name: [] for name in PEOPLE}
        for name in PEOPLE:
            self.vault.create(name)
        self.write()

    def open(self, root: RootKey, url: str | None = None) -> KeyStore:
        """The key store, or one that was restored, opened as another process would."""
        return KeyStore(url or self.url, root, epochs=self.places, clock=lambda: self.now)

    def write(self) -> None:
        """Seals one more text and object of each living person."""
        for name in PEOPLE:
            if self.vault.has(name):
                place = Context(name, "letter", "words", str(len(self.texts[name])))
                self.texts[name].append((place, self.vault.seal(place, f"words of {name}")))
                self.objects[name].append(b"".join(self.vault.seal_stream(name, [b"picture"], b"p")))

    def readable(self, vault: Vault, *names: str) -> bool:
        """Whether everything that was ever written for these people opens."""
        for name in names:
            assert all(vault.reveal_text(*each) == f"words of {name}" for each in self.texts[name])
            assert all(b"".join(vault.reveal_stream(name, [each], b"p")) == b"picture" for each in self.objects[name])
        return True

    def all_readable(self) -> bool:
        """Whether this process and one that has just started read everything."""
        fresh = self.open(self.root)
        try:
            return self.readable(self.vault, *PEOPLE) and self.readable(Vault(fresh), *PEOPLE)
        finally:
            fresh.close()

    def back_up(self) -> backup.Manifest:
        """A backup of the key store as `gptimages backup --keys` makes it, in the directory `backup`."""
        self.backup.mkdir()
        tables, about = (
            backup.dump(self.store.engine, self.backup),
            dict.fromkeys(("ledger_key", "installation", "policies"), ""),
        )
        dialect, head = self.store.engine.dialect.name, Head(0, "")
        return backup.Manifest(kind="keys", ledger=head, dialect=dialect, begun_at=self.now, tables=tables, **about)

    def restore(self, url: str, manifest: backup.Manifest, place: Path | None = None) -> KeyStore:
        """A backup brought into an empty database, opened by what keys there are now."""
        empty = create_engine(url)
        backup.load(empty, place or self.backup, manifest, metadata.create_all)
        empty.dispose()
        return self.open(self.root, url)

    def turn(self) -> None:
        """A whole change of epochs, its overlap included."""
        self.admin.begin_epoch()
        self.admin.rewrap()
        self.admin.end_epochs(overlap_before=self.now)


def damage(data: Path, subject: str) -> None:
    """Spoils a person's keyset for fields in the key store of an installation on SQLite."""
    engine = create_engine(f"sqlite:///{data / 'keys' / 'keys.db'}")
    with engine.begin() as connection:
        one = (subject_key.c.subject == subject) & (subject_key.c.keyset == "fields")
        connection.execute(update(subject_key).where(one).values(wrapped=b"damaged"))
    engine.dispose()
