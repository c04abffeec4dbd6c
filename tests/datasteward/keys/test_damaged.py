"""A keyset that is damaged is named and left as it is; everybody else's keys are changed all the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.key_world import PEOPLE, START, World

from datasteward import backup
from datasteward.errors import KeyStoreError
from datasteward.keys import Vault
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing
from datasteward.keys.tables import subject_key

KEY = subject_key.c


def damage(world: World, subject: str, with_what: bytes) -> Callable[[], None]:
    """Puts these bytes in the place of the person's keyset for fields; what is returned puts it back."""
    one = (KEY.subject == subject) & (KEY.keyset == "fields")

    def put(wrapped: bytes) -> None:
        with world.store.engine.begin() as connection:
            connection.execute(update(subject_key).where(one).values(wrapped=wrapped))

    with world.store.engine.connect() as connection:
        whole = connection.scalar(select(KEY.wrapped).where(one))
    assert whole is not None
    put(with_what)
    return lambda: put(whole)


@pytest.mark.parametrize("bad", [b"", os.urandom(40), os.urandom(500)], ids=["empty", "short", "long"])
def test_one_damaged_keyset_holds_up_nobody_but_the_end_of_its_epoch(world: World, bad: bytes) -> None:
    """Everybody else goes under the next key; the old key stays for what can be put back from a backup, then it ends."""
    mend = damage(world, "carla", bad)
    world.now += timedelta(days=30)
    world.admin.begin_epoch()
    assert world.admin.rewrap() == 2 * len(PEOPLE) - 1
    assert world.admin.damaged == {"carla"}
    assert world.admin.end_epochs(overlap_before=world.now) == 0
    assert world.readable(world.vault, *(set(PEOPLE) - {"carla"}))
    mend()
    assert world.admin.rewrap() == 1
    assert world.admin.end_epochs(overlap_before=world.now) == 1
    assert world.all_readable()


def test_peoples_new_keys_pass_a_damaged_keyset_over(world: World) -> None:
    """Adding a key and turning to it both go on behind it, and each name it."""
    mend = damage(world, "ada", b"bad")
    assert world.admin.stage(made_before=world.now + timedelta(1)) == 2 * len(PEOPLE) - 1
    mend()
    damage(world, "ben", b"bad")
    again = KeyAdmin(Changing(world.store, per_second=10**6, batch=1))
    assert again.promote(staged_before=world.now) == 2 * len(PEOPLE) - 2
    assert again.damaged == {"ben"}


def test_a_keyset_that_another_process_took_along_is_not_damaged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its epoch has ended between reading its row and opening it: there is nothing left to do, and nobody to name."""
    world.now += timedelta(days=30)
    world.admin.begin_epoch()
    late_store = world.open(world.root)
    changing = Changing(late_store, per_second=10**6)
    rows = changing._rows

    def late(wanted: object) -> object:
        found = rows(wanted)  # type: ignore[arg-type]
        world.admin.rewrap()
        world.admin.end_epochs(overlap_before=world.now)
        return found

    monkeypatch.setattr(changing, "_rows", late)
    assert KeyAdmin(changing).rewrap() == 0
    assert changing.damaged == set()
    late_store.close()
    assert world.all_readable()


def test_without_the_present_epochs_key_a_change_ends_with_a_sentence(world: World) -> None:
    """It does not try for ever to wrap under a key that is lost."""
    world.now += timedelta(days=30)
    world.admin.begin_epoch()
    world.places.destroy(world.store.epochs.present())
    with pytest.raises(KeyStoreError, match="destroyed, or is lost"):
        world.admin.rewrap()


def test_what_is_to_be_done_is_written_down_before_the_first_change_and_once(world: World) -> None:
    """When it cannot be written down nothing is changed; and where nothing is due there is nothing to write."""
    written: list[str] = []

    def fail() -> None:
        raise OSError

    def admin(before: Callable[[], None]) -> KeyAdmin:
        return KeyAdmin(Changing(world.store, per_second=10**6, batch=1), before=before)

    def state() -> object:
        return world.vault.state(made_before=START)

    before = state()
    for change in (KeyAdmin.begin_epoch, KeyAdmin.change_root, KeyAdmin.refill):
        with pytest.raises(OSError, match=r"^$"):
            change(admin(fail))
    with pytest.raises(OSError, match=r"^$"):
        admin(fail).stage(made_before=world.now + timedelta(1))
    assert state() == before
    world.now += timedelta(days=30)
    world.admin.begin_epoch()
    with pytest.raises(OSError, match=r"^$"):
        admin(fail).end_epochs(overlap_before=world.now)
    idle = admin(fail)
    assert idle.begin_epoch(begun_before=START - timedelta(1)) is False
    assert idle.stage(made_before=START - timedelta(1)) + idle.promote(staged_before=START) == 0
    busy = admin(lambda: written.append("now"))
    assert busy.rewrap() == 2 * len(PEOPLE)
    assert busy.end_epochs(overlap_before=world.now) == 1
    assert written == ["now"]


def mend(world: World, manifest: backup.Manifest, admin: KeyAdmin) -> int:
    """Takes damaged keysets from the world's backup."""
    with backup.reading(world.store.engine, world.backup, manifest, subject_key.name) as copy:
        return admin.mend(copy)


