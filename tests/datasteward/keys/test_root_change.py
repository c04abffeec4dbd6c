"""One root key follows another while everything stays readable, whoever else changes keys just then."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from support.key_world import PEOPLE, START, World
from support.killing import Killed

from datasteward.errors import KeyStoreError, RootKeyError
from datasteward.keys import FileRootKey, RootKeys, Vault, admin, directory
from datasteward.keys.admin import KeyAdmin
from datasteward.keys.changing import Changing


def rows(world: World) -> list[tuple[object, ...]]:
    """Everything that stands in the table of keysets."""
    with world.store.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql("select * from subject_key order by 1, 2, 3")]


def test_e7_a_new_root_key_touches_no_keyset_and_the_old_one_is_refused(world: World) -> None:
    """Only the epochs' keys are wrapped anew: every row is as it was, a running process reads on, the old root opens nothing."""
    before, old = rows(world), FileRootKey.load(world.directory / "root.key")
    assert world.admin.change_root()
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
    KeyAdmin(Changing(both, per_second=10)).change_root()
    both.close()
    alone = world.open(new)
    assert world.readable(Vault(alone), *PEOPLE)
    alone.close()
    with pytest.raises(RootKeyError):
        world.open(world.root)


def test_a_root_key_that_wraps_already_is_no_new_one(world: World) -> None:
    """The epochs' keys are wrapped again, but it is not said to be young for that."""
    same = FileRootKey.load(world.directory / "root.key")
    store = world.open(same)
    world.now += timedelta(days=300)
    assert not KeyAdmin(Changing(store, per_second=10)).change_root()
    assert Vault(store).state(made_before=world.now).root_since == START
    store.close()
    assert world.all_readable()


def test_a_process_with_the_old_root_key_reads_on_and_begins_no_epoch(world: World) -> None:
    """Its epoch would be one that nobody else can open."""
    old = FileRootKey.load(world.directory / "root.key")
    late = world.open(old)
    assert world.readable(Vault(late), *PEOPLE)
    assert world.admin.change_root()
    assert world.readable(Vault(late), *PEOPLE)
    with pytest.raises(RootKeyError, match="not the one that wraps the keys of epochs"):
        KeyAdmin(Changing(late, per_second=10)).begin_epoch()
    late.close()
    world.turn()
    assert world.all_readable()


@pytest.mark.parametrize("knows_the_new_one", [True, False])
def test_an_epoch_that_begins_while_the_root_key_changes_is_open_to_all(
    world: World, monkeypatch: pytest.MonkeyPatch, knows_the_new_one: bool
) -> None:
    """It waits until the change is through: wrapped under the new root key, or refused where that is not known."""
    root = world.root if knows_the_new_one else FileRootKey.load(world.directory / "root.key")
    other = world.open(root)
    refused: list[RootKeyError] = []

    def begin() -> None:
        try:
            KeyAdmin(Changing(other, per_second=10)).begin_epoch()
        except RootKeyError as error:
            refused.append(error)

    beginning, rewrap = threading.Thread(target=begin), world.store.epochs.rewrap

    def meanwhile(name: str) -> None:
        rewrap(name)
        beginning.start()
        beginning.join(0.5)

    monkeypatch.setattr(world.store.epochs, "rewrap", meanwhile)
    assert world.admin.change_root()
    beginning.join(20)
    assert not beginning.is_alive()
    assert bool(refused) is not knows_the_new_one
    other.close()
    assert world.all_readable()


@pytest.mark.parametrize("step", ["rewrap", "halfway", "settle", "commit"])
def test_a_change_of_the_root_key_that_is_cut_off_is_taken_up_by_doing_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whatever was done before the kill, everything stays readable, no epoch begins under either key, and then all is well."""

    def kill(*_: object) -> None:
        raise Killed

    world.now += timedelta(days=30)
    world.admin.begin_epoch()
    world.now += timedelta(days=30)
    with monkeypatch.context() as broken:
        if step == "commit":
            broken.setattr(admin, "update", kill)
        elif step == "halfway":
            calls = iter([directory.replace])
            broken.setattr(directory, "replace", lambda *paths: next(calls, kill)(*paths))
        else:
            broken.setattr(world.store.epochs if step == "rewrap" else world.root, step, kill)
        with pytest.raises(Killed):
            world.admin.change_root()
    assert world.all_readable()
    with pytest.raises((RootKeyError, KeyStoreError)):
        world.admin.begin_epoch()
    assert world.admin.change_root()
    assert world.all_readable()
    world.turn()
    assert world.all_readable()
    assert not (world.directory / "root.key.next").exists()
