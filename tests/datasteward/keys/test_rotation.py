"""Epochs, and changing root, epoch and people's keys while everything stays readable."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from datasteward import backup
from datasteward.crypto import Box, FieldCipher, Keyset, KeysetKind, associated_data
from datasteward.errors import DecryptionFailed, KeyMissing, KeyStoreError, RootKeyError
from datasteward.keys import Context, EpochDirectory, FileRootKey, KeyStore, RootKeyFile, RootKeys, Vault
from datasteward.keys.admin import SETTLED, KeyAdmin
from datasteward.keys.tables import metadata, subject_key
from datasteward.ledger.entries import Head

START = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = ("ada", "ben", "carla", "dan", "eva")


class World:
    """A key store with people, a clock that can be moved, and a sealed text and object of each of them."""

    def __init__(self, directory: Path, url: str) -> None:
        self.now, self.directory, self.url = START, directory, url
        FileRootKey.create(directory / "root.key")
        self.root = RootKeyFile(directory / "root.key")
        self.places = EpochDirectory(directory / "epochs", directory / "mirror")
        self.store = self.open(self.root)
        self.vault = Vault(self.store)
        self.pauses: list[float] = []
        self.admin = KeyAdmin(self.store, per_second=10, batch=3, pause=self.pauses.append)
        self.texts: dict[str, list[tuple[Context, Box]]] = {name: [] for name in PEOPLE}
        self.objects: dict[str, list[bytes]] = {name: [] for name in PEOPLE}
        for name in PEOPLE:
            self.vault.create(name)
        self.write()

    def open(self, root: FileRootKey | RootKeyFile | RootKeys, url: str | None = None) -> KeyStore:
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

    def turn(self) -> None:
        """A whole change of epochs, its overlap included."""
        self.admin.begin_epoch()
        self.admin.rewrap()
        self.admin.end_epochs(overlap_before=self.now)


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """A world on each kind of database."""
    made = World(tmp_path, database_url)
    yield made
    made.store.close()


def rows(world: World) -> list[tuple[object, ...]]:
    """Everything that stands in the table of keysets."""
    with world.store.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql("select * from subject_key order by 1, 2, 3")]


def test_an_epochs_change_leaves_everybody_readable_and_the_old_key_nowhere(world: World) -> None:
    """Survivors lie under the next epoch, in bounded batches at the rate that was set; the old key is in no directory."""
    old = world.store.epochs.present()
    world.now += timedelta(days=30)
    assert world.admin.begin_epoch()
    assert world.all_readable()
    assert world.admin.rewrap() == 2 * len(PEOPLE)
    assert world.pauses == [0.3, 0.3, 0.3, 0.1]
    assert world.all_readable()
    assert world.admin.end_epochs(overlap_before=world.now) == 1
    assert world.all_readable()
    assert old != world.store.epochs.present()
    for directory in ("epochs", "mirror"):
        assert [each.name for each in (world.directory / directory).iterdir()] == [world.store.epochs.present()]


def test_an_epoch_does_not_end_before_the_overlap_nor_while_it_wraps_a_keyset(world: World) -> None:
    """The old key stands while a new backup is to be made, and as long as there is a keyset that needs it."""
    world.now += timedelta(days=30)
    world.admin.begin_epoch()
    assert world.admin.end_epochs(overlap_before=world.now) == 0
    world.admin.rewrap()
    assert world.admin.end_epochs(overlap_before=world.now - timedelta(days=2)) == 0
    world.now += timedelta(days=2)
    assert world.admin.end_epochs(overlap_before=world.now - timedelta(days=2)) == 1
    assert world.all_readable()


def test_an_epoch_begins_once_and_only_when_it_is_due(world: World) -> None:
    """Two schedulers begin one epoch."""
    assert not world.admin.begin_epoch(begun_before=START - timedelta(seconds=1))
    world.now += timedelta(days=30)
    assert world.admin.begin_epoch(begun_before=START)
    assert not world.admin.begin_epoch(begun_before=START)


def test_killed_at_any_batch_the_change_is_taken_up(world: World) -> None:
    """A kill after each batch, and doing it again, ends like a run in one go; everything is readable in between."""

    class Killed(Exception):
        pass

    def kill(_: int) -> None:
        raise Killed

    world.now += timedelta(days=30)
    dying = KeyAdmin(world.store, per_second=10, batch=3, told=kill, pause=world.pauses.append)
    dying.begin_epoch()
    for _ in range(4):
        with pytest.raises(Killed):
            dying.rewrap()
        assert world.all_readable()
        world.vault.destroy("nobody")
    assert dying.rewrap() == 0
    assert world.admin.end_epochs(overlap_before=world.now) == 1
    assert world.all_readable()


def test_killed_between_the_end_and_the_destruction_the_key_still_goes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An epoch that is marked as ended loses its key at the next run."""
    world.now += timedelta(days=30)
    world.admin.begin_epoch()
    world.admin.rewrap()
    with monkeypatch.context() as broken:
        broken.setattr(KeyAdmin, "_destroy_ended", lambda _: None)
        world.admin.end_epochs(overlap_before=world.now)
    assert len(list((world.directory / "epochs").iterdir())) == 2
    world.admin.end_epochs(overlap_before=world.now)
    assert len(list((world.directory / "epochs").iterdir())) == 1


