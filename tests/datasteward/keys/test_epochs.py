"""Epochs follow one another: who lives reads on, and an old backup opens nothing of the dead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, select
from support.key_world import PEOPLE, START, World

from datasteward.crypto import FieldCipher, Keyset, KeysetKind, associated_data
from datasteward.errors import DecryptionFailed, KeyStoreError
from datasteward.keys import Vault
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from datasteward.keys.tables import subject_key


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
    dying = KeyAdmin(Changing(world.store, per_second=10, batch=3, told=kill, pause=world.pauses.append))
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
    manifest = world.back_up()

    before = world.restore(new_database(), manifest)
    world.vault.destroy("ada")
    assert world.readable(Vault(before), *PEOPLE)
    before.close()
    world.now += timedelta(days=30)
    world.turn()
    after = new_database()
    with pytest.raises(KeyStoreError, match="keys of epochs are not those of this key store"):
        world.restore(after, manifest)
    assert {row[0] for row in wrapped_in(after)} == set(PEOPLE)
    assert not opens_any(world, wrapped_in(after))
    assert opens_any(world, wrapped_in(world.url))
    assert world.readable(world.vault, *PEOPLE[1:])


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