def test_a_damaged_keyset_is_taken_from_a_backup_and_nothing_else_is(world: World) -> None:
    """Also from one that was made in the epoch before; who was destroyed since, and what was made since, stays so."""
    manifest = world.back_up()
    world.now += timedelta(days=30)
    world.admin.begin_epoch()
    world.admin.rewrap()
    world.vault.destroy("ben")
    world.vault.create("fay")
    damage(world, "carla", b"bad")
    damage(world, "fay", b"bad")
    assert mend(world, manifest, world.admin) == 1
    assert world.admin.damaged == {"fay"}
    world.vault = Vault(world.store)
    assert world.readable(world.vault, "ada", "carla", "dan", "eva")
    assert not world.vault.has("ben")
    again = KeyAdmin(Changing(world.store, per_second=10**6))
    assert mend(world, manifest, again) == 0
    assert again.damaged == {"fay"}


def test_a_backup_from_an_epoch_that_has_ended_mends_nothing(world: World) -> None:
    """What it holds opens no more: the keyset stays as it is, and is named."""
    manifest = world.back_up()
    world.now += timedelta(days=30)
    world.turn()
    damage(world, "carla", b"bad")
    assert mend(world, manifest, world.admin) == 0
    assert world.admin.damaged == {"carla"}
    assert world.readable(Vault(world.store), *(set(PEOPLE) - {"carla"}))


def test_a_damaged_key_of_an_old_epoch_holds_up_nobody_else(world: World) -> None:
    """It is told from a wrong root key, and named with those whose keysets lie under it."""
    world.now += timedelta(days=30)
    world.admin.begin_epoch()
    old = world.places.names() - {world.store.epochs.present()}
    world.vault.create("felix")
    for each in ("epochs", "mirror"):
        path = world.directory / each / next(iter(old))
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    world.store.epochs.forget_all()
    with pytest.raises(KeyStoreError, match="key of an epoch is damaged in each place"):
        Vault(world.store).opener("ada")
    assert world.admin.rewrap() == 0
    assert world.admin.damaged == set(PEOPLE)
    assert world.admin.change_root()
    world.admin.refill()
    assert Vault(world.store).opener("felix")
    with closing(world.open(world.root)) as fresh:
        assert Vault(fresh).opener("felix")


def test_keys_are_not_made_under_an_epoch_whose_key_is_away(world: World) -> None:
    """The sentence is about the key that is away, and nothing is stored."""
    for each in ("epochs", "mirror"):
        (world.directory / each / world.store.epochs.present()).rename(world.directory / f"kept-{each}")
    world.store.epochs.forget_all()
    with pytest.raises(KeyStoreError, match="is not where the keys of epochs are"):
        world.vault.create("felix")
    assert not world.vault.has("felix")


def test_a_key_store_that_breaks_is_told_wherever_it_is_asked(world: World) -> None:
    """In a sentence, and not in the database's words."""
    with world.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE epoch RENAME TO gone")
    for use in (world.admin.rewrap, lambda: world.vault.create("felix"), world.admin.begin_epoch):
        with pytest.raises(KeyStoreError, match="key store cannot be used"):
            use()