def test_a_process_that_knew_the_old_epoch_stores_under_the_new_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looked up the epoch just before it ended cannot wrap a keyset under a key that is gone."""
    old = world.store.epochs.present()
    world.store.epochs.wrap(old, b"", "x", "content", "fields")
    world.now += timedelta(days=30)
    world.turn()
    late = iter([old])
    present = world.store.epochs.present
    monkeypatch.setattr(world.store.epochs, "present", lambda: next(late, None) or present())
    world.vault.create("late")
    assert world.store.keysets("late")


def test_e11_an_old_backup_of_the_key_store_opens_nothing_once_its_epoch_has_ended(
    world: World, new_database: Callable[[], str]
) -> None:
    """With the backup, the root key and the keys of epochs as they are afterwards nothing of the dead opens; who lives reads.

    Before the end it would have opened: so it is the epoch's end that kills it.
    """
    restore = backed_up(world, new_database)
    world.vault.destroy("ada")
    before = world.open(world.root, restore())
    assert world.readable(Vault(before), *PEOPLE)
    before.close()
    world.now += timedelta(days=30)
    world.turn()
    after = restore()
    with pytest.raises(KeyStoreError, match="keys of epochs are not those of this key store"):
        world.open(world.root, after)
    assert {row[0] for row in wrapped_in(after)} == set(PEOPLE)
    assert not opens_any(world, wrapped_in(after))
    assert opens_any(world, wrapped_in(world.url))
    assert world.readable(world.vault, *PEOPLE[1:])


def backed_up(world: World, new_database: Callable[[], str]) -> Callable[[], str]:
    """A backup of the key store as `gptimages backup --keys` makes it; each call restores it and gives the URL."""
    place, engine = world.directory / "backup", world.store.engine
    place.mkdir()
    about: dict[str, Any] = dict.fromkeys(("ledger_key", "installation", "policies"), "")
    tables, head = backup.dump(engine, place), Head(0, "")
    manifest = backup.Manifest(
        kind="keys", ledger=head, dialect=engine.dialect.name, begun_at=world.now, tables=tables, **about
    )

    def restore() -> str:
        url = new_database()
        empty = create_engine(url)
        backup.load(empty, place, manifest, metadata.create_all)
        empty.dispose()
        return url

    return restore


def wrapped_in(url: str) -> list[tuple[str, str, str, bytes]]:
    """The wrapped keysets of a key store."""
    engine, key = create_engine(url), subject_key.c
    with engine.connect() as connection:
        found = connection.execute(select(key.subject, key.use, key.keyset, key.wrapped)).all()
    engine.dispose()
    return [(row.subject, row.use, row.keyset, row.wrapped) for row in found]


def opens_any(world: World, kept: list[tuple[str, str, str, bytes]]) -> bool:
    """Whether any key that there still is, of an epoch or the root itself, opens one of the wrapped keysets."""
    epochs = []
    for path in (*(world.directory / "epochs").iterdir(), *(world.directory / "mirror").iterdir()):
        plain = world.root.unwrap(path.read_bytes(), associated_data("datasteward/epoch/1", path.name))
        epochs.append(FieldCipher(Keyset.from_bytes(KeysetKind.FIELDS, plain)).decrypt)
    for subject, use, kind, wrapped in kept:
        context = associated_data("datasteward/keyset/2", subject, use, kind)
        for decrypt in (*epochs, world.root.unwrap):
            try:
                decrypt(wrapped, context)
            except DecryptionFailed:
                continue
            return True
    return False


def test_e10_what_is_still_found_on_disk_is_useless_once_the_epoch_has_ended(
    world: World, backend: str, on_disk: Callable[[], list[bytes]]
) -> None:
    """SQLite keeps no byte of a destroyed key; PostgreSQL keeps some in heap and log, which open nothing after the end."""
    kept = [each for each in wrapped_in(world.url) if each[0] == "ada"]
    assert opens_any(world, kept)
    stored = on_disk()
    assert all(any(each[3] in data for data in stored) for each in kept)
    world.vault.destroy("ada")
    stored = on_disk()
    found = [each for each in kept if any(each[3] in data for data in stored)]
    assert len(found) == (0 if backend == "sqlite" else len(kept))
    assert opens_any(world, kept)
    world.now += timedelta(days=30)
    world.turn()
    assert not opens_any(world, kept)
    assert world.readable(world.vault, *PEOPLE[1:])


def test_e7_a_new_root_key_touches_no_keyset_and_the_old_one_is_refused(world: World) -> None:
    """Only the epochs' keys are wrapped anew: every row is as it was, a running process reads on, the old root opens nothing."""
    before, old = rows(world), FileRootKey.load(world.directory / "root.key")
    world.root.follow()
    assert world.all_readable()
    assert world.admin.rewrap_epochs() == 1
    assert world.all_readable()
    world.root.settle()
    assert rows(world) == before
    assert world.root.id != old.id
    assert world.all_readable()
    with pytest.raises(RootKeyError, match="not the one that this key store was made with"):
        world.open(old)
    assert not (world.directory / "root.key.next").exists()


def test_root_keys_of_different_kinds_follow_one_another(world: World) -> None:
    """Set both, the new one first, wrap anew, set the new one alone: the way from a file to a key service and back."""
    new = FileRootKey.create(world.directory / "other.key")
    both = world.open(RootKeys([new, world.root]))
    KeyAdmin(both, per_second=10).rewrap_epochs()
    both.close()
    alone = world.open(new)
    assert world.readable(Vault(alone), *PEOPLE)
    alone.close()
    with pytest.raises(RootKeyError):
        world.open(world.root)


def test_a_persons_new_key_is_known_everywhere_before_it_encrypts(world: World) -> None:
    """First it is added, then it encrypts; what the old ones sealed opens for ever, in a process with an old cache too."""
    other_store = world.open(world.root)
    other = Vault(other_store, cache_seconds=60, clock=lambda: (world.now - START).total_seconds())
    assert world.readable(other, *PEOPLE)
    world.now += timedelta(days=730)
    assert world.readable(other, *PEOPLE)
    assert world.admin.stage(made_before=world.now) == 2 * len(PEOPLE)
    assert world.admin.stage(made_before=world.now) == 0
    assert world.admin.promote(staged_before=world.now - SETTLED) == 0
    world.vault = Vault(world.store)
    world.write()
    assert world.readable(other, *PEOPLE)
    world.now += SETTLED
    assert world.readable(other, *PEOPLE)
    assert world.admin.promote(staged_before=world.now - SETTLED) == 2 * len(PEOPLE)
    world.vault = Vault(world.store)
    old_ids = {box.ciphertext[:5] for _, box in world.texts["ada"]}
    world.write()
    assert world.texts["ada"][-1][1].ciphertext[:5] not in old_ids
    assert world.readable(other, *PEOPLE)
    assert world.all_readable()
    other_store.close()


def test_the_state_tells_ages_versions_and_what_is_due(world: World) -> None:
    """Counts by version and epoch, since when the root key wraps, and how many keysets are older than a time."""
    world.now += timedelta(days=800)
    told = world.vault.state(made_before=world.now)
    assert (told.root_key, told.root_since, told.due, told.staged) == (world.root.id, START, 10, 0)
    assert [(each.begun_at, each.keysets) for each in told.epochs] == [(START, 10)]
    world.admin.stage(made_before=world.now)
    world.admin.promote(staged_before=world.now)
    told = world.vault.state(made_before=world.now)
    assert (told.versions, told.due, told.oldest) == ({2: 10}, 0, world.now)


def test_changes_and_destructions_at_random_keep_the_living_and_only_them(world: World) -> None:
    """Whatever is done in whatever order, who lives reads everything and who was destroyed is gone."""
    chance, living = random.Random(7), list(PEOPLE)
    steps = [
        lambda: world.turn(),
        lambda: world.admin.stage(made_before=world.now),
        lambda: world.admin.promote(staged_before=world.now - SETTLED),
        lambda: world.root.follow() or (world.admin.rewrap_epochs() and world.root.settle()),
        lambda: len(living) > 2 and world.vault.destroy(living.pop()),
        lambda: world.write(),
    ]
    for _ in range(25):
        world.now += timedelta(days=1)
        chance.choice(steps)()
        world.vault = Vault(world.store)
        assert world.readable(world.vault, *living)
    for name in set(PEOPLE) - set(living):
        with pytest.raises(KeyMissing):
            world.readable(world.vault, name)
